import { normalizeChecksum, showChecksum } from '../../../server/domain/checksum.ts'
import type { Evidence, Verification } from '../../../server/domain/transfer.ts'
import { checksumAlgorithmSchema } from '../../../server/domain/transfer.ts'
import { evidenceWords, limitWords, SOURCE_NOT_PINNED } from '../../../server/domain/verification-words.ts'

/** One side of an evidence as it is shown: lengths are byte counts, digests stand as people compare them. */
export function evidenceValue(evidence: Evidence, value: string | undefined): string | undefined {
  const algorithm = algorithmOf(evidence)
  if (value !== undefined && algorithm) return showChecksum(algorithm, value)
  if (value === undefined || evidence.algorithm || !/^\d+$/.test(value)) return value
  return `${Number(value).toLocaleString('en-US')} bytes`
}

/** Whether the two sides of an evidence are the same; null where only one is known. */
export function evidenceAgrees(evidence: Evidence): boolean | null {
  if (evidence.expected === undefined || evidence.actual === undefined) return null
  return sameForm(evidence, evidence.expected) === sameForm(evidence, evidence.actual)
}

/** The verdict as heading and sentence: what it rests on, and no more than that. `isSkipped`: the object is somebody else's, left as it was. */
export function verdictWords(verification: Verification, isSkipped: boolean): { title: string; sentence: string } {
  const strongest = verification.evidence.find((evidence) => evidence.algorithm)
  switch (verification.verdict) {
    case 'verified':
      return {
        title: strongest ? `Verified · ${evidenceWords(strongest)}` : 'Verified',
        sentence: 'Every byte in the bucket was compared by checksum with what was read from the source.',
      }
    case 'size-only':
      if (verification.evidence.some(({ kind }) => kind === SOURCE_NOT_PINNED))
        return {
          title: 'The source may have changed on the way',
          sentence: `${sentenceOf(limitWords(verification))} Give an expected checksum next time for more.`,
        }
      return {
        title: 'Length compared, bytes not',
        sentence:
          'No checksum of source or bucket could be compared, so only the length is proven. Give an expected checksum next time for more.',
      }
    case 'mismatch':
      if (isSkipped)
        return {
          title: 'The object there is another one',
          sentence: 'What was at the key was left as it was, and it is not the file at the link.',
        }
      return {
        title: 'The object differs',
        sentence: 'A comparison failed, so the object is not what it should be. Do not use it.',
      }
    case 'pending':
      return { title: 'Being verified', sentence: 'The object is in the bucket; its bytes are being compared.' }
  }
}

const sentenceOf = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

/** A digest may stand as hexadecimal on one side and as base64 on the other. */
function sameForm(evidence: Evidence, value: string): string {
  const algorithm = algorithmOf(evidence)
  return (algorithm && normalizeChecksum(algorithm, value)) ?? value
}

function algorithmOf({ algorithm }: Evidence) {
  return checksumAlgorithmSchema.safeParse(algorithm?.toLowerCase().replace(/[^a-z0-9]/g, '')).data
}
