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

/** What one piece of evidence compared, in words. Kinds are made by the engine; one not known here is shown by its name. */
export function evidenceWords(evidence: Evidence): string {
  const name = algorithmName(evidence.algorithm)
  const kind = evidence.kind.toLowerCase()
  if (kind === 'object' && !evidence.algorithm) return 'Object at the key'
  if (kind.includes('size') || kind.includes('length')) return 'Length by the bucket'
  if (kind.includes('expected') || kind.includes('user')) return `${name} given by you`
  if (kind.includes('source') || kind.includes('digest')) return `${name} by the source`
  if (kind.includes('read')) return `${name} of the object read again`
  if (kind.includes('bucket') || kind.includes('object') || kind.includes('store')) return `${name} by the bucket`
  if (kind.includes('part')) return `${name} of each part`
  return `${name} (${evidence.kind.replaceAll('_', ' ').replaceAll('-', ' ')})`
}

/** The evidence a verdict rests on, strongest first, in a line: `SHA-256 given by you, CRC32C by the bucket`, or `size only`. */
export function restsOn(verification: Verification): string {
  const strong = verification.evidence.filter((evidence) => evidence.algorithm)
  if (strong.length === 0) return verification.verdict === 'size-only' ? 'size only' : 'nothing yet'
  return strong.map(evidenceWords).join(', ')
}
