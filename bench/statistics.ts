/** The middle value; of an even number the mean of the two in the middle. Null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) return null
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** Half the distance between the highest and the lowest, as a share of the median: how far rounds lay apart. Null of nothing. */
export function spread(values: readonly number[]): number | null {
  const middle = median(values)
  if (middle === null || middle === 0) return null
  return (Math.max(...values) - Math.min(...values)) / 2 / middle
}
