import { appendCrc32c } from '../cache/append-crc32c.ts'
import { updateCrc32c } from '../cache/update-crc32c.ts'

export { appendCrc32c } from '../cache/append-crc32c.ts'
export { updateCrc32c, updateCrc32cByTable } from '../cache/update-crc32c.ts'

/** The form S3 uses in headers and XML: base64 of the four bytes, most significant first. */
export function encodeCrc32c(crc: number): string {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(crc >>> 0)
  return bytes.toString('base64')
}

/** Reads what `encodeCrc32c` wrote. Throws RangeError where the text is no four bytes. */
export function decodeCrc32c(base64: string): number {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== 4) throw new RangeError(`A CRC32C has 4 bytes, this one has ${bytes.length}.`)
  return bytes.readUInt32BE()
}

/** CRC32C of the slices one after another, base64 as S3 sends it. */
export function crc32cOf(slices: Iterable<Uint8Array>): string {
  let crc = 0
  for (const slice of slices) crc = updateCrc32c(slice, crc)
  return encodeCrc32c(crc)
}

/**
 * CRC32C of a whole object out of the CRC32Cs of its parts, in order, without reading a byte: the FULL_OBJECT value that
 * CompleteMultipartUpload takes. A CRC is linear, so a part's value moves left by x^(8 * following bytes) in GF(2).
 */
export function combineCrc32c(parts: Iterable<{ readonly crc32c: string; readonly sizeBytes: number }>): string {
  let crc = 0
  for (const part of parts) crc = appendCrc32c(crc, decodeCrc32c(part.crc32c), part.sizeBytes)
  return encodeCrc32c(crc)
}

/**
 * The COMPOSITE CRC32C of an object: that of its parts' CRC32Cs in order, then how many they are ("Checking object integrity", S3 User
 * Guide). It shows which parts a store put together, where it knows no checksum of the whole.
 */
export function compositeCrc32c(parts: readonly string[]): string {
  return `${crc32cOf(parts.map((part) => Buffer.from(part, 'base64')))}-${parts.length}`
}
