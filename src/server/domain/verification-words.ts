import type { Evidence, Verification } from './transfer.ts'

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

/** The source gave a digest that nothing could be compared with. */
export const NOT_COMPARED = 'source-digest-not-compared'
/** The bucket has a checksum of the checksums of all parts, each of which it had compared. */
export const BUCKET_PARTS_CHECKSUM = 'bucket-parts-checksum'
/** The source was read with many requests and gives nothing that tells its versions apart. */
export const SOURCE_NOT_PINNED = 'source-not-pinned'

/** What one piece of evidence compared, in words. Kinds are made by the engine; one not known here is shown by its name. */
export function evidenceWords(evidence: Evidence): string {
  const name = algorithmName(evidence.algorithm)
  const kind = evidence.kind.toLowerCase()
  if (kind === NOT_COMPARED) return `${name} given by the source, not compared`
  if (kind === SOURCE_NOT_PINNED) return 'The source gives nothing that tells its versions apart'
  if (kind === BUCKET_PARTS_CHECKSUM) return `${name} of all parts by the bucket`
  if (kind === 'object' && !evidence.algorithm) return 'Object at the key'
  if (kind.includes('size') || kind.includes('length')) return 'Length by the bucket'
  if (kind.includes('expected') || kind.includes('user')) return `${name} given by you`
  if (kind.includes('source') || kind.includes('digest')) return `${name} by the source`
  if (kind.includes('read')) return `${name} of the object read again`
  if (kind.includes('bucket') || kind.includes('object') || kind.includes('store')) return `${name} by the bucket`
  if (kind.includes('part')) return `${name} of each part`
  return `${name} (${evidence.kind.replaceAll('_', ' ').replaceAll('-', ' ')})`
}

/** The checksums that were compared, strongest first; what was only given is not among them. */
function comparedChecksums({ evidence }: Verification): Evidence[] {
  return evidence.filter(({ algorithm, actual }) => algorithm !== undefined && actual !== undefined)
}

/** The evidence a verdict rests on, strongest first, in a line: `SHA-256 given by you, CRC32C by the bucket`, or `size only`. */
export function restsOn(verification: Verification): string {
  const strong = comparedChecksums(verification)
  if (strong.length === 0) return verification.verdict === 'size-only' ? 'size only' : 'nothing yet'
  return strong.map(evidenceWords).join(', ')
}

/** Why an object is `size-only`, as half a sentence. */
export function limitWords(verification: Verification): string {
  const isPinned = !verification.evidence.some(({ kind }) => kind === SOURCE_NOT_PINNED)
  if (isPinned) return 'the size was compared; the bucket gives no checksum of the whole object'
  const strong = comparedChecksums(verification)
  const inBucket =
    strong.length > 0 ? `what was read is in the bucket (${restsOn(verification)})` : 'the size was compared'
  return `${inBucket}; the source gives nothing that tells its versions apart, so a change on the way would not have shown`
}
