import type { EngineView } from '../../../server/domain/engine.ts'

/** How readers of published origins were answered by the engines that run, since each of them started. */
export function readerAnswers(engines: readonly Pick<EngineView, 'state' | 'stats'>[]): {
  hits: number
  misses: number
} {
  const origins = engines.flatMap(({ state, stats }) => (state === 'healthy' ? (stats?.origins ?? []) : []))
  return {
    hits: origins.reduce((sum, origin) => sum + origin.hits, 0),
    misses: origins.reduce((sum, origin) => sum + origin.misses, 0),
  }
}
