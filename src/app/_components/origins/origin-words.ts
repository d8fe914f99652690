import { formatBytes } from '../../../server/domain/bytes.ts'
import type { OriginStats, PublishedOriginView } from '../../../server/domain/published-origin.ts'
import { formatDuration } from '../ui/format-duration.ts'

/** Who may read, as a word. */
export const ACCESS_WORDS = { public: 'public', token: 'API token', signed: 'signed links' } as const

/** How long answers are fresh, as a few words. */
export function freshnessWords(origin: Pick<PublishedOriginView, 'ttlSeconds' | 'heuristicFreshness'>): string {
  if (origin.ttlSeconds === 0) return 'asked again each time'
  if (origin.ttlSeconds !== null) return `fresh for ${formatDuration(origin.ttlSeconds)}`
  return origin.heuristicFreshness ? 'fresh as the origin says, or by age' : 'fresh as the origin says'
}

/** What else was chosen for it; empty where nothing was. */
export function choiceWords(origin: PublishedOriginView): string[] {
  const words = [freshnessWords(origin)]
  if (origin.headerNames.length > 0) words.push(`sends ${origin.headerNames.join(', ')}`)
  if (origin.sizeCapBytes !== null) words.push(`keeps up to ${formatBytes(origin.sizeCapBytes)}`)
  return words
}

/** The share of requests that the cache alone answered, in percent; null before the first. What is below the whole is rounded down. */
export function hitPercent(stats: Pick<OriginStats, 'hits' | 'misses'> | null): string | null {
  if (!stats || stats.hits + stats.misses === 0) return null
  return percent(stats.hits / (stats.hits + stats.misses))
}

/** A share in percent, one digit where it is not round; 99.97 % is not 100 %. */
export function percent(share: number): string {
  return share === 0 || share === 1 ? String(share * 100) : (Math.floor(share * 1000) / 10).toFixed(1)
}

/** Milliseconds as people read them beside others: `0.4`, `12`, `1,204`. */
export function latencyWords(ms: number | null): string | null {
  if (ms === null) return null
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en-US')
}
