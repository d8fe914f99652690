import { describe, expect, test } from 'vitest'
import type { OriginStats } from '../../../server/domain/published-origin.ts'
import {
  choiceWords,
  errorPercent,
  freshnessWords,
  hitPercent,
  latencyWords,
  stateOf,
  troubleOf,
} from './origin-words.ts'

const origin = {
  id: 'o',
  name: 'films',
  baseUrl: 'https://files.example.org',
  headerNames: ['authorization'],
  access: 'public' as const,
  ttlSeconds: null,
  heuristicFreshness: false,
  sizeCapBytes: 1024 ** 3,
  lanes: null,
  httpVersion: '2' as const,
  learnedLanes: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
}

test('says in words how long answers are fresh and what else was chosen', () => {
  expect(choiceWords(origin)).toEqual([
    'fresh as the origin says',
    'sends authorization',
    'keeps up to 1.00 GiB',
    'over HTTP/2',
  ])
  expect(choiceWords({ ...origin, httpVersion: '1.1' })).not.toContain('over HTTP/2')
  expect(freshnessWords({ ttlSeconds: 0, heuristicFreshness: false })).toBe('asked again each time')
  expect(freshnessWords({ ttlSeconds: 60, heuristicFreshness: true })).toContain('fresh for')
})

test('a hit rate is never rounded up to the whole, and there is none before the first request', () => {
  expect(hitPercent(null)).toBeNull()
  expect(hitPercent({ hits: 0, misses: 0 })).toBeNull()
  expect(hitPercent({ hits: 9_999, misses: 1 })).toBe('99.9')
  expect(hitPercent({ hits: 5, misses: 0 })).toBe('100')
})

test('latencies have a digit after the point only where it matters', () => {
  expect([null, 0.42, 9.96, 12.4, 1204].map(latencyWords)).toEqual([null, '0.4', '10.0', '12', '1,204'])
})

const stats: OriginStats = {
  originId: 'o',
  breaker: 'closed',
  breakerUntilMs: null,
  requests: 0,
  hits: 0,
  misses: 0,
  errors: 0,
  servedBytes: 0,
  originBytes: 0,
  activeReaders: 0,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
  recentAnswers: 0,
  recentErrors: 0,
  lastFailure: null,
}
const unauthorized = { code: 'source_unauthorized', message: 'It asks for a sign-in.', atMs: 1 }
const missing = { code: 'source_not_found', message: 'There is no file.', atMs: 1 }
const seen = (over: Partial<OriginStats>) => ({ problem: null, stats: { ...stats, requests: 9, ...over } })

describe('how an origin is doing', () => {
  test.each([
    ['nobody has said anything', { problem: null, stats: null }, 'unused'],
    ['engines serve it and nobody asked', { problem: null, stats }, 'unused'],
    ['readers were let in by nobody', seen({}), 'unused'],
    ['readers get what they ask for', seen({ recentAnswers: 9 }), 'closed'],
    ['one of them got an error', seen({ recentAnswers: 9, recentErrors: 1, lastFailure: unauthorized }), 'closed'],
    ['all of them get errors', seen({ recentAnswers: 9, recentErrors: 9, lastFailure: unauthorized }), 'failing'],
    ['only missing files were asked for', seen({ recentAnswers: 2, recentErrors: 2, lastFailure: missing }), 'closed'],
    ['it is given a rest', seen({ breaker: 'open', recentAnswers: 9, recentErrors: 9 }), 'open'],
    ['the rest is over', seen({ breaker: 'half-open', recentAnswers: 9, recentErrors: 9 }), 'half-open'],
    ['no engine can open its secrets', { problem: 'sealed', stats: null }, 'unserved'],
    ['one engine cannot, another serves it', { ...seen({ recentAnswers: 1 }), problem: 'sealed' }, 'closed'],
  ])('where %s', (_, origin, state) => {
    expect(stateOf(origin)).toBe(state)
  })

  test('the share of errors is shown once there are any, and what went wrong last unless it is a missing file among others', () => {
    const some = { ...stats, recentAnswers: 8, recentErrors: 1 }
    expect(errorPercent(null)).toBeNull()
    expect(errorPercent({ ...stats, recentAnswers: 8 })).toBeNull()
    expect(errorPercent(some)).toBe('12.5')
    expect(troubleOf({ ...some, lastFailure: unauthorized })).toBe(unauthorized)
    expect(troubleOf({ ...some, lastFailure: missing })).toBeNull()
    expect(troubleOf({ ...some, recentAnswers: 1, lastFailure: missing })).toBe(missing)
    expect(troubleOf({ ...some, recentErrors: 0, lastFailure: unauthorized })).toBeNull()
  })
})
