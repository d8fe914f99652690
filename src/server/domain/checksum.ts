import type { ChecksumAlgorithm } from './transfer.ts'

/** Length of a value of each algorithm. */
export const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha512: 64,
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
}

/**
 * A checksum as people compare it: MD5 and SHA in hexadecimal, as md5sum and sha256sum print them; CRCs in base64, as S3 does. What is
 * no value of that algorithm stays as it is. Works in a browser too.
 */
export function showChecksum(algorithm: ChecksumAlgorithm, text: string): string {
  const base64 = algorithm.startsWith('crc') ? null : normalizeChecksum(algorithm, text)
  return base64 ? Array.from(atob(base64), (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('') : text
}

/**
 * A checksum as people paste it, hex or base64 (with or without padding), in padded base64 as S3 writes it. Null where it is
 * no value of that algorithm. CRCs are most significant byte first. Works in a browser too.
 */
export function normalizeChecksum(algorithm: ChecksumAlgorithm, text: string): string | null {
  const bytes = DIGEST_BYTES[algorithm]
  if (text.length === bytes * 2 && /^[0-9a-f]+$/i.test(text)) {
    const pairs = text.match(/../g) ?? []
    return btoa(String.fromCharCode(...pairs.map((pair) => Number.parseInt(pair, 16))))
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  const bare = text.replace(/=+$/, '')
  if (bare.length !== Math.ceil((bytes * 4) / 3)) return null
  return bare.padEnd(Math.ceil(bytes / 3) * 4, '=')
}
