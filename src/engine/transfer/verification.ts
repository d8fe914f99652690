import type { TransferRow } from '../../server/db/transfer-steps.ts'
import type { BucketCapabilities } from '../../server/domain/bucket.ts'
import type { Evidence, Verification } from '../../server/domain/transfer.ts'
import {
  algorithmName,
  BUCKET_PARTS_CHECKSUM,
  limitWords,
  NOT_COMPARED,
  restsOn,
  SOURCE_NOT_PINNED,
} from '../../server/domain/verification-words.ts'
import { identityProof } from '../source/identity.ts'
import { compositeCrc32c } from '../upload/crc32c.ts'
import type { ObjectInfo } from '../upload/object-store.ts'
import type { Digests, KnownDigest } from './known-digests.ts'
import { pinnedIdentity } from './pinned-identity.ts'

/**
 * What can be said about an object: `verified` where the bucket itself has a checksum over all of it and that is the one of
 * the bytes we read, `size-only` where nothing but the length could be compared, `mismatch` where either differs.
 */
export function judgeObject(object: ObjectInfo, expected: ExpectedObject): Verification {
  const size: Evidence = { kind: 'size', expected: String(expected.sizeBytes), actual: String(object.sizeBytes) }
  if (object.sizeBytes !== expected.sizeBytes) return { verdict: 'mismatch', evidence: [size] }
  const compared = compareWhole(object, expected) ?? compareParts(object, expected)
  if (!compared) return { verdict: 'size-only', evidence: [size] }
  const checksum: Evidence = { algorithm: 'CRC32C', ...compared }
  return { verdict: compared.actual === compared.expected ? 'verified' : 'mismatch', evidence: [checksum, size] }
}

/** What the object has to be. */
interface ExpectedObject {
  readonly sizeBytes: number
  readonly crc32c: string | null
  /** The CRC32C of each part, in order, where the store keeps a checksum of those. */
  readonly partCrc32cs?: readonly string[] | null
}

function compareWhole(object: ObjectInfo, { crc32c }: ExpectedObject) {
  const actual = fullObjectChecksums(object).crc32c
  return actual !== undefined && crc32c !== null ? { kind: 'bucket-checksum', expected: crc32c, actual } : null
}

/** The store took each part by its checksum; that of all those shows that the object is made of these parts, in this order. */
function compareParts(object: ObjectInfo, { partCrc32cs }: ExpectedObject) {
  const actual = object.checksumType === 'FULL_OBJECT' ? undefined : object.checksums.crc32c
  if (actual === undefined || !partCrc32cs) return null
  return { kind: BUCKET_PARTS_CHECKSUM, expected: compositeCrc32c(partCrc32cs), actual }
}

/** For `judgeObject`, of the parts in the ledger; null where the store keeps no such checksum, or a part has none. */
export function partChecksums(
  parts: readonly { readonly crc32c: string | null }[],
  capabilities: Pick<BucketCapabilities, 'compositeChecksum'>,
): string[] | null {
  if (!capabilities.compositeChecksum || parts.length === 0) return null
  const known = parts.flatMap(({ crc32c }) => crc32c ?? [])
  return known.length === parts.length ? known : null
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
