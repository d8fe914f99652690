/** Castagnoli's polynomial, reflected, as CRC32C uses it (RFC 3720 appendix B.4). */
const POLYNOMIAL = 0x82f63b78

/** The CRC32C of bytes followed by others, out of both CRCs and how many the others are. Costs a microsecond, whatever their length. */
export function appendCrc32c(crc: number, nextCrc: number, nextBytes: number): number {
  return (multiply(powerOfX(nextBytes), crc) ^ nextCrc) >>> 0
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
