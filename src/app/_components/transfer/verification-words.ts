import { normalizeChecksum } from '../../../server/domain/checksum.ts'
import type { Evidence, Verification } from '../../../server/domain/transfer.ts'
import { checksumAlgorithmSchema } from '../../../server/domain/transfer.ts'

const ALGORITHMS: Record<string, string> = {
  md5: 'MD5',
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha512: 'SHA-512',
  crc32: 'CRC32',
  crc32c: 'CRC32C',
  crc64nvme: 'CRC64NVME',
}

/** An algorithm as people write it. */
export function algorithmName(algorithm: string | undefined): string {
  if (!algorithm) return 'Checksum'
  return ALGORITHMS[algorithm.toLowerCase().replace(/[^a-z0-9]/g, '')] ?? algorithm
}

/** What one piece of evidence compared, in words. Kinds are made by the engine; one not known here is shown by its name. */
export function evidenceWords(evidence: Evidence): string {
  const name = algorithmName(evidence.algorithm)
  const kind = evidence.kind.toLowerCase()
  if (kind === 'object' && !evidence.algorithm) return 'Object at the key'
  if (kind.includes('size') || kind.includes('length')) return 'Length by the bucket'
  if (kind.includes('expected') || kind.includes('user')) return `${name} that you expected`
  if (kind.includes('source') || kind.includes('digest')) return `${name} by the source`
  if (kind.includes('read')) return `${name} of the object read again`
  if (kind.includes('bucket') || kind.includes('object') || kind.includes('store')) return `${name} by the bucket`
  if (kind.includes('part')) return `${name} of each part`
  return `${name} (${evidence.kind.replaceAll('_', ' ').replaceAll('-', ' ')})`
}

/** One side of an evidence as it is shown: lengths are byte counts, everything else stands as it is. */
export function evidenceValue(evidence: Evidence, value: string | undefined): string | undefined {
  if (value === undefined || evidence.algorithm || !/^\d+$/.test(value)) return value
  return `${Number(value).toLocaleString('en-US')} bytes`
}

/** Whether the two sides of an evidence are the same; null where only one is known. */
export function evidenceAgrees(evidence: Evidence): boolean | null {
  if (evidence.expected === undefined || evidence.actual === undefined) return null
  return sameForm(evidence, evidence.expected) === sameForm(evidence, evidence.actual)
}

/** The verdict as heading and sentence: what it rests on, and no more than that. */
export function verdictWords(verification: Verification): { title: string; sentence: string } {
  const strongest = verification.evidence.find((evidence) => evidence.algorithm)
  switch (verification.verdict) {
    case 'verified':
      return {
        title: strongest ? `Verified · ${evidenceWords(strongest)}` : 'Verified',
        sentence: 'Every byte in the bucket was compared by checksum with what was read from the source.',
      }
    case 'size-only':
      return {
        title: 'Length compared, bytes not',
        sentence:
          'Source and bucket gave no checksum that could be compared, so only the length is proven. Give an expected checksum next time for more.',
      }
    case 'mismatch':
      return {
        title: 'The object differs',
        sentence: 'A comparison failed, so the object is not what it should be. Do not use it.',
      }
    case 'pending':
      return { title: 'Being verified', sentence: 'The object is in the bucket; its bytes are being compared.' }
  }
}

/** A digest may stand as hexadecimal on one side and as base64 on the other. */
function sameForm(evidence: Evidence, value: string): string {
  const algorithm = checksumAlgorithmSchema.safeParse(evidence.algorithm?.toLowerCase().replace(/[^a-z0-9]/g, '')).data
  return (algorithm && normalizeChecksum(algorithm, value)) ?? value
}
