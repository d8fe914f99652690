import { createHash } from 'node:crypto'
import type { ChecksumAlgorithm } from '../../server/domain/transfer.ts'
import { encodeLinear, updateLinear } from '../part/linear-checksum.ts'
import { encodeCrc32c, updateCrc32c } from './crc32c.ts'

/** One running digest; `value` is base64, as S3 writes checksums. */
interface Digest {
  update(chunk: Uint8Array): void
  value(): string
}

/** Digests of several algorithms over the same bytes. */
export interface RunningDigests {
  update(chunk: Uint8Array): void
  /** In base64, by algorithm. Nothing may be added afterwards. */
  values(): Promise<Partial<Record<ChecksumAlgorithm, string>>>
}

/** Starts digests; null where none is wanted, so that bytes are not looked at in vain. */
export function createDigests(algorithms: Iterable<ChecksumAlgorithm>): RunningDigests | null {
  const digests = [...new Set(algorithms)].map((algorithm) => [algorithm, createDigest(algorithm)] as const)
  if (digests.length === 0) return null
  return {
    update(chunk) {
      for (const [, digest] of digests) digest.update(chunk)
    },
    values: async () => Object.fromEntries(digests.map(([algorithm, digest]) => [algorithm, digest.value()])),
  }
}

/**
 * The digest of bytes as they come, in base64. Any of the algorithms a user may expect (product.md A11); CRCs are big-endian as
 * in S3 ("Checking object integrity").
 */
export async function digestOf(algorithm: ChecksumAlgorithm, chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const digest = createDigest(algorithm)
  for await (const chunk of chunks) digest.update(chunk)
  return digest.value()
}

function createDigest(algorithm: ChecksumAlgorithm): Digest {
  if (algorithm === 'crc32c') {
    let crc = 0
    return {
      update(chunk) {
        crc = updateCrc32c(chunk, crc)
      },
      value: () => encodeCrc32c(crc),
    }
  }
  if (algorithm === 'crc32' || algorithm === 'crc64nvme') {
    let crc = 0n
    return {
      update(chunk) {
        crc = updateLinear(algorithm, chunk, crc)
      },
      value: () => encodeLinear(algorithm, crc),
    }
  }
  const hash = createHash(algorithm)
  return { update: (chunk) => void hash.update(chunk), value: () => hash.digest('base64') }
}
