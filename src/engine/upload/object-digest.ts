import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc64Nvme } from '@aws-sdk/crc64-nvme'
import type { ChecksumAlgorithm } from '../../server/domain/transfer.ts'
import { encodeCrc32c, updateCrc32c } from './crc32c.ts'

/** One running digest; `value` is base64, as S3 writes checksums. */
interface Digest {
  update(chunk: Uint8Array): void
  value(): string | Promise<string>
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
    values: async () =>
      Object.fromEntries(
        await Promise.all(digests.map(async ([algorithm, digest]) => [algorithm, await digest.value()] as const)),
      ),
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
  if (algorithm === 'crc32c' || algorithm === 'crc32') {
    let crc = 0
    const update = algorithm === 'crc32c' ? updateCrc32c : (chunk: Uint8Array, before: number) => crc32(chunk, before)
    return {
      update(chunk) {
        crc = update(chunk, crc)
      },
      value: () => encodeCrc32c(crc),
    }
  }
  if (algorithm === 'crc64nvme') {
    const crc = new Crc64Nvme()
    return {
      update: (chunk) => crc.update(chunk),
      value: async () => Buffer.from(await crc.digest()).toString('base64'),
    }
  }
  const hash = createHash(algorithm)
  return { update: (chunk) => void hash.update(chunk), value: () => hash.digest('base64') }
}
