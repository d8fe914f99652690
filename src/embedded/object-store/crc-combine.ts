import type { ChecksumAlgorithm } from './stored-object.ts'

/** CRCs by their reflected polynomials. All three start from and end with an inversion, which cancels out in combining. */
const POLYNOMIALS: Partial<Record<ChecksumAlgorithm, { polynomial: bigint; bits: number }>> = {
  crc32: { polynomial: 0xedb88320n, bits: 32 },
  crc32c: { polynomial: 0x82f63b78n, bits: 32 },
  crc64nvme: { polynomial: 0x9a6c9329ac4bc9b5n, bits: 64 },
}

/** A run of bytes by its length and its CRC in base64. */
export interface CrcRun {
  readonly sizeBytes: number
  readonly crc: string
}

/**
 * The CRC (base64, big-endian) of runs of bytes one after the other, from the CRC of each: crc(AB) = crc(A) * x^(8*|B|) + crc(B)
 * in GF(2)[x] modulo the polynomial. Null for algorithms that do not combine (SHA). No bytes are read.
 */
export function combineCrcs(algorithm: ChecksumAlgorithm, runs: readonly CrcRun[]): string | null {
  const parameters = POLYNOMIALS[algorithm]
  if (!parameters) return null
  const { polynomial, bits } = parameters
  // Parts are nearly all of one size, so the power of x for a size is computed once.
  const powers = new Map<number, bigint>()
  let combined = 0n
  for (const { sizeBytes, crc } of runs) {
    let power = powers.get(sizeBytes)
    if (power === undefined) {
      power = xToThe(BigInt(sizeBytes) * 8n, polynomial, bits)
      powers.set(sizeBytes, power)
    }
    const value = BigInt(`0x${Buffer.from(crc, 'base64').toString('hex') || '0'}`)
    combined = multiply(combined, power, polynomial, bits) ^ value
  }
  return Buffer.from(combined.toString(16).padStart(bits / 4, '0'), 'hex').toString('base64')
}

/** Product of two polynomials modulo P, in reflected form: the highest bit is x^0. */
function multiply(a: bigint, b: bigint, polynomial: bigint, bits: number): bigint {
  let product = 0n
  let shifted = b
  for (let mask = 1n << BigInt(bits - 1); mask > 0n; mask >>= 1n) {
    if (a & mask) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n
  }
  return product
}

/** x^exponent modulo P by squaring. */
function xToThe(exponent: bigint, polynomial: bigint, bits: number): bigint {
  let result = 1n << BigInt(bits - 1)
  let base = 1n << BigInt(bits - 2)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, base, polynomial, bits)
    base = multiply(base, base, polynomial, bits)
  }
  return result
}
