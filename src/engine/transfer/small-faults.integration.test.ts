import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyStack, STORE_SECRET, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import { applyAction } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternBytes, patternSha256 } from '../testing/byte-pattern.ts'
import { knowsNoIfMatch, SLOW_DOWN } from '../testing/store-fault.ts'
import { WRITE_TOKEN_KEY } from '../upload/object-store.ts'

const SIZE_BYTES = 30_000

/** A file that goes in one request, while others write the same key and the store does as it likes. */
describe('a small file', () => {
  let rig: FaultyStack
  beforeAll(async () => {
    rig = await startFaultyStack()
    await rig.stack.startEngine()
  })
  afterEach(() => rig.faulty.behave(null))
  afterAll(() => rig.close())

  const writeOther = (Key: string, text = 'of somebody else') =>
    rig.direct.send(new PutObjectCommand({ Bucket: 'test', Key, Body: text }))
  const isThere = (Key: string) =>
    rig.direct.send(new HeadObjectCommand({ Bucket: 'test', Key })).then(
      () => true,
      () => false,
    )

  /** Somebody else writes the key once the engine has looked at it and before its own write. */
  function racedBy(key: string) {
    let isWritten = false
    rig.faulty.behave((request) => {
      if (request.operation !== 'PutObject' || request.key !== key || isWritten) return null
      isWritten = true
      return { kind: 'hold', until: writeOther(key) }
    })
  }

  it('that may overwrite does so, also where somebody writes the key just before', async () => {
    const { stack } = rig
    racedBy('raced-over.bin')
    const sourceUrl = stack.source.serve('/raced-over.bin', { sizeBytes: SIZE_BYTES })
    const done = await stack.waitFor(await stack.create({ sourceUrl, ifExists: 'overwrite' }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.verification?.verdict).toBe('verified')
    expect(await stack.objectSha256('raced-over.bin')).toBe(patternSha256(SIZE_BYTES))
  })

  it('that is to be skipped where the key is taken is, also where somebody writes the key just before', async () => {
    const { stack } = rig
    racedBy('raced-skip.bin')
    const sourceUrl = stack.source.serve('/raced-skip.bin', { sizeBytes: SIZE_BYTES })
    const done = await stack.waitFor(await stack.create({ sourceUrl, ifExists: 'skip' }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.warnings.map(({ code }) => code)).toContain('skipped_existing')
    expect(done.sizeBytes).toBe('of somebody else'.length)
  })

  it('that must not overwrite fails where somebody writes the key just before, and leaves that alone', async () => {
    const { stack } = rig
    racedBy('raced-fail.bin')
    const sourceUrl = stack.source.serve('/raced-fail.bin', { sizeBytes: SIZE_BYTES })
    const failed = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(failed.failure).toMatchObject({ code: 'key_exists', retry: 'never' })
    const { ContentLength } = await rig.direct.send(new HeadObjectCommand({ Bucket: 'test', Key: 'raced-fail.bin' }))
    expect(ContentLength).toBe('of somebody else'.length)
  })

  it('is cancelled although its bucket does nothing but ask for patience', async () => {
    const { stack, faulty } = rig
    const sourceUrl = stack.source.serve('/patience.bin', { sizeBytes: SIZE_BYTES })
    faulty.behave(({ operation }) => (operation === 'PutObject' ? SLOW_DOWN : null))
    const refused = () =>
      faulty.requests('PutObject').filter(({ key, status }) => key === 'patience.bin' && status === 503)
    const id = await stack.create({ sourceUrl })
    await faulty.until(() => refused().length >= 2)
    await applyAction(stack.database.db, 'cancel', [id])
    // The bucket asks on, so this only ends where nobody waits for it.
    await stack.waitFor(id, 'cancelled')
    expect(await isThere('patience.bin')).toBe(false)
  })

  it('is paused while its bucket asks for patience, and goes on when asked', async () => {
    const { stack, faulty } = rig
    const sourceUrl = stack.source.serve('/patience-paused.bin', { sizeBytes: SIZE_BYTES })
    faulty.behave(({ operation }) => (operation === 'PutObject' ? SLOW_DOWN : null))
    const puts = () => faulty.requests('PutObject').filter(({ key }) => key === 'patience-paused.bin')
    const id = await stack.create({ sourceUrl })
    await faulty.until(() => puts().length >= 2)
    await applyAction(stack.database.db, 'pause', [id])
    await expect.poll(() => stack.database.db.partClaim.count({ where: { transferId: id, engineId: null } })).toBe(1)
    faulty.behave(null)
    await applyAction(stack.database.db, 'resume', [id])
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(await stack.objectSha256('patience-paused.bin')).toBe(patternSha256(SIZE_BYTES))
  })

  it('that was written and whose answer was lost is removed where it is cancelled before anybody could look', async () => {
    const { stack, faulty } = rig
    const sourceUrl = stack.source.serve('/lost-cancel.bin', { sizeBytes: SIZE_BYTES })
    faulty.behave(({ operation, index, key }) => {
      if (operation !== 'PutObject' || key !== 'lost-cancel.bin') return null
      return faulty.requests('PutObject').findIndex((one) => one.key === key) === index
        ? { kind: 'lose-reply' }
        : SLOW_DOWN
    })
    const puts = () =>
      faulty.requests('PutObject').filter(({ key, status }) => key === 'lost-cancel.bin' && status === 503)
    const id = await stack.create({ sourceUrl })
    await faulty.until(() => puts().length >= 1)
    expect(await isThere('lost-cancel.bin')).toBe(true)
    await applyAction(stack.database.db, 'cancel', [id])
    await stack.waitFor(id, 'cancelled')
    expect(await isThere('lost-cancel.bin')).toBe(false)
  })

  it('is recognised after an answer that was lost, and written once', async () => {
    const { stack, faulty } = rig
    const key = 'lost.bin'
    const sourceUrl = stack.source.serve(`/${key}`, { sizeBytes: SIZE_BYTES })
    faulty.behave((request) => {
      if (request.operation !== 'PutObject' || request.key !== key) return null
      return faulty.requests('PutObject').findIndex((one) => one.key === key) === request.index
        ? { kind: 'lose-reply' }
        : null
    })
    const done = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.verification?.verdict).toBe('verified')
    const statuses = faulty.requests('PutObject').flatMap((one) => (one.key === key ? one.status : []))
    expect(statuses).toEqual([0, 412])
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
  })

  it('is never called done on an object of the same size that somebody else wrote in between', async () => {
    const { stack, faulty } = rig
    const key = 'same-size.bin'
    const sourceUrl = stack.source.serve(`/${key}`, { sizeBytes: SIZE_BYTES })
    faulty.behave((request) => {
      if (request.operation !== 'PutObject' || request.key !== key) return null
      const Body = patternBytes(0, SIZE_BYTES, 9)
      return { kind: 'hold', until: rig.direct.send(new PutObjectCommand({ Bucket: 'test', Key: key, Body })) }
    })
    const failed = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(failed.failure).toMatchObject({ code: 'key_exists' })
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES, 9))
  })

  it('of several parts that is to be skipped is skipped, also where somebody writes the key before its Complete', async () => {
    const { stack, faulty } = rig
    const key = 'raced-parts.bin'
    let isWritten = false
    faulty.behave(({ operation, key: asked }) => {
      if (operation !== 'CompleteMultipartUpload' || asked !== key || isWritten) return null
      isWritten = true
      return { kind: 'hold', until: writeOther(key) }
    })
    const sourceUrl = stack.source.serve(`/${key}`, { sizeBytes: 17 * MIB })
    const done = await stack.waitFor(await stack.create({ sourceUrl, ifExists: 'skip' }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.warnings.map(({ code }) => code)).toContain('skipped_existing')
    expect(await stack.openUploads()).toEqual([])
  })
})

