import { z } from 'zod'
import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { normalizeChecksum, showChecksum } from '../../server/domain/checksum.ts'
import { TransferError } from '../../server/domain/failure.ts'
import {
  type ChecksumAlgorithm,
  checksumAlgorithmSchema,
  type Evidence,
  sourceDigestSchema,
} from '../../server/domain/transfer.ts'
import { algorithmName } from '../../server/domain/verification-words.ts'
import { combineLinear, LINEAR_ALGORITHMS, type LinearAlgorithm } from '../part/linear-checksum.ts'
import { isCertain } from '../source/source-digests.ts'
import { combineCrc32c } from '../upload/crc32c.ts'

const expectedSchema = z.object({ algorithm: checksumAlgorithmSchema, value: z.string() })
const sourceDigestsSchema = sourceDigestSchema.array()
const readDigestsSchema = z.partialRecord(checksumAlgorithmSchema, z.string())

/** Digests by algorithm, base64. */
export type Digests = Readonly<Partial<Record<ChecksumAlgorithm, string>>>

/** A digest that the object has to have: the user's, or the source's. */
export interface KnownDigest {
  readonly kind: 'expected-checksum' | 'source-digest'
  readonly algorithm: ChecksumAlgorithm
  readonly value: string
  /** False: where it differs it was no digest of the bytes (an ETag that looks like an MD5). */
  readonly isCertain: boolean
  /** Who gave it, for the sentence. */
  readonly by: string
}

type DigestRow = Pick<TransferRow, 'expectedChecksum' | 'sourceDigests' | 'readDigests'>

/** What the object has to agree with: the user's own checksum first, then what the source said. */
export function knownDigests(row: DigestRow): KnownDigest[] {
  const known: KnownDigest[] = []
  const expected = expectedSchema.safeParse(row.expectedChecksum).data
  if (expected) {
    const value = normalizeChecksum(expected.algorithm, expected.value) ?? expected.value
    known.push({ kind: 'expected-checksum', algorithm: expected.algorithm, value, isCertain: true, by: 'you gave' })
  }
  for (const digest of sourceDigestsSchema.safeParse(row.sourceDigests).data ?? []) {
    const by = `the source gave (${digest.header})`
    known.push({
      kind: 'source-digest',
      algorithm: digest.algorithm,
      value: digest.value,
      isCertain: isCertain(digest),
      by,
    })
  }
  return known
}

/** What to compute of bytes that come in order, besides the CRC32C that every part has anyway. */
export function wantedDigests(row: DigestRow): ChecksumAlgorithm[] {
  return knownDigests(row).flatMap(({ algorithm }) => (algorithm === 'crc32c' ? [] : algorithm))
}

/** Those of them that parts which come in any order can have: they are combined like the CRC32C (decision 049). */
export function wantedLinear(row: DigestRow): LinearAlgorithm[] {
  const wanted = new Set<ChecksumAlgorithm>(wantedDigests(row))
  return LINEAR_ALGORITHMS.filter((algorithm) => wanted.has(algorithm))
}

/** The digests of the bytes as they were read, of a source that was read in one stream. */
export function readDigests(row: DigestRow): Digests {
  return readDigestsSchema.safeParse(row.readDigests).data ?? {}
}

/** A part as the ledger has it. */
interface RecordedPart {
  readonly sizeBytes: number | bigint
  readonly crc32c: string | null
  readonly checksums?: unknown
}

/** The digests of all bytes that can be combined from those of the parts; one that a part lacks is left out. */
export function combineDigests(parts: readonly RecordedPart[]): Digests {
  const combined: Partial<Record<ChecksumAlgorithm, string>> = {}
  const sized = parts.map((part) => ({ ...part, sizeBytes: Number(part.sizeBytes) }))
  const summed = sized.flatMap(({ crc32c, sizeBytes }) => (crc32c === null ? [] : [{ crc32c, sizeBytes }]))
  if (summed.length === parts.length) combined.crc32c = combineCrc32c(summed)
  const given = sized.map((part) => readDigestsSchema.safeParse(part.checksums).data ?? {})
  for (const algorithm of LINEAR_ALGORITHMS) {
    if (!given[0]?.[algorithm]) continue
    const pieces = sized.map(({ sizeBytes }, index) => ({ checksum: given[index]?.[algorithm], sizeBytes }))
    const value = combineLinear(algorithm, pieces)
    if (value !== null) combined[algorithm] = value
  }
  return combined
}

/** What is known, sorted by what could be compared. */
export interface Comparison {
  readonly evidence: readonly Evidence[]
  /** What `actual` has nothing of. */
  readonly rest: readonly KnownDigest[]
  /** The first one that certainly differs. */
  readonly mismatch: { readonly known: KnownDigest; readonly actual: string } | null
}

/** Holds what is known against digests of the bytes. An uncertain one that differs says nothing and is left out. */
export function compareDigests(known: readonly KnownDigest[], actual: Digests): Comparison {
  const evidence: Evidence[] = []
  const rest: KnownDigest[] = []
  let mismatch: Comparison['mismatch'] = null
  for (const digest of known) {
    const value = actual[digest.algorithm]
    if (value === undefined) rest.push(digest)
    else if (value === digest.value || digest.isCertain) evidence.push(evidenceOf(digest, value))
    if (value !== undefined && value !== digest.value && digest.isCertain) mismatch ??= { known: digest, actual: value }
  }
  return { evidence, rest, mismatch }
}

/** Throws `checksum_mismatch`, both values side by side, where something certainly differs. */
export function mustAgree(comparison: Comparison, consequence: string): void {
  if (!comparison.mismatch) return
  const { known, actual } = comparison.mismatch
  const shown = (value: string) => showChecksum(known.algorithm, value)
  throw new TransferError(
    'checksum_mismatch',
    `The ${algorithmName(known.algorithm)} ${known.by} is ${shown(known.value)}, that of the file is ${shown(actual)}. ${consequence} Check the value and the source.`,
    { facts: { algorithm: known.algorithm, expected: known.value, actual } },
  )
}

function evidenceOf(known: KnownDigest, actual: string): Evidence {
  return { kind: known.kind, algorithm: known.algorithm.toUpperCase(), expected: known.value, actual }
}
