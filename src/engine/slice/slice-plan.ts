// Where slices lie. All ranges are half open, `[startByte, endByte)`; HTTP's inclusive form is made where headers are written.

/** How many slices a file of that size has; none where it is empty. */
export function sliceCount(sizeBytes: number, sliceSizeBytes: number): number {
  return Math.ceil(sizeBytes / sliceSizeBytes)
}

/** The slice a byte lies in. */
export function sliceIndexAt(byte: number, sliceSizeBytes: number): number {
  return Math.floor(byte / sliceSizeBytes)
}

/** The bytes of a slice: the last one of a file may be short. */
export function sliceBytes(
  index: number,
  sizeBytes: number,
  sliceSizeBytes: number,
): { startByte: number; endByte: number } {
  const startByte = index * sliceSizeBytes
  return { startByte, endByte: Math.min(startByte + sliceSizeBytes, sizeBytes) }
}

/** The slices `[firstIndex, endIndex)` that hold a range. An empty range has none. */
export function slicesOf(
  startByte: number,
  endByte: number,
  sliceSizeBytes: number,
): { firstIndex: number; endIndex: number } {
  const firstIndex = sliceIndexAt(startByte, sliceSizeBytes)
  return { firstIndex, endIndex: endByte > startByte ? sliceIndexAt(endByte - 1, sliceSizeBytes) + 1 : firstIndex }
}