/** Between a look at the key and what is done about it somebody else may write: only a condition that the store keeps to protects that. */
describe('into a store that replaces and removes whatever is there', () => {
  let rig: FaultyStack
  const careless = knowsNoIfMatch(STORE_SECRET)
  beforeAll(async () => {
    rig = await startFaultyStack()
    rig.faulty.behave(careless)
  })
  afterAll(() => rig.close())

  /** What an engine wrote that died before it could say so. */
  const writeOwn = (id: string, Key: string, Body: Uint8Array | string) =>
    rig.direct.send(new PutObjectCommand({ Bucket: 'test', Key, Body, Metadata: { [WRITE_TOKEN_KEY]: id } }))
  const writes = (key: string) =>
    rig.faulty
      .requests()
      .filter((one) => one.key === key && (one.operation === 'DeleteObject' || one.operation === 'PutObject'))

  it('nothing is removed for a cancelled transfer, and what is left is named', async () => {
    const { stack } = rig
    const key = 'left.bin'
    const id = await stack.create({ sourceUrl: stack.source.serve(`/${key}`, { sizeBytes: SIZE_BYTES }) })
    await writeOwn(id, key, patternBytes(0, SIZE_BYTES))
    await stack.database.db.transfer.update({
      where: { id },
      data: { status: 'paused', startedAt: new Date(), nextRunAt: null },
    })
    await applyAction(stack.database.db, 'cancel', [id])
    await stack.startEngine()
    const cancelled = await stack.waitFor(id, 'cancelled')
    expect(cancelled.events.map(({ code }) => code)).toContain('object_left')
    expect(writes(key)).toEqual([])
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
  })

  it('an object of an older version of the source is not replaced by one request, but named as in the way', async () => {
    const { stack } = rig
    const key = 'older.bin'
    const id = await stack.create({ sourceUrl: stack.source.serve(`/${key}`, { sizeBytes: SIZE_BYTES, seed: 2 }) })
    await stack.database.db.transfer.update({ where: { id }, data: { status: 'paused' } })
    await writeOwn(id, key, 'of an older version')
    await applyAction(stack.database.db, 'resume', [id])
    const failed = await stack.waitFor(id, 'completed', 'failed')
    expect(failed.failure).toMatchObject({ code: 'key_exists', message: expect.stringContaining('remove it by hand') })
    expect(writes(key).map(({ status }) => status)).toEqual([412])
    const bucket = await stack.database.db.bucket.findUniqueOrThrow({ where: { id: stack.bucketId } })
    expect(bucket.capabilities).toMatchObject({ replacesIfMatch: false, removesIfMatch: false })
  })
})
