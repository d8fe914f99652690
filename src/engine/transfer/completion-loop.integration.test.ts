import { CompleteMultipartUploadCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FaultyStack, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import { applyAction, verifyAgain } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'
import type { StoreFault } from '../testing/store-fault.ts'
import { MAX_CRASHES } from './crash-loop.ts'

const SIZE_BYTES = 13 * MIB
const BROKEN: StoreFault = { kind: 'refuse', status: 500, code: 'InternalError' }
const NEVER: StoreFault = { kind: 'hold', until: new Promise(() => {}) }

describe('a transfer that was left while it was being completed', () => {
  let rig: FaultyStack
  let key = ''
  let count = 0
  beforeAll(async () => {
    rig = await startFaultyStack()
  })
  beforeEach(() => {
    key = `left-${++count}.bin`
  })
  afterEach(() => rig.stack.stopEngines())
  afterAll(() => rig.close())

  /** One whose engine ended with all parts in the bucket, after Complete was sent: it never got there, or it did and nobody knows. */
  async function leftCompleting(isThere: boolean): Promise<string> {
    const { stack, faulty } = rig
    let isLost = false
    // The test of a bucket completes uploads, too.
    faulty.behave((request) => {
      if (request.key !== key) return null
      if (request.operation === 'CompleteMultipartUpload') {
        isLost = true
        return isThere ? { kind: 'lose-reply' } : NEVER
      }
      return request.operation === 'HeadObject' && isLost ? BROKEN : null
    })
    const engine = await stack.startEngine()
    const sourceUrl = stack.source.serve(`/${key}`, { sizeBytes: SIZE_BYTES })
    const id = await stack.create({ sourceUrl, partSizeBytes: 6 * MIB })
    await faulty.until(() => {
      const [complete] = completes()
      return complete !== undefined && (!isThere || !complete.isOpen)
    })
    await engine.stop()
    faulty.behave(null)
    const row = await stack.database.db.transfer.findUniqueOrThrow({ where: { id } })
    expect(row).toMatchObject({ status: 'running', partsDone: 3, completingSince: expect.any(Date) })
    return id
  }
  const set = (id: string, data: object) => rig.stack.database.db.transfer.update({ where: { id }, data })
  const completes = () => rig.faulty.requests('CompleteMultipartUpload').filter((request) => request.key === key)

  it('row 28: is completed where its Complete comes through between the look at the key and the removal of the upload', async () => {
    const { stack, faulty, direct } = rig
    const { db } = stack.database
    const id = await leftCompleting(false)
    const { uploadId } = await db.transfer.findUniqueOrThrow({ where: { id } })
    const parts = await db.part.findMany({ where: { transferId: id }, orderBy: { number: 'asc' } })
    const Parts = parts.map(({ number, etag, crc32c }) => ({
      ...{ PartNumber: number, ETag: etag },
      ...(crc32c && { ChecksumCRC32C: crc32c }),
    }))
    const complete = () =>
      direct.send(
        new CompleteMultipartUploadCommand({
          ...{ Bucket: 'test', Key: key, UploadId: uploadId ?? '', MultipartUpload: { Parts } },
        }),
      )
    let isLate = false
    faulty.behave((request) => {
      if (request.key !== key || request.operation !== 'AbortMultipartUpload' || isLate) return null
      isLate = true
      return { kind: 'hold', until: complete() }
    })
    await applyAction(db, 'cancel', [id])
    await stack.startEngine()
    const ended = await stack.waitFor(id, 'completed', 'cancelled')
    expect(ended.status).toBe('completed')
    expect(ended.events[0]?.message).toMatch(/^Completed before it could be cancelled; verified/)
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
    expect(await stack.openUploads()).not.toContain(key)
  })

  it('row 26: is given up where it was never completed and engines die of it; a retry sends no part again', async () => {
    const { stack, faulty } = rig
    const id = await leftCompleting(false)
    await set(id, { crashes: MAX_CRASHES })
    await stack.startEngine()
    const failed = await stack.waitFor(id, 'failed', 'completed')
    expect(failed.failure).toMatchObject({ code: 'engines_died', retry: 'later' })
    expect(failed.failure?.message).toMatch(/All parts are in the bucket and are kept.*then retry/)
    expect(completes()).toHaveLength(1)
    expect(await stack.openUploads()).toContain(key)
    const sent = faulty.requests('UploadPart').length
    await applyAction(stack.database.db, 'retry', [id])
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(faulty.requests('UploadPart')).toHaveLength(sent)
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
  })

  it('row 26: is completed where its object turns out to be there, and nothing is sent for it', async () => {
    const { stack } = rig
    const id = await leftCompleting(true)
    await set(id, { crashes: MAX_CRASHES })
    await stack.startEngine()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done).toMatchObject({ failure: null, verification: { verdict: 'verified' } })
    expect(completes()).toHaveLength(1)
  })

  const failure = { code: 'bucket_unreachable', message: 'Away.', retry: 'later' }
  it.each([
    ['failed', false],
    ['failed, and was queued again', true],
  ])('is completed, not cancelled, where its object is there although it %s', async (_, isRetried) => {
    const { stack } = rig
    const { db } = stack.database
    const id = await leftCompleting(true)
    await set(id, { status: 'failed', failure, finishedAt: new Date() })
    if (isRetried) await applyAction(db, 'retry', [id])
    expect((await applyAction(db, 'cancel', [id])).changed).toEqual([id])
    await stack.startEngine()
    const done = await stack.waitFor(id, 'completed', 'cancelled')
    expect(done).toMatchObject({ status: 'completed', failure: null, cancelling: false })
    expect(await db.partClaim.count({ where: { transferId: id } })).toBe(0)
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
  })

  it('is completed, not forgotten, where its object is there when its parts are kept no longer', async () => {
    const { stack } = rig
    const id = await leftCompleting(true)
    const longAgo = new Date(Date.now() - 25 * 3_600_000)
    await set(id, { status: 'failed', failure, finishedAt: longAgo })
    await stack.startEngine()
    const done = await stack.until(
      id,
      ({ status, events }) => status === 'completed' || events.some(({ code }) => code === 'upload_removed'),
    )
    expect(done.status).toBe('completed')
  })

  it('is forgotten when its parts are kept no longer, where it was never completed', async () => {
    const { stack } = rig
    const id = await leftCompleting(false)
    const longAgo = new Date(Date.now() - 25 * 3_600_000)
    await set(id, { status: 'failed', failure, finishedAt: longAgo })
    await stack.startEngine()
    const after = await stack.until(id, ({ events }) => events.some(({ code }) => code === 'upload_removed'))
    expect(after.status).toBe('failed')
    expect(await stack.openUploads()).not.toContain(key)
  })
})

