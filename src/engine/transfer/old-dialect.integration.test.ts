import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyStack, STORE_SECRET, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'
import { knowsNoChecksums } from '../testing/store-fault.ts'

const SIZE_BYTES = 60_000_000

/** As Ceph 16 and many others: checksums in headers are ignored, those behind a body refused. */
describe('a transfer into a store of an old dialect', () => {
  let rig: FaultyStack
  beforeAll(async () => {
    rig = await startFaultyStack()
    rig.faulty.behave(knowsNoChecksums(STORE_SECRET))
    // So little that parts of 50 MiB cannot be held.
    await rig.stack.startEngine({ SLUICE_MEMORY_BUDGET: '32MiB' })
  })
  afterAll(() => rig?.close())

  it.each([
    ['held', 8 * MIB],
    ['streamed', 50 * MIB],
  ])('%s parts arrive, and nothing but the size is said to be compared', async (shape, partSizeBytes) => {
    const { stack, faulty } = rig
    const key = `${shape}.bin`
    const sourceUrl = stack.source.serve(`/${key}`, { sizeBytes: SIZE_BYTES })
    const done = await stack.waitFor(await stack.create({ sourceUrl, partSizeBytes }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.verification?.verdict).toBe('size-only')
    expect(done.metrics.partRetries).toBe(0)
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
    const parts = faulty.requests('UploadPart').filter((request) => request.key === key)
    expect(parts).toHaveLength(Math.ceil(SIZE_BYTES / partSizeBytes))
    expect(parts.filter(({ hasTrailer, status }) => hasTrailer || status !== 200)).toEqual([])
    const bucket = await stack.database.db.bucket.findUniqueOrThrow({ where: { id: stack.bucketId } })
    expect(bucket.capabilities).toMatchObject({
      ...{ checksumHeaders: false, checksumTrailers: false },
      ...{ fullObjectChecksum: false, compositeChecksum: false },
    })
  })
})
