import type { OriginStats } from './published-origin.ts'

const WORST_FIRST = ['open', 'half-open', 'closed'] as const

/**
 * What several engines say about one origin: counts are added; of breakers the worst is told, with the
 * time at which all engines ask again, of percentiles the slowest, of failures the last.
 */
export function mergeOriginStats(all: readonly OriginStats[]): OriginStats | null {
  const [first] = all
  if (!first) return null
  const sum = (pick: (stats: OriginStats) => number) => all.reduce((total, stats) => total + pick(stats), 0)
  const most = (pick: (stats: OriginStats) => number | null | undefined) => {
    const known = all.map(pick).filter((value) => value != null)
    return known.length === 0 ? null : Math.max(...known)
  }
  return {
    originId: first.originId,
    breaker: WORST_FIRST.find((state) => all.some(({ breaker }) => breaker === state)) ?? 'closed',
    requests: sum(({ requests }) => requests),
    hits: sum(({ hits }) => hits),
    misses: sum(({ misses }) => misses),
    errors: sum(({ errors }) => errors),
    servedBytes: sum(({ servedBytes }) => servedBytes),
    originBytes: sum(({ originBytes }) => originBytes),
    activeReaders: sum(({ activeReaders }) => activeReaders),
    p50Ms: most(({ p50Ms }) => p50Ms),
    p95Ms: most(({ p95Ms }) => p95Ms),
    p99Ms: most(({ p99Ms }) => p99Ms),
    breakerUntilMs: most(({ breaker, breakerUntilMs }) => (breaker === 'open' ? breakerUntilMs : null)),
    recentAnswers: sum(({ recentAnswers }) => recentAnswers),
    recentErrors: sum(({ recentErrors }) => recentErrors),
    lastFailure: all
      .map(({ lastFailure }) => lastFailure)
      .reduce((last, failure) => ((failure?.atMs ?? 0) > (last?.atMs ?? 0) ? failure : last), null),
    learnedLanes: most(({ learnedLanes }) => learnedLanes),
  }
}
