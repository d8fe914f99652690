import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { patternBytes, patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import type { HostileBehaviour } from '../../src/engine/testing/hostile-behaviour.ts'
import { knowsNoFullObject } from '../../src/engine/testing/store-fault.ts'
import { digestOf } from '../../src/engine/upload/object-digest.ts'
import { verifyAgain } from '../../src/server/db/transfer-actions.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import type { ChecksumAlgorithm, Verification } from '../../src/server/domain/transfer.ts'
import type { TransferInput } from '../../src/server/domain/transfer-input.ts'
import {
  BUCKET_PARTS_CHECKSUM,
  evidenceWords,
  limitWords,
  restsOn,
} from '../../src/server/domain/verification-words.ts'
import { assertInvariants } from '../chaos/invariants.ts'
import { type EngineStack, startEngineStack } from '../stack/engine-stack.ts'
import { startFaultyStack } from '../stack/faulty-stack.ts'

const SIZE_BYTES = 14 * MIB

/** What a verdict says about sources whose digests cannot be compared on the way, or that have nothing to tell versions apart. */
describe('the verdict says what it rests on, and no more', () => {
  let stack: EngineStack
  let count = 0
  const digests: Partial<Record<ChecksumAlgorithm, string>> = {}
  beforeAll(async () => {
    stack = await startEngineStack()
    await stack.startEngine()
    for (const algorithm of ['sha256', 'md5', 'crc32', 'crc64nvme'] as const)
      digests[algorithm] = await digestOf(algorithm, one(patternBytes(0, SIZE_BYTES)))
  })
  afterAll(() => stack.close())

  async function move(source: HostileBehaviour, input: Partial<TransferInput> = {}) {
    const sourceUrl = stack.source.serve(`/verdict-${++count}.bin`, source)
    const id = await stack.create({ sourceUrl, partSizeBytes: 6 * MIB, ...input })
    return stack.waitFor(id, 'completed', 'failed')
  }

  const saying = (headers: Record<string, string>) => ({ sizeBytes: SIZE_BYTES, headers })
  const words = (verification: Verification | null) => verification?.evidence.map(evidenceWords)

  it('names digests of the source that parts cannot be compared with, and compares them when the object is read back', async () => {
    const headers = { 'repr-digest': `sha-256=:${digests.sha256}:`, 'x-goog-hash': `md5=${digests.md5}` }
    const transfer = await move(saying(headers))
    expect(transfer.failure).toBeNull()
    expect(transfer.verification?.verdict).toBe('verified')
    expect(transfer.verification && restsOn(transfer.verification)).toBe('CRC32C by the bucket')
    expect(words(transfer.verification)).toEqual([
      'CRC32C by the bucket',
      'Length by the bucket',
      'SHA-256 given by the source, not compared',
      'MD5 given by the source, not compared',
    ])
    await verifyAgain(stack.database.db, [transfer.id], true)
    const proven = await stack.until(
      transfer.id,
      ({ status, events }) => status === 'completed' && events.some(({ code }) => code === 'verified'),
    )
    expect(words(proven.verification)?.slice(0, 2)).toEqual(['SHA-256 by the source', 'MD5 by the source'])
    expect(words(proven.verification)?.join()).not.toContain('not compared')
  })

  /** Only the end is looked at here; the ways there are e2e/chaos. */
  const unwatched = () => ({
    ...{ seen: [], moments: [], canaries: [], processes: [] },
    ...{ logs: stack.logs(), openRequests: () => 0 },
  })

  it.each(['crc32', 'crc64nvme'] as const)('compares the %s of the source without a second read', async (algorithm) => {
    const header = `x-amz-checksum-${algorithm}`
    const transfer = await move(saying({ [header]: digests[algorithm] ?? '' }))
    expect(transfer.verification?.evidence[0]).toMatchObject({ kind: 'source-digest', actual: digests[algorithm] })
    expect(transfer.events.map(({ code }) => code)).not.toContain('reading_source_again')
    const wrong = Buffer.alloc(Buffer.from(digests[algorithm] ?? '', 'base64').length, 7).toString('base64')
    const refused = await move(saying({ [header]: wrong }))
    expect(refused.failure).toMatchObject({ code: 'checksum_mismatch' })
    expect(refused.failure?.message).toContain('Nothing was written')
    const at = { db: stack.database.db, s3: stack.s3, bucket: 'test', transferId: refused.id }
    await assertInvariants({ ...at, ...unwatched(), status: 'failed', sha256: patternSha256(SIZE_BYTES) })
  })

  const unpinned = [
    ['nothing', { etag: null }, {}],
    ['a weak ETag', { etag: 'W/"v1"' }, {}],
    ['an ETag that is not trusted', {}, { trustLengthAndDate: true }],
  ] as const
  it.each(unpinned)(
    'row 16: bytes that change in a source with %s are not called verified',
    async (_, headers, input) => {
      const transfer = await move(
        ({ index }) => ({ sizeBytes: SIZE_BYTES, lastModified: null, ...headers, seed: index < 2 ? 0 : 5 }),
        input,
      )
      expect(transfer.failure).toBeNull()
      expect(transfer.verification?.verdict).toBe('size-only')
      expect(words(transfer.verification)).toContain('The source gives nothing that tells its versions apart')
      expect(transfer.verification && limitWords(transfer.verification)).toMatch(/CRC32C by the bucket.*would not have/)
      expect(transfer.events[0]?.message).not.toMatch(/; verified/)
    },
  )

  it('row 16: such a source is verified by what the user expects of it, and a mix of two versions never reaches the key', async () => {
    const expectedChecksum = { algorithm: 'crc32' as const, value: digests.crc32 ?? '' }
    const source = { sizeBytes: SIZE_BYTES, etag: null, lastModified: null }
    const honest = await move(source, { expectedChecksum })
    expect(honest.verification?.verdict).toBe('verified')
    expect(words(honest.verification)?.[0]).toBe('CRC32 given by you')
    await verifyAgain(stack.database.db, [honest.id], false)
    const again = await stack.until(
      honest.id,
      ({ status, events }) => status === 'completed' && events.some(({ code }) => code === 'verified'),
    )
    expect(again.verification?.verdict).toBe('verified')
    const mixed = await move(({ index }) => ({ ...source, seed: index < 2 ? 0 : 5 }), { expectedChecksum })
    expect(mixed.failure).toMatchObject({ code: 'checksum_mismatch' })
    const at = { db: stack.database.db, s3: stack.s3, bucket: 'test', transferId: mixed.id }
    await assertInvariants({ ...at, ...unwatched(), status: 'failed', sha256: patternSha256(SIZE_BYTES) })
  })

  it('a source that is read in one answer has one version, whatever it gives', async () => {
    const transfer = await move({ sizeBytes: SIZE_BYTES, etag: null, lastModified: null, ranges: 'ignored' })
    expect(transfer.verification?.verdict).toBe('verified')
  })
})

async function* one(bytes: Uint8Array) {
  yield bytes
}

it('a store that keeps no checksum of the whole object, but one of its parts, is asked for that', async () => {
  const { stack, faulty, close } = await startFaultyStack()
  try {
    faulty.behave(knowsNoFullObject)
    await stack.startEngine()
    const sourceUrl = stack.source.serve('/composite.bin', { sizeBytes: SIZE_BYTES })
    const id = await stack.create({ sourceUrl, partSizeBytes: 6 * MIB })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.verification).toMatchObject({ verdict: 'verified', evidence: [{ kind: BUCKET_PARTS_CHECKSUM }, {}] })
    expect(done.verification && restsOn(done.verification)).toBe('CRC32C of all parts by the bucket')
    await verifyAgain(stack.database.db, [id], false)
    const again = await stack.until(id, ({ events }) => events.some(({ code }) => code === 'verified'))
    expect(again.verification).toEqual(done.verification)
  } finally {
    await close()
  }
})
