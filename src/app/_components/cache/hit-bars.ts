import type { CacheHistory } from '../../../server/domain/cache.ts'

/** One step of the chart; heights are shares of the highest step. */
export interface HitBar {
  at: Date
  hits: number
  misses: number
  hitHeight: number
  missHeight: number
}

/** The steps of the last hour as bars, all on one scale. A step in which something was asked for is never too low to be seen. */
export function hitBars({ steps }: CacheHistory): HitBar[] {
  const highest = Math.max(0, ...steps.map(({ hits, misses }) => hits + misses))
  const height = (count: number) => (count === 0 ? 0 : Math.max(0.02, count / highest))
  return steps.map(({ at, hits, misses }) => ({
    at,
    hits,
    misses,
    hitHeight: height(hits),
    missHeight: height(misses),
  }))
}
