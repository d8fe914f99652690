import { updateCrc32c } from '../cache/update-crc32c.ts'

export { updateCrc32c, updateCrc32cByTable } from '../cache/update-crc32c.ts'

/** Castagnoli's polynomial, reflected, as CRC32C uses it (RFC 3720 appendix B.4). */
const POLYNOMIAL = 0x82f63b78

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
  for (const part of parts) crc = (multiply(powerOfX(part.sizeBytes), crc) ^ decodeCrc32c(part.crc32c)) >>> 0
  return encodeCrc32c(crc)
}

/** x^(2^n) modulo the polynomial, for every n that 8 times a safe integer can need. Bit 31 stands for x^0. */
const SQUARES: readonly number[] = (() => {
  const squares = [0x40000000]
  for (let n = 1; n < 57; n++) {
    const last = squares[n - 1] as number
    squares.push(multiply(last, last))
  }
  return squares
})()

/** x^(8 * bytes) modulo the polynomial. */
function powerOfX(bytes: number): number {
  let power = 0x80000000
  let rest = bytes
  for (let n = 3; rest > 0; n++) {
    // Sizes pass 2^32, so no bit operators on them.
    if (rest % 2 === 1) power = multiply(SQUARES[n] as number, power)
    rest = Math.floor(rest / 2)
  }
  return power
}

/** The product of two polynomials modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let mask = 0x80000000; mask !== 0; mask >>>= 1) {
    if (a & mask) product ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return product >>> 0
}
