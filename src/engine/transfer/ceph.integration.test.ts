import { randomUUID } from 'node:crypto'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningCeph, startCeph } from '../../../e2e/stack/ceph.ts'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { saveBucket } from '../../server/db/buckets.ts'
import { applyAction } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'

const SIZE_BYTES = 100_000_000
const started = await startCeph()
const unavailable = 'unavailable' in started ? started.unavailable : null

describe.skipIf(unavailable !== null)(`a transfer into a real Ceph ${unavailable ?? ''}`, () => {
  const ceph = started as RunningCeph
  let stack: EngineStack
  beforeAll(async () => {
    stack = await startEngineStack(ceph)
    await stack.startEngine()
  })
  afterAll(async () => {
    await stack?.close()
    await ceph.stop()
  })

  it('holds parts that fit the memory, and the object is the same file', async () => {
    const id = await stack.create({ sourceUrl: stack.source.serve('/held.bin', { sizeBytes: SIZE_BYTES }) })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.verification?.verdict).toBe('verified')
    expect(await stack.objectSha256('held.bin')).toBe(patternSha256(SIZE_BYTES))
  })

  it('streams parts that do not, and the object is the same file', async () => {
    const sourceUrl = stack.source.serve('/streamed.bin', { sizeBytes: SIZE_BYTES })
    const id = await stack.create({ sourceUrl, partSizeBytes: 50 * MIB })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.verification?.verdict).toBe('verified')
    expect(await stack.objectSha256('streamed.bin')).toBe(patternSha256(SIZE_BYTES))
  })

  it('takes an empty file, of known and of unknown length', async () => {
    const known = stack.source.serve('/empty.bin', { sizeBytes: 0 })
    const unknown = stack.source.serve('/endless.bin', { sizeBytes: 0, ranges: 'ignored', length: 'chunked' })
    for (const sourceUrl of [known, unknown]) {
      const done = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
      expect(done.failure).toBeNull()
      expect(done.sizeBytes).toBe(0)
    }
    expect(await stack.objectSha256('empty.bin')).toBe(patternSha256(0))
    expect(await stack.objectSha256('endless.bin')).toBe(patternSha256(0))
  })

  it('knows an empty object that it wrote before it could say so', async () => {
    const id = await stack.create({
      sourceUrl: stack.source.serve('/mine.bin', { sizeBytes: 0 }),
      startAt: new Date(Date.now() + 3_600_000),
    })
    const Metadata = { 'sluice-write-token': id }
    await stack.s3.send(new PutObjectCommand({ Bucket: 'test', Key: 'mine.bin', Body: '', Metadata }))
    await stack.database.db.transfer.update({ where: { id }, data: { startAt: null } })
    expect((await stack.waitFor(id, 'completed', 'failed')).failure).toBeNull()
  })

  it.each([
    ['bucket_unauthorized', { secretAccessKey: 'wrongsecret0123456789' }],
    ['bucket_not_found', { bucket: 'no-such-bucket' }],
  ])('says %s in a sentence', async (code, wrong) => {
    const { endpoint, region, accessKeyId, secretAccessKey } = ceph
    const draft = { name: randomUUID(), endpoint, region, accessKeyId, secretAccessKey, bucket: 'test', prefix: '' }
    const saved = await saveBucket(stack.database.db, stack.sealer, { ...draft, forcePathStyle: true, ...wrong })
    const sourceUrl = stack.source.serve('/refused.bin', { sizeBytes: 1000 })
    const failed = await stack.waitFor(await stack.create({ sourceUrl, bucketId: saved.id }), 'failed', 'completed')
    expect(failed.failure?.code).toBe(code)
    expect(failed.failure?.message).not.toContain(secretAccessKey)
  })

  it('leaves an object alone that is at the key', async () => {
    await stack.s3.send(new PutObjectCommand({ Bucket: 'test', Key: 'taken.bin', Body: 'theirs' }))
    const sourceUrl = stack.source.serve('/taken.bin', { sizeBytes: 9 * MIB })
    const failed = await stack.waitFor(await stack.create({ sourceUrl }), 'failed', 'completed')
    expect(failed.failure?.code).toBe('key_exists')
    const object = await stack.s3.send(new HeadObjectCommand({ Bucket: 'test', Key: 'taken.bin' }))
    expect(object.ContentLength).toBe(6)
  })

  it('leaves nothing when it is cancelled', async () => {
    // All but the first parts hardly come: it is not done before it is cancelled.
    const sourceUrl = stack.source.serve('/cancelled.bin', ({ range }) => ({
      sizeBytes: SIZE_BYTES,
      bytesPerSecond: () => ((range?.startByte ?? 0) >= 20 * MIB ? MIB / 64 : null),
    }))
    const id = await stack.create({ sourceUrl, partSizeBytes: 6 * MIB, lanes: 3 })
    await stack.until(id, (transfer) => transfer.partsDone >= 1)
    await applyAction(stack.database.db, 'cancel', [id])
    await stack.waitFor(id, 'cancelled')
    expect(await stack.openUploads()).toEqual([])
    await expect(stack.objectSha256('cancelled.bin')).rejects.toThrow()
  })
})
