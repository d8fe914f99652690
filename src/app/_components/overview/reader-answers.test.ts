import { expect, it } from 'vitest'
import type { EngineStats, EngineView } from '../../../server/domain/engine.ts'
import { readerAnswers } from './reader-answers.ts'

const engine = (state: EngineView['state'], counts: readonly [hits: number, misses: number][]) => ({
  state,
  stats: { origins: counts.map(([hits, misses]) => ({ hits, misses })) } as unknown as EngineStats,
})

it('answers to readers are those of all origins of all engines that run', () => {
  const engines = [
    engine('healthy', [
      [8, 1],
      [1, 0],
    ]),
    engine('healthy', []),
    engine('stopped', [[100, 100]]),
    { state: 'healthy' as const, stats: null },
  ]
  expect(readerAnswers(engines)).toEqual({ hits: 9, misses: 1 })
})
