/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Up to so many places to cut so many bytes at, ascending. */
export function randomCuts(random: () => number, lengthBytes: number, most: number): number[] {
  const cuts = Array.from({ length: Math.floor(random() * (most + 1)) }, () => Math.floor(random() * lengthBytes))
  return [...new Set(cuts)].sort((a, b) => a - b)
}

/** Every place. */
export function everyByte(lengthBytes: number): number[] {
  return Array.from({ length: Math.max(0, lengthBytes - 1) }, (_, index) => index + 1)
}
