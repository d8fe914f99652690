import { updateCrc32c } from '../cache/update-crc32c.ts'

const crcs = new WeakMap<Uint8Array, number>()

/** CRC32C of a slice that several parts have: computed once, by whoever asks first. Nobody writes to such a slice any more. */
export function sharedCrc32c(slice: Uint8Array): number {
  const crc = crcs.get(slice) ?? updateCrc32c(slice, 0)
  crcs.set(slice, crc)
  return crc
}
