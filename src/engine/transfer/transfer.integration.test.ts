import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { watchTransfer } from '../../../e2e/chaos/watch-transfer.ts'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternBytes, patternSha256 } from '../testing/byte-pattern.ts'
import { digestOf } from '../upload/object-digest.ts'

describe('a transfer into the embedded store', () => {
  let stack: EngineStack
  beforeAll(async () => {
    stack = await startEngineStack()
    await stack.startEngine()
  })
  afterAll(() => stack.close())

  const sizes = [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 100_000_000]
  it.each(sizes)('moves %i bytes in parallel, and the object is the same file', async (sizeBytes) => {
    const sourceUrl = stack.source.serve(`/sized-${sizeBytes}.bin`, { sizeBytes })
    const id = await stack.create({ sourceUrl })
    const transfer = await stack.waitFor(id, 'completed', 'failed')
    expect(transfer.failure).toBeNull()
    expect(transfer.verification?.verdict).toBe('verified')
    expect(transfer.transferredBytes).toBe(sizeBytes)
    expect(await stack.objectSha256(`sized-${sizeBytes}.bin`)).toBe(patternSha256(sizeBytes))
    expect(await stack.openUploads()).toEqual([])
  })

  it('reads a source without ranges in one stream', async () => {
    const sizeBytes = 30 * MIB + 7
    const sourceUrl = stack.source.serve('/no-ranges.bin', { sizeBytes, ranges: 'ignored' })
    const transfer = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(transfer.failure).toBeNull()
    expect(transfer.acceptsRanges).toBe(false)
    expect(await stack.objectSha256('no-ranges.bin')).toBe(patternSha256(sizeBytes))
  })

  it.each([0, 5, 64 * MIB, 64 * MIB + 3])('takes %i bytes of a source that gives no length', async (sizeBytes) => {
    const path = `/no-length-${sizeBytes}.bin`
    const sourceUrl = stack.source.serve(path, { sizeBytes, ranges: 'ignored', length: 'chunked' })
    const transfer = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(transfer.failure).toBeNull()
    expect(transfer.sizeBytes).toBe(sizeBytes)
    expect(await stack.objectSha256(path.slice(1))).toBe(patternSha256(sizeBytes))
  })

  it('streams parts that are larger than the memory allows, and holds no more than the budget', async () => {
    const sizeBytes = 150 * MIB
    const engineless = await startEngineStack()
    try {
      await engineless.startEngine({ SLUICE_MEMORY_BUDGET: '32MiB' })
      const sourceUrl = engineless.source.serve('/large-parts.bin', { sizeBytes })
      const id = await engineless.create({ sourceUrl, partSizeBytes: 50 * MIB })
      const transfer = await engineless.waitFor(id, 'completed', 'failed')
      expect(transfer.failure).toBeNull()
      expect(transfer.metrics.peakBufferedBytes).toBeLessThanOrEqual(32 * MIB)
      expect(transfer.metrics.buffersAllocated).toBeLessThanOrEqual(32)
      expect(await engineless.objectSha256('large-parts.bin')).toBe(patternSha256(sizeBytes))
    } finally {
      await engineless.close()
    }
  })

  it('sizes parts by the setting of the engine where the transfer does not say', async () => {
    const own = await startEngineStack()
    try {
      await own.startEngine({ SLUICE_PART_SIZING: 'table' })
      const sourceUrl = own.source.serve('/by-table.bin', { sizeBytes: 120 * MIB })
      const byTable = await own.waitFor(await own.create({ sourceUrl }), 'completed', 'failed')
      expect(byTable.partSizeBytes).toBe(100 * MIB)
      const byAuto = await own.waitFor(
        await own.create({ sourceUrl, key: 'b', partSizing: 'auto' }),
        'completed',
        'failed',
      )
      expect(byAuto.partSizeBytes).toBe(8 * MIB)
    } finally {
      await own.close()
    }
  })

  it('fails with the sentence of the source, and leaves nothing in the bucket', async () => {
    const sourceUrl = stack.source.serve('/gone.bin', { status: 404 })
    const transfer = await stack.waitFor(await stack.create({ sourceUrl }), 'failed')
    expect(transfer.failure).toMatchObject({ code: 'source_not_found', retry: 'never' })
    expect(await stack.openUploads()).toEqual([])
  })

  it.each(['md5', 'sha1', 'sha256', 'sha512', 'crc32', 'crc32c', 'crc64nvme'] as const)(
    'proves the %s that the user expects',
    async (algorithm) => {
      // Too large for one request, which would compare all of them at once.
      const sizeBytes = 17 * MIB
      const sourceUrl = stack.source.serve(`/expected-${algorithm}.bin`, { sizeBytes })
      const bytes = (async function* () {
        yield patternBytes(0, sizeBytes)
      })()
      const value = await digestOf(algorithm, bytes)
      const right = await stack.waitFor(
        await stack.create({ sourceUrl, expectedChecksum: { algorithm, value } }),
        'completed',
        'failed',
      )
      expect(right.failure).toBeNull()
      expect(right.verification?.evidence[0]).toEqual({
        kind: 'expected-checksum',
        algorithm: algorithm.toUpperCase(),
        expected: value,
        actual: value,
      })
      // Those that parts can be combined to cost no second read.
      const isReadAgain = !['crc32', 'crc32c', 'crc64nvme'].includes(algorithm)
      const codes = right.events.map(({ code }) => code)
      expect(codes.includes('reading_source_again')).toBe(isReadAgain)
      expect(codes).not.toContain('reading_back')
      const wrong = { algorithm, value: Buffer.alloc(Buffer.from(value, 'base64').length, 7).toString('base64') }
      const key = `wrong-${algorithm}`
      const id = await stack.create({ sourceUrl, key, expectedChecksum: wrong })
      const watch = watchTransfer({ db: stack.database.db, s3: stack.s3, bucket: 'test', transferId: id })
      const refused = await stack.waitFor(id, 'completed', 'failed')
      expect(refused.failure).toMatchObject({
        code: 'checksum_mismatch',
        message: expect.stringContaining('Nothing was written'),
      })
      expect(new Set((await watch.stop()).map(({ objectEtag }) => objectEtag))).toEqual(new Set([null]))
    },
  )

  it('holds an empty file against the checksum that the user expects too', async () => {
    const sourceUrl = stack.source.serve('/empty-expected.bin', { sizeBytes: 0 })
    const right = 'd41d8cd98f00b204e9800998ecf8427e'
    const start = (key: string, value: string) =>
      stack.create({ sourceUrl, key, expectedChecksum: { algorithm: 'md5', value } })
    const good = await stack.waitFor(await start('empty-right', right), 'completed', 'failed')
    expect(good.verification?.evidence[0]).toMatchObject({ kind: 'expected-checksum', algorithm: 'MD5' })
    const bad = await stack.waitFor(await start('empty-wrong', right.replace('d4', 'd5')), 'completed', 'failed')
    expect(bad.failure).toMatchObject({
      code: 'checksum_mismatch',
      message: expect.stringContaining('Nothing was written'),
    })
  })

  it('does not replace an object unless it may', async () => {
    const sourceUrl = stack.source.serve('/twice.bin', { sizeBytes: 1000 })
    await stack.waitFor(await stack.create({ sourceUrl }), 'completed')
    const refused = await stack.waitFor(await stack.create({ sourceUrl }), 'failed', 'completed')
    expect(refused.failure?.code).toBe('key_exists')
    const skipped = await stack.waitFor(await stack.create({ sourceUrl, ifExists: 'skip' }), 'failed', 'completed')
    expect(skipped.warnings.map((warning) => warning.code)).toContain('skipped_existing')
    stack.source.serve('/twice.bin', { sizeBytes: 2000, seed: 9 })
    await stack.waitFor(await stack.create({ sourceUrl, ifExists: 'overwrite' }), 'completed')
    expect(await stack.objectSha256('twice.bin')).toBe(patternSha256(2000, 9))
  })
})
