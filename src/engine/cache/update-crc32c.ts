import { createRequire } from 'node:module'

/** Castagnoli's polynomial, reflected, as CRC32C uses it (RFC 3720 appendix B.4). */
const POLYNOMIAL = 0x82f63b78

type UpdateCrc32c = (slice: Uint8Array, crc: number) => number

/** The table version: ten times slower, and there on machines that the native module was not built for. */
export const updateCrc32cByTable: UpdateCrc32c = (() => {
  const table = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    table[byte] = value
  }
  return (slice, crc) => {
    let value = ~crc
    for (const byte of slice) value = (value >>> 8) ^ (table[(value ^ byte) & 0xff] as number)
    return ~value >>> 0
  }
})()

function loadNative(): UpdateCrc32c | null {
  try {
    const native: typeof import('@node-rs/crc32') = createRequire(import.meta.url)('@node-rs/crc32')
    return (slice, crc) => native.crc32c(slice, crc)
  } catch {
    return null
  }
}

/** The CRC32C of what went before (`0` at the start) followed by the slice. An unsigned 32-bit number. */
export const updateCrc32c: UpdateCrc32c = loadNative() ?? updateCrc32cByTable
