import { formatBytes } from '../../../server/domain/bytes.ts'
import type { OriginFailure, OriginStats, PublishedOriginView } from '../../../server/domain/published-origin.ts'
import { formatDuration } from '../ui/format-duration.ts'

/** A published origin as `origins.list` gives it. */
export interface ListedOrigin extends PublishedOriginView {
  url: string | null
  /** Why an engine cannot serve it. */
  problem: string | null
  stats: OriginStats | null
}

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
  if (origin.httpVersion === '2') words.push('over HTTP/2')
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

/** Files that are not there are an answer of the origin, not a fault of it. */
const MISSING = new Set(['source_not_found', 'source_gone'])

export type OriginStateName = 'unserved' | 'unused' | 'open' | 'half-open' | 'failing' | 'closed'

/** How an origin is doing, of the worst that is known: what readers get counts, not only what the breaker has seen. */
export function stateOf({ problem, stats }: Pick<ListedOrigin, 'problem' | 'stats'>): OriginStateName {
  if (problem !== null && stats === null) return 'unserved'
  if (stats === null) return 'unused'
  if (stats.breaker !== 'closed') return stats.breaker
  if (stats.recentAnswers === 0) return 'unused'
  const areAllErrors = stats.recentErrors === stats.recentAnswers
  return areAllErrors && !MISSING.has(stats.lastFailure?.code ?? '') ? 'failing' : 'closed'
}

/** The share of the latest answers that were errors, in percent; null where none was. */
export function errorPercent(stats: OriginStats | null): string | null {
  if (!stats || stats.recentErrors === 0) return null
  return percent(stats.recentErrors / stats.recentAnswers)
}

/** What went wrong last, where that is worth a line: a fault, or a file that is missing where nothing else was asked for. */
export function troubleOf(stats: OriginStats | null): OriginFailure | null {
  if (!stats?.lastFailure || stats.recentErrors === 0) return null
  const isRest = MISSING.has(stats.lastFailure.code) && stats.recentErrors < stats.recentAnswers
  return isRest ? null : stats.lastFailure
}

/** Milliseconds as people read them beside others: `0.4`, `12`, `1,204`. */
export function latencyWords(ms: number | null): string | null {
  if (ms === null) return null
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en-US')
}
