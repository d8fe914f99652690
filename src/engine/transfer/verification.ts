import type { Evidence, Verification } from '../../server/domain/transfer.ts'
import { algorithmName, restsOn } from '../../server/domain/verification-words.ts'
import type { ObjectInfo } from '../upload/object-store.ts'
import type { Digests } from './known-digests.ts'

/**
 * What can be said about an object: `verified` where the bucket itself has a checksum over all of it and that is the one of
 * the bytes we read, `size-only` where nothing but the length could be compared, `mismatch` where either differs.
 */
export function judgeObject(object: ObjectInfo, expected: { sizeBytes: number; crc32c: string | null }): Verification {
  const size: Evidence = { kind: 'size', expected: String(expected.sizeBytes), actual: String(object.sizeBytes) }
  if (object.sizeBytes !== expected.sizeBytes) return { verdict: 'mismatch', evidence: [size] }
  const actual = fullObjectChecksums(object).crc32c
  if (actual === undefined || expected.crc32c === null) return { verdict: 'size-only', evidence: [size] }
  const checksum: Evidence = { kind: 'bucket-checksum', algorithm: 'CRC32C', expected: expected.crc32c, actual }
  return { verdict: actual === expected.crc32c ? 'verified' : 'mismatch', evidence: [checksum, size] }
}

/** The bucket's own checksums over the whole object; none where they are of parts. */
export function fullObjectChecksums(object: ObjectInfo): Digests {
  return object.checksumType === 'FULL_OBJECT' ? object.checksums : {}
}

/** The verdict as the event and the report say it. */
export function describeVerification(verification: Verification): string {
  const [first] = verification.evidence
  if (verification.verdict === 'verified') return `verified: ${restsOn(verification)}`
  if (verification.verdict === 'size-only')
    return 'the size was compared; the bucket gives no checksum of the whole object'
  if (verification.verdict === 'pending') return 'not verified yet'
  const name = first?.algorithm ? algorithmName(first.algorithm) : 'the size'
  return `${name} differs: expected ${first?.expected}, the bucket has ${first?.actual}`
}
