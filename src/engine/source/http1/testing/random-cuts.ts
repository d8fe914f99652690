/** Up to so many places to cut so many bytes at, ascending. */
export function randomCuts(random: () => number, lengthBytes: number, most: number): number[] {
  const cuts = Array.from({ length: Math.floor(random() * (most + 1)) }, () => Math.floor(random() * lengthBytes))
  return [...new Set(cuts)].sort((a, b) => a - b)
}

/** Every place. */
export function everyByte(lengthBytes: number): number[] {
  return Array.from({ length: Math.max(0, lengthBytes - 1) }, (_, index) => index + 1)
}