describe('a transfer that needs a new upload and cannot remove the old one', () => {
  let rig: FaultyStack
  beforeAll(async () => {
    rig = await startFaultyStack()
  })
  afterAll(() => rig.close())

  it('fails with both reasons, in place of trying the same again and again', async () => {
    const { stack, faulty } = rig
    const key = 'held.bin'
    faulty.behave((request) => {
      if (request.key !== key) return null
      if (request.operation === 'CompleteMultipartUpload')
        return { kind: 'refuse', status: 409, code: 'ConditionalRequestConflict' }
      return request.operation === 'AbortMultipartUpload' ? { kind: 'refuse', status: 403, code: 'AccessDenied' } : null
    })
    await stack.startEngine()
    const sourceUrl = stack.source.serve(`/${key}`, { sizeBytes: SIZE_BYTES })
    const id = await stack.create({ sourceUrl, partSizeBytes: 6 * MIB })
    const failed = await stack.waitFor(id, 'failed', 'completed')
    expect(failed.failure).toMatchObject({ code: 'bucket_unauthorized' })
    expect(failed.failure?.message).toMatch(/wrote this key.*cannot start over yet.*denies these keys/)
    expect(faulty.requests('CompleteMultipartUpload').filter((request) => request.key === key)).toHaveLength(1)
    // Cancelling it waits for the same, and says so.
    await applyAction(stack.database.db, 'cancel', [id])
    const waiting = await stack.until(id, ({ events }) => events.some(({ code }) => code === 'cancel_waits'))
    expect(waiting.cancelling).toBe(true)
    expect(waiting.events.find(({ code }) => code === 'cancel_waits')?.message).toMatch(/denies these keys/)
    faulty.behave(null)
    // Its next try comes when the lease on the first has ended.
    const lapsed = new Date(Date.now() - 1_000)
    await stack.database.db.transfer.update({ where: { id }, data: { completionLeaseUntil: lapsed } })
    await stack.waitFor(id, 'cancelled')
    expect(await stack.openUploads()).not.toContain(key)
  })
})

describe('a completed transfer', () => {
  let rig: FaultyStack
  beforeAll(async () => {
    rig = await startFaultyStack()
  })
  afterEach(() => rig.stack.stopEngines())
  afterAll(() => rig.close())

  it('row 26: stays completed where engines die of verifying it, which is given up with a sentence', async () => {
    const { stack } = rig
    const { db } = stack.database
    const first = await stack.startEngine()
    const id = await stack.create({ sourceUrl: stack.source.serve('/kept.bin', { sizeBytes: MIB }) })
    const done = await stack.waitFor(id, 'completed', 'failed')
    await first.stop()
    await verifyAgain(db, [id], true)
    await db.transfer.update({ where: { id }, data: { crashes: MAX_CRASHES } })
    await stack.startEngine()
    const after = await stack.waitFor(id, 'completed', 'failed')
    expect(after.verification).toEqual(done.verification)
    const event = after.events.find(({ code }) => code === 'verify_failed')
    expect(event?.message).toMatch(/8 engines in a row ended abruptly.*then verify again/)
    // The next wish is a new beginning.
    await verifyAgain(db, [id], true)
    const proven = await stack.until(
      id,
      ({ status, events }) => status === 'completed' && events[0]?.code === 'verified',
    )
    expect(proven.verification?.evidence[0]?.kind).toBe('read-back')
  })
})
