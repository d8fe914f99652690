import { expect, it } from 'vitest'
import { mergeOriginStats } from './merge-origin-stats.ts'
import type { OriginStats } from './published-origin.ts'

const one: OriginStats = {
  originId: 'o',
  breaker: 'closed',
  requests: 10,
  hits: 8,
  misses: 2,
  errors: 0,
  servedBytes: 100,
  originBytes: 20,
  activeReaders: 1,
  p50Ms: 3,
  p95Ms: null,
  p99Ms: null,
  breakerUntilMs: null,
  recentAnswers: 10,
  recentErrors: 0,
  lastFailure: null,
}

it('adds up what engines count, and tells the worst of what cannot be added', () => {
  const merged = mergeOriginStats([one, { ...one, breaker: 'half-open', p50Ms: 9, p95Ms: 20, errors: 1 }])
  expect(merged).toMatchObject({
    requests: 20,
    hits: 16,
    errors: 1,
    breaker: 'half-open',
    p50Ms: 9,
    p95Ms: 20,
    p99Ms: null,
  })
})

it('tells when the last of the engines asks again, and what went wrong last', () => {
  const open = { ...one, breaker: 'open' as const }
  const failure = (atMs: number) => ({ code: 'source_error', message: `at ${atMs}`, atMs })
  const merged = mergeOriginStats([
    { ...open, breakerUntilMs: 500, recentErrors: 3, lastFailure: failure(40) },
    { ...one, breakerUntilMs: null },
    { ...open, breakerUntilMs: 700, recentErrors: 4, lastFailure: failure(30) },
  ])
  expect(merged).toMatchObject({
    breaker: 'open',
    breakerUntilMs: 700,
    recentAnswers: 30,
    recentErrors: 7,
    lastFailure: { atMs: 40 },
  })
  expect(mergeOriginStats([one])).toMatchObject({ breakerUntilMs: null, lastFailure: null })
})

it('has nothing to say where no engine has served it', () => {
  expect(mergeOriginStats([])).toBeNull()
})
