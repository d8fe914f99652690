import { createHash } from 'node:crypto'

/** Each block of this many bytes begins with its own number, so that no two offsets look alike. */
const BLOCK_BYTES = 1024
/** Random bytes that repeat under the block numbers; copied, because copying is what is fast. */
const BASE_BYTES = 1024 * 1024

const bases = new Map<number, Buffer>()

/** The repeating base of a seed: a stream of SHA-256 blocks, the same on every machine. */
function baseOf(seed: number): Buffer {
  const known = bases.get(seed)
  if (known) return known
  const base = Buffer.allocUnsafe(BASE_BYTES)
  for (let offset = 0; offset < BASE_BYTES; offset += 32)
    createHash('sha256').update(`sluice ${seed} ${offset}`).digest().copy(base, offset)
  bases.set(seed, base)
  return base
}

/**
 * Fills a buffer with the bytes that the endless file `seed` has from `offset` on. Deterministic, the same however it is cut,
 * and a byte that lands at a wrong offset shows. More than 2 GiB/s.
 */
export function fillPattern(buffer: Uint8Array, offset: number, seed = 0): void {
  const base = baseOf(seed)
  for (let filled = 0; filled < buffer.byteLength; ) {
    const from = (offset + filled) % BASE_BYTES
    const length = Math.min(BASE_BYTES - from, buffer.byteLength - filled)
    base.copy(buffer, filled, from, from + length)
    filled += length
  }
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  const firstBlock = Math.floor(offset / BLOCK_BYTES)
  const lastBlock = Math.floor((offset + buffer.byteLength - 1) / BLOCK_BYTES)
  for (let block = firstBlock; block <= lastBlock; block++) {
    const at = block * BLOCK_BYTES - offset
    if (at >= 0 && at + 8 <= buffer.byteLength) {
      view.setUint32(at, block >>> 0, true)
      view.setUint32(at + 4, Math.floor(block / 2 ** 32), true)
    } else stampPartly(buffer, at, block)
  }
}

/** The number of a block that the buffer holds only in part. */
function stampPartly(buffer: Uint8Array, at: number, block: number): void {
  for (let index = 0; index < 8; index++) {
    if (at + index < 0 || at + index >= buffer.byteLength) continue
    buffer[at + index] = Math.floor(block / 256 ** index) % 256
  }
}

/** The bytes `[startByte, endByte)` of the endless file `seed`. */
export function patternBytes(startByte: number, endByte: number, seed = 0): Buffer {
  const buffer = Buffer.allocUnsafe(endByte - startByte)
  fillPattern(buffer, startByte, seed)
  return buffer
}

/** SHA-256 (hex) of the first `sizeBytes` of the endless file `seed`, in constant memory. About a second per GiB. */
export function patternSha256(sizeBytes: number, seed = 0): string {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(BASE_BYTES)
  for (let offset = 0; offset < sizeBytes; offset += BASE_BYTES) {
    const chunk = buffer.subarray(0, Math.min(BASE_BYTES, sizeBytes - offset))
    fillPattern(chunk, offset, seed)
    hash.update(chunk)
  }
  return hash.digest('hex')
}
