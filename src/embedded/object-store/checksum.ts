import { createHash } from 'node:crypto'
import { Crc64Nvme } from '@aws-sdk/crc64-nvme'
import { crc32, crc32c } from '@node-rs/crc32'
import { S3Error } from './s3-error.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, type Checksums, type ChecksumType } from './stored-object.ts'

/** A checksum that is fed as bytes arrive. `digest` is base64, big-endian for the CRCs, as S3 writes them. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void
  digest(): Promise<string>
}

const DIGEST_BYTES: Record<ChecksumAlgorithm, number> = { crc32: 4, crc32c: 4, crc64nvme: 8, sha1: 20, sha256: 32 }

/** Starts a checksum of one of S3's algorithms. */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'crc32':
      return runningCrc(crc32)
    case 'crc32c':
      return runningCrc(crc32c)
    case 'crc64nvme': {
      const crc = new Crc64Nvme()
      return {
        update: (bytes) => crc.update(bytes),
        digest: async () => Buffer.from(await crc.digest()).toString('base64'),
      }
    }
    default: {
      const hash = createHash(algorithm)
      return { update: (bytes) => void hash.update(bytes), digest: async () => hash.digest('base64') }
    }
  }
}

function runningCrc(step: (bytes: Uint8Array, state: number) => number): RunningChecksum {
  let state = 0
  return {
    update: (bytes) => {
      state = step(bytes, state)
    },
    digest: async () => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(state >>> 0)
      return bytes.toString('base64')
    },
  }
}

/** The algorithm of a header value such as CRC32C, or null where the header is not there. Throws InvalidRequest. */
export function parseAlgorithm(text: string | undefined): ChecksumAlgorithm | null {
  if (text === undefined) return null
  const algorithm = CHECKSUM_ALGORITHMS.find((name) => name === text.toLowerCase())
  if (!algorithm)
    throw new S3Error(
      'InvalidRequest',
      'Checksum algorithm provided is unsupported. Use CRC32, CRC32C, CRC64NVME, SHA1 or SHA256.',
    )
  return algorithm
}

/** The type of a multipart upload's checksum: what was asked for, else S3's default for the algorithm. Throws InvalidRequest. */
export function parseChecksumType(text: string | undefined, algorithm: ChecksumAlgorithm | null): ChecksumType | null {
  if (text === undefined) return algorithm === null ? null : algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE'
  const type = text.toUpperCase()
  if (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')
    throw new S3Error('InvalidRequest', 'x-amz-checksum-type is FULL_OBJECT or COMPOSITE.')
  if (algorithm === null)
    throw new S3Error('InvalidRequest', 'x-amz-checksum-type needs x-amz-checksum-algorithm beside it.')
  const possible = type === 'FULL_OBJECT' ? algorithm.startsWith('crc') : algorithm !== 'crc64nvme'
  if (!possible)
    throw new S3Error('InvalidRequest', `The ${type} checksum type cannot be used with the ${algorithm} algorithm.`)
  return type
}

/** The checksum that a request declares in a header, in its trailer, or not at all. */
export interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64, or null where it comes in the trailer. */
  readonly value: string | null
}

/**
 * Finds the checksum of a body among the headers (lower-case names). At most one may be declared. Throws InvalidRequest
 * for several, for a value of the wrong length, and for a trailer that is no checksum.
 */
export function declaredChecksum(header: (name: string) => string | undefined): DeclaredChecksum | null {
  const declared: DeclaredChecksum[] = []
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = header(`x-amz-checksum-${algorithm}`)
    if (value !== undefined) declared.push({ algorithm, value })
  }
  const trailer = header('x-amz-trailer')
  for (const name of trailer === undefined ? [] : trailer.split(',')) {
    const algorithm = CHECKSUM_ALGORITHMS.find((known) => `x-amz-checksum-${known}` === name.trim().toLowerCase())
    if (!algorithm) throw new S3Error('InvalidRequest', 'x-amz-trailer names a header that is not a checksum.')
    declared.push({ algorithm, value: null })
  }
  const [first, second] = declared
  if (second)
    throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksums are given.')
  if (first?.value) checkChecksumForm(first.algorithm, first.value)
  return first ?? null
}

/** Throws InvalidRequest where `value` is not base64 of the algorithm's length. */
function checkChecksumForm(algorithm: ChecksumAlgorithm, value: string): void {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length !== DIGEST_BYTES[algorithm] || bytes.toString('base64') !== value)
    throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${algorithm} header is invalid.`)
}

/** The checksum of a COMPOSITE object: the checksum of the parts' checksums, then the number of parts. */
export async function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): Promise<string> {
  const running = startChecksum(algorithm)
  for (const part of parts) running.update(Buffer.from(part, 'base64'))
  return `${await running.digest()}-${parts.length}`
}

/** The elements (ChecksumCRC32 …) of a result document. */
export function checksumElements(checksums: Checksums): Record<string, string> {
  const entries = Object.entries(checksums).map(([algorithm, value]) => [`Checksum${algorithm.toUpperCase()}`, value])
  return Object.fromEntries(entries)
}

/** The headers (x-amz-checksum-crc32 …) of an answer. */
export function checksumHeaders(checksums: Checksums): Record<string, string> {
  const entries = Object.entries(checksums).map(([algorithm, value]) => [`x-amz-checksum-${algorithm}`, value])
  return Object.fromEntries(entries)
}
