import { expect, test } from 'vitest'
import { choiceWords, freshnessWords, hitPercent, latencyWords } from './origin-words.ts'

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
  learnedLanes: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
}

test('says in words how long answers are fresh and what else was chosen', () => {
  expect(choiceWords(origin)).toEqual(['fresh as the origin says', 'sends authorization', 'keeps up to 1.00 GiB'])
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
