import { crc32 } from 'node:zlib'
import { CRC64NVME_POLYNOMIAL, updateCrc64nvme } from './update-crc64nvme.ts'

/**
 * Checksums whose value for a whole can be combined from those of its pieces, besides the CRC32C that every part has anyway. They are computed
 * on the way only where somebody gave a value to compare them with.
 */
export const LINEAR_ALGORITHMS = ['crc32', 'crc64nvme'] as const
export type LinearAlgorithm = (typeof LINEAR_ALGORITHMS)[number]

/** Values in base64, most significant byte first, as S3 writes them. */
export type LinearChecksums = Readonly<Partial<Record<LinearAlgorithm, string>>>

interface Linear {
  readonly bits: number
  /** Reflected. */
  readonly polynomial: bigint
  readonly update: (bytes: Uint8Array, crc: bigint) => bigint
}

const LINEAR: Readonly<Record<LinearAlgorithm, Linear>> = {
  crc32: { bits: 32, polynomial: 0xedb88320n, update: (bytes, crc) => BigInt(crc32(bytes, Number(crc))) },
  crc64nvme: { bits: 64, polynomial: CRC64NVME_POLYNOMIAL, update: updateCrc64nvme },
}

/** The checksum of what went before (`0n` at the start) followed by the bytes. */
export function updateLinear(algorithm: LinearAlgorithm, bytes: Uint8Array, crc: bigint): bigint {
  return LINEAR[algorithm].update(bytes, crc)
}

/** The checksum of bytes followed by others, out of both checksums and how many the others are; no byte is looked at. */
export function appendLinear(algorithm: LinearAlgorithm, crc: bigint, next: bigint, nextBytes: number): bigint {
  const { polynomial, bits } = LINEAR[algorithm]
  return multiply(powerOfX(algorithm, nextBytes), crc, polynomial, bits) ^ next
}

/** Base64 of the value, most significant byte first. */
export function encodeLinear(algorithm: LinearAlgorithm, crc: bigint): string {
  return Buffer.from(crc.toString(16).padStart(LINEAR[algorithm].bits / 4, '0'), 'hex').toString('base64')
}

/** That of a whole out of those of its pieces, in order; null where a piece has none. */
export function combineLinear(
  algorithm: LinearAlgorithm,
  pieces: Iterable<{ readonly checksum: string | undefined; readonly sizeBytes: number }>,
): string | null {
  let crc = 0n
  for (const { checksum, sizeBytes } of pieces) {
    const bytes = Buffer.from(checksum ?? '', 'base64')
    if (bytes.length !== LINEAR[algorithm].bits / 8) return null
    crc = appendLinear(algorithm, crc, BigInt(`0x${bytes.toString('hex')}`), sizeBytes)
  }
  return encodeLinear(algorithm, crc)
}

/** x^(8 * bytes) modulo the polynomial. Slices and parts have few sizes, so those that came last are kept. */
const powers = new Map<string, bigint>()

function powerOfX(algorithm: LinearAlgorithm, bytes: number): bigint {
  const name = `${algorithm} ${bytes}`
  const known = powers.get(name)
  if (known !== undefined) return known
  const { polynomial, bits } = LINEAR[algorithm]
  // The top bit stands for x^0, the one beside it for x^1.
  let power = 1n << BigInt(bits - 1)
  let square = 1n << BigInt(bits - 2)
  for (let rest = BigInt(bytes) * 8n; rest > 0n; rest >>= 1n) {
    if (rest & 1n) power = multiply(square, power, polynomial, bits)
    square = multiply(square, square, polynomial, bits)
  }
  if (powers.size >= 64) powers.clear()
  powers.set(name, power)
  return power
}

/** The product of two polynomials modulo that of the checksum. */
function multiply(a: bigint, b: bigint, polynomial: bigint, bits: number): bigint {
  let product = 0n
  let shifted = b
  for (let mask = 1n << BigInt(bits - 1); mask > 0n; mask >>= 1n) {
    if (a & mask) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n
  }
  return product
}
