import { createRequire } from 'node:module'

/** Castagnoli's polynomial, reflected, as CRC32C uses it (RFC 3720 appendix B.4). */
const POLYNOMIAL = 0x82f63b78

type UpdateCrc32c = (slice: Uint8Array, crc: number) => number

/** The table version: a hundred times slower, and there on machines that no native module was built for. */
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

/**
 * Fastest first: AWS's own takes a third of the time of the other, which is there for more machines. Only one module of AWS's package is
 * loaded, because the whole has clients for MQTT and HTTP, too.
 */
const NATIVE = ['aws-crt/dist/native/checksums.js', '@node-rs/crc32']

/** The first of `modules` that can be loaded here, or else the table. */
export function chooseCrc32c(modules: readonly string[]): UpdateCrc32c {
  const load = createRequire(import.meta.url)
  for (const name of modules) {
    try {
      const native: { readonly crc32c: UpdateCrc32c } = load(name)
      return native.crc32c
    } catch {
      // It was not built for this machine, or is not installed: the next one gives the same.
    }
  }
  return updateCrc32cByTable
}

/** The CRC32C of what went before (`0` at the start) followed by the slice. An unsigned 32-bit number. */
export const updateCrc32c: UpdateCrc32c = chooseCrc32c(NATIVE)
