import { createHash } from 'node:crypto'

export const SAMPLE_SIZE_BYTES = 256 * 1024 * 1024
export const SAMPLE_NAME = 'sluice-sample-256MiB.bin'
/** Strong: the bytes behind it are a function of their offset and never change within one form of the file. */
export const SAMPLE_ETAG = '"sluice-sample-1"'
export const SAMPLE_LAST_MODIFIED = 'Sat, 21 Nov 2026 00:00:00 GMT'

const BLOCK_BYTES = 1024 * 1024
const WORDS = BLOCK_BYTES / 4
let basis: Uint32Array | undefined

/** One block of noise (xorshift32), the ground of all others; made once, 1 MiB. */
function noise(): Uint32Array {
  if (basis) return basis
  basis = new Uint32Array(WORDS)
  let state = 0x9e3779b9
  for (let index = 0; index < WORDS; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    basis[index] = state >>> 0
  }
  return basis
}

/**
 * Bytes [start, end) of the sample file, at most up to the end of the 1 MiB block that `start` lies in: a view of a
 * buffer of its own. Each block is the noise mixed with the block's number, so no two blocks are alike and a byte in
 * the wrong place is seen by any checksum.
 */
export function sampleBytes(start: number, end: number): Uint8Array {
  const block = Math.floor(start / BLOCK_BYTES)
  const from = start - block * BLOCK_BYTES
  const to = Math.min(end - block * BLOCK_BYTES, BLOCK_BYTES)
  const firstWord = from >>> 2
  const lastWord = (to + 3) >>> 2
  const source = noise()
  const words = new Uint32Array(lastWord - firstWord)
  const mask = Math.imul(block + 1, 0x85ebca6b) >>> 0
  for (let index = 0; index < words.length; index++) words[index] = ((source[firstWord + index] ?? 0) ^ mask) >>> 0
  return new Uint8Array(words.buffer, from - firstWord * 4, to - from)
}

let digest: string | undefined

/** SHA-256 of the whole file in hex; computed at the first call (about half a second), for tests. */
export function sampleSha256(): string {
  if (digest === undefined) {
    const hash = createHash('sha256')
    for (let start = 0; start < SAMPLE_SIZE_BYTES; start += BLOCK_BYTES)
      hash.update(sampleBytes(start, SAMPLE_SIZE_BYTES))
    digest = hash.digest('hex')
  }
  return digest
}
