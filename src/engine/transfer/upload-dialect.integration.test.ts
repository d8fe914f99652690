import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyStack, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import { saveBucketCapabilities } from '../../server/db/buckets.ts'
import { applyAction } from '../../server/db/transfer-actions.ts'
import { bucketCapabilitiesSchema } from '../../server/domain/bucket.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'
import { knowsNoFullObject } from '../testing/store-fault.ts'
import { WRITE_TOKEN_KEY } from '../upload/object-store.ts'

const SIZE_BYTES = 20 * MIB
const SHAPE = { partSizeBytes: 5 * MIB, lanes: 2 }
const LANES = { SLUICE_READ_LANES: '2' }

describe('an upload keeps the dialect it was started with', () => {
  let rig: FaultyStack
  beforeAll(async () => {
    rig = await startFaultyStack()
  })
  afterAll(() => rig.close())

  /** A transfer whose upload was started where the store knew checksums of parts alone; since then it knows those of objects, too. */
  async function begun(path: string): Promise<string> {
    const { stack, faulty } = rig
    const { db } = stack.database
    await db.bucket.update({ where: { id: stack.bucketId }, data: { testedAt: null } })
    faulty.behave(knowsNoFullObject)
    const bucket = await db.bucket.findUniqueOrThrow({ where: { id: stack.bucketId } })
    if (bucket.capabilities !== null) {
      const composite = { fullObjectChecksum: false, compositeChecksum: true }
      const seen = { ...bucketCapabilitiesSchema.parse(bucket.capabilities), ...composite }
      await saveBucketCapabilities(db, stack.bucketId, seen)
    }
    const engine = await stack.startEngine(LANES)
    // The second half hardly comes, so it is not done before its engine is stopped.
    const sourceUrl = stack.source.serve(path, ({ range }) => ({
      sizeBytes: SIZE_BYTES,
      bytesPerSecond: () => ((range?.startByte ?? 0) >= SIZE_BYTES / 2 ? MIB / 64 : null),
    }))
    const id = await stack.create({ sourceUrl, ...SHAPE })
    await stack.until(id, ({ partsDone }) => partsDone >= 1)
    await engine.stop()
    stack.source.serve(path, { sizeBytes: SIZE_BYTES })
    faulty.behave(null)
    const { capabilities } = await db.bucket.findUniqueOrThrow({ where: { id: stack.bucketId } })
    const before = bucketCapabilitiesSchema.parse(capabilities)
    expect(before).toMatchObject({ fullObjectChecksum: false, compositeChecksum: true })
    await saveBucketCapabilities(db, stack.bucketId, { ...before, fullObjectChecksum: true, compositeChecksum: false })
    return id
  }

  const ofKey = (operation: 'CreateMultipartUpload' | 'CompleteMultipartUpload', key: string) =>
    rig.faulty.requests(operation).filter((request) => request.key === key)

  it.each([
    ['by another engine that takes its parts over', 'over.bin', false],
    ['by a plan that goes on with it', 'again.bin', true],
  ])('%s', async (_, key, isPlannedAgain) => {
    const { stack } = rig
    const { db } = stack.database
    const id = await begun(`/${key}`)
    if (isPlannedAgain) {
      await db.transfer.update({
        where: { id },
        data: { status: 'failed', failure: { code: 'source_error', message: 'Away.', retry: 'later' } },
      })
      await applyAction(db, 'retry', [id])
    }
    const engine = await stack.startEngine(LANES)
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.events.map(({ code }) => code)).not.toContain('started_over')
    // Complete names FULL_OBJECT for uploads that were started with it, and nothing for these.
    expect(ofKey('CompleteMultipartUpload', key).map(({ checksumType, status }) => [checksumType, status])).toEqual([
      [null, 200],
    ])
    expect(ofKey('CreateMultipartUpload', key).map(({ checksumType }) => checksumType)).toEqual(['COMPOSITE'])
    expect(done.verification).toMatchObject({ verdict: 'verified', evidence: [{ kind: 'bucket-parts-checksum' }, {}] })
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
    // Looked at again it says the same, whatever is known of the bucket by now.
    await applyAction(db, 'verify', [id])
    const again = await stack.until(
      id,
      ({ status, events }) => status === 'completed' && events[0]?.code === 'verified',
    )
    expect(again.verification).toEqual(done.verification)
    await engine.stop()
  })

  it('but one without a part in the bucket is begun anew by what is known now', async () => {
    const { stack } = rig
    const { db } = stack.database
    const key = 'none.bin'
    const id = await begun(`/${key}`)
    await db.part.deleteMany({ where: { transferId: id } })
    await db.transfer.update({
      where: { id },
      data: {
        status: 'failed',
        failure: { code: 'bucket_error', message: 'No.', retry: 'later' },
        partsDone: 0,
        doneBytes: 0,
      },
    })
    await applyAction(db, 'retry', [id])
    const engine = await stack.startEngine(LANES)
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(ofKey('CreateMultipartUpload', key).map(({ checksumType }) => checksumType)).toEqual([
      'COMPOSITE',
      'FULL_OBJECT',
    ])
    expect(done.verification?.evidence[0]?.kind).toBe('bucket-checksum')
    expect(await stack.openUploads()).toEqual([])
    await engine.stop()
  })

  it('and what an earlier try left at the key is replaced by a new one, what somebody else wrote is not', async () => {
    const { stack, direct } = rig
    const { db } = stack.database
    const put = (key: string, token: string) =>
      direct.send(
        new PutObjectCommand({ Bucket: 'test', Key: key, Body: 'wrong', Metadata: { [WRITE_TOKEN_KEY]: token } }),
      )
    const create = async (key: string) => {
      const id = await stack.create({ sourceUrl: stack.source.serve(`/${key}`, { sizeBytes: 9 * MIB }) })
      await db.transfer.update({ where: { id }, data: { writeToken: 'token of an earlier try' } })
      return id
    }
    await Promise.all([put('own.bin', 'token of an earlier try'), put('foreign.bin', 'token of another')])
    const [own, foreign] = [await create('own.bin'), await create('foreign.bin')]
    await stack.startEngine()
    const done = await stack.waitFor(own, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(await stack.objectSha256('own.bin')).toBe(patternSha256(9 * MIB))
    expect((await stack.waitFor(foreign, 'completed', 'failed')).failure?.code).toBe('key_exists')
  })
})
