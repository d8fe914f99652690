import type { TransferRow } from '../../server/db/transfer-steps.ts'
import type { Evidence, Verification } from '../../server/domain/transfer.ts'
import {
  algorithmName,
  limitWords,
  NOT_COMPARED,
  restsOn,
  SOURCE_NOT_PINNED,
} from '../../server/domain/verification-words.ts'
import { identityProof } from '../source/identity.ts'
import type { ObjectInfo } from '../upload/object-store.ts'
import type { Digests, KnownDigest } from './known-digests.ts'
import { pinnedIdentity } from './pinned-identity.ts'

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

/** What of a transfer decides how sure it is that its source stayed the same. */
type ReadRow = Pick<TransferRow, 'sizeBytes' | 'etag' | 'lastModified' | 'acceptsRanges' | 'trustLengthAndDate'>

/**
 * The verdict on an object, with digests that were met in front and with what limits it behind. A digest of all bytes that was met makes it
 * `verified`. Without one, a source that was read with many requests and gives nothing that tells its versions apart leaves `size-only`: the
 * bucket's checksum shows that the bytes which came are in it, not that they are of one version (decision 049).
 */
export function concludeVerification(
  judged: Verification,
  row: ReadRow,
  digests: { readonly met: readonly Evidence[]; readonly open: readonly KnownDigest[] },
): Verification {
  if (judged.verdict === 'mismatch') return judged
  const met = [...digests.met].sort((a, b) => rank(a) - rank(b))
  const open = digests.open.flatMap(({ kind, isCertain, algorithm, value }) =>
    kind === 'source-digest' && isCertain
      ? [{ kind: NOT_COMPARED, algorithm: algorithm.toUpperCase(), expected: value }]
      : [],
  )
  const isPinned = !row.acceptsRanges || ['etag', 'last-modified'].includes(identityProof(pinnedIdentity(row)))
  const limits: Evidence[] = isPinned ? open : [...open, { kind: SOURCE_NOT_PINNED }]
  const verdict = met.length > 0 ? 'verified' : isPinned ? judged.verdict : 'size-only'
  return { verdict, evidence: [...met, ...judged.evidence, ...limits] }
}

const rank = ({ kind }: Evidence) => (kind === 'expected-checksum' ? 0 : 1)

/** The verdict as the event and the report say it. */
export function describeVerification(verification: Verification): string {
  const [first] = verification.evidence
  if (verification.verdict === 'verified') return `verified: ${restsOn(verification)}`
  if (verification.verdict === 'size-only') return limitWords(verification)
  if (verification.verdict === 'pending') return 'not verified yet'
  const name = first?.algorithm ? algorithmName(first.algorithm) : 'the size'
  return `${name} differs: expected ${first?.expected}, the bucket has ${first?.actual}`
}
