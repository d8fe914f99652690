import { expect, test } from 'vitest'
import { GIB } from '../../../server/domain/bytes.ts'
import type { SystemHealth } from '../../../server/domain/engine.ts'
import { liveSummary } from './live-summary.ts'

const health = (changes: Partial<SystemHealth>) =>
  ({
    state: 'ok',
    message: '2 engines working.',
    enginesHealthy: 2,
    enginesTotal: 2,
    running: 0,
    queued: 0,
    bytesPerSecond: 0,
    ...changes,
  }) as SystemHealth

test('what runs, how fast, and that all engines are healthy', () => {
  const summary = liveSummary(health({ running: 3, bytesPerSecond: 1.25 * GIB }), null)
  expect(summary).toMatchObject({ tone: 'ok', parts: ['3 running', '1.25 GiB/s', 'all engines healthy'] })
})

test('without an engine it says so first, and what waits for one', () => {
  const summary = liveSummary(
    health({ state: 'down', enginesHealthy: 0, queued: 12, message: 'No engine is running.' }),
    null,
  )
  expect(summary).toEqual({ tone: 'down', parts: ['No engine runs', '12 waiting'], detail: 'No engine is running.' })
})

test('with some engines gone it says how many are left', () => {
  expect(liveSummary(health({ state: 'degraded', enginesHealthy: 1 }), null)).toMatchObject({
    tone: 'warn',
    parts: ['Idle', '1 of 2 engines healthy'],
  })
})

test('a server that does not answer outweighs what was known', () => {
  expect(liveSummary(health({ running: 3 }), { code: 'internal_error' })).toMatchObject({
    tone: 'down',
    parts: ['Sluice does not answer'],
  })
})

test('a database that is away is named: the server does answer', () => {
  const summary = liveSummary(health({ running: 3 }), { code: 'database_unavailable' })
  expect(summary).toMatchObject({ tone: 'down', parts: ['Database away'] })
})
