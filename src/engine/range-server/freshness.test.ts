import { describe, expect, test } from 'vitest'
import {
  ageMs,
  type FreshnessPolicy,
  freshnessOf,
  judgeUse,
  mayServeOnError,
  parseCacheControl,
  satisfies,
  wishesOf,
} from './freshness.ts'

const NOW = Date.parse('Tue, 03 Nov 2026 10:00:00 GMT')
const at = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString()
const follow: FreshnessPolicy = { ttlSeconds: null, heuristicFreshness: false, hasCredentials: false }

function judge(headers: Record<string, string>, policy: Partial<FreshnessPolicy> = {}, delayMs = 0) {
  return freshnessOf(
    { date: at(0), ...headers },
    { ...follow, ...policy },
    { requestMs: NOW - delayMs, responseMs: NOW },
  )
}

describe('how long an answer is fresh (RFC 9111 section 4.2.1)', () => {
  test.each<[string, Record<string, string>, number]>([
    ['nothing said: not at all', {}, 0],
    ['max-age', { 'cache-control': 'max-age=60' }, 60],
    ['s-maxage goes first', { 'cache-control': 'max-age=60, s-maxage=600' }, 600],
    ['s-maxage goes first, shorter too', { 'cache-control': 's-maxage=1, max-age=60' }, 1],
    ['max-age goes before Expires', { 'cache-control': 'max-age=60', expires: at(600) }, 60],
    ['Expires, against Date', { expires: at(600) }, 600],
    ['Expires, against a Date in the past', { date: at(-100), expires: at(500) }, 600],
    ['Expires: 0', { expires: '0' }, 0],
    ['Expires that is no date', { expires: 'tomorrow' }, 0],
    ['Expires in the past', { expires: at(-1) }, 0],
    ['no-cache', { 'cache-control': 'no-cache, max-age=60' }, 0],
    ['Pragma: no-cache alone', { pragma: 'no-cache', expires: at(600) }, 0],
    ['Pragma beside Cache-Control', { pragma: 'no-cache', 'cache-control': 'max-age=60' }, 60],
    ['names in any case', { 'cache-control': 'MAX-AGE=60' }, 60],
    ['a quoted number', { 'cache-control': 'max-age="60"' }, 60],
    ['of two the first', { 'cache-control': 'max-age=60, max-age=600' }, 60],
    ['a negative number', { 'cache-control': 'max-age=-60' }, 0],
    ['a fraction', { 'cache-control': 'max-age=60.5' }, 0],
    ['no number', { 'cache-control': 'max-age=soon' }, 0],
    ['no value', { 'cache-control': 'max-age' }, 0],
    ['far too large', { 'cache-control': 'max-age=99999999999999999' }, 2 ** 31],
    ['an unknown directive is no reason', { 'cache-control': 'what="max-age=5", max-age=60' }, 60],
    ['Last-Modified alone, not switched on', { 'last-modified': at(-1000) }, 0],
  ])('%s', (_, headers, seconds) => {
    expect(judge(headers).lifetimeMs).toBe(seconds * 1000)
  })

  test('a guess by Last-Modified only where it is switched on, and a day at most', () => {
    const guess = { heuristicFreshness: true }
    expect(judge({ 'last-modified': at(-1000) }, guess).lifetimeMs).toBe(100_000)
    expect(judge({ 'last-modified': at(-1000), 'cache-control': 'max-age=1' }, guess).lifetimeMs).toBe(1000)
    expect(judge({ 'last-modified': at(-1e8) }, guess).lifetimeMs).toBe(24 * 3600 * 1000)
    expect(judge({}, guess).lifetimeMs).toBe(0)
  })

  test('a fixed TTL goes over all of it, and its time begins when the answer came', () => {
    const fixed = judge({ 'cache-control': 'max-age=5', age: '4' }, { ttlSeconds: 60 })
    expect(fixed).toMatchObject({ lifetimeMs: 60_000, initialAgeMs: 0 })
  })
})

describe('how old an answer is (RFC 9111 section 4.2.3)', () => {
  test.each<[string, Record<string, string>, number, number]>([
    ['made just now', {}, 0, 0],
    ['by its Date', { date: at(-10) }, 0, 10],
    ['by Age', { age: '7' }, 0, 7],
    ['by the larger one', { date: at(-10), age: '70' }, 0, 70],
    ['Age and the time the request took', { age: '7' }, 2000, 9],
    ['Age that is none', { age: '-7' }, 0, 0],
    ['of two Ages the first', { age: '7, 70' }, 0, 7],
    ['a Date to come', { date: at(100) }, 0, 0],
  ])('%s', (_, headers, delayMs, seconds) => {
    expect(judge(headers, {}, delayMs).initialAgeMs).toBe(seconds * 1000)
  })

  test('it grows, and never falls when the clock is set back', () => {
    const freshness = judge({ age: '7' })
    expect(ageMs(freshness, NOW + 5000)).toBe(12_000)
    expect(ageMs(freshness, NOW - 5000)).toBe(7000)
  })
})

describe('what may be kept by a shared cache (RFC 9111 sections 3 and 3.5)', () => {
  test.each<[string, Record<string, string>, Partial<FreshnessPolicy>, boolean]>([
    ['nothing said', {}, {}, true],
    ['no-store', { 'cache-control': 'max-age=60, no-store' }, {}, false],
    ['no-store and a fixed TTL', { 'cache-control': 'no-store' }, { ttlSeconds: 60 }, false],
    ['private', { 'cache-control': 'private' }, {}, false],
    ['private with field names', { 'cache-control': 'private="set-cookie"' }, {}, false],
    ['private and a fixed TTL', { 'cache-control': 'private' }, { ttlSeconds: 60 }, false],
    ['Vary: *', { vary: 'accept, *' }, {}, false],
    ['Vary by what we never send otherwise', { vary: 'accept-encoding, origin' }, {}, true],
    ['with credentials', { 'cache-control': 'max-age=60' }, { hasCredentials: true }, false],
    ['with credentials and public', { 'cache-control': 'public' }, { hasCredentials: true }, true],
    ['with credentials and s-maxage', { 'cache-control': 's-maxage=9' }, { hasCredentials: true }, true],
    ['with credentials and must-revalidate', { 'cache-control': 'must-revalidate' }, { hasCredentials: true }, true],
    ['with credentials and a fixed TTL', {}, { hasCredentials: true, ttlSeconds: 60 }, true],
    ['a cookie is set', { 'set-cookie': 'a=b' }, {}, false],
    ['a cookie is set and public', { 'set-cookie': 'a=b', 'cache-control': 'public' }, {}, true],
  ])('%s', (_, headers, policy, isStorable) => {
    expect(judge(headers, policy).isStorable).toBe(isStorable)
  })
})

describe('what may be used when it is stale (RFC 5861)', () => {
  const grace = 'max-age=10, stale-while-revalidate=20, stale-if-error=30'
  test('fresh, then while it is asked for anew, then not', () => {
    const freshness = judge({ 'cache-control': grace })
    expect([9, 10, 29, 30].map((seconds) => judgeUse(freshness, NOW + seconds * 1000))).toEqual([
      'fresh',
      'while-revalidating',
      'while-revalidating',
      'stale',
    ])
    expect(mayServeOnError(freshness, NOW + 39_000)).toBe(true)
    expect(mayServeOnError(freshness, NOW + 40_000)).toBe(false)
  })

  test.each(['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=10'])('%s forbids both', (directive) => {
    const freshness = judge({ 'cache-control': `${grace}, ${directive}` })
    expect(judgeUse(freshness, NOW + 10_000)).toBe('stale')
    expect(mayServeOnError(freshness, NOW + 10_000)).toBe(false)
  })
})

describe('what a reader may ask for (RFC 9111 section 5.2.1)', () => {
  const freshness = judge({ 'cache-control': 'max-age=60' })
  test.each<[string, string | undefined, string | undefined, boolean]>([
    ['nothing', undefined, undefined, true],
    ['no-cache', 'no-cache', undefined, false],
    ['max-age=0', 'max-age=0', undefined, false],
    ['a max-age that holds', 'max-age=30', undefined, true],
    ['a max-age that does not', 'max-age=5', undefined, false],
    ['min-fresh that holds', 'min-fresh=40', undefined, true],
    ['min-fresh that does not', 'min-fresh=55', undefined, false],
    ['Pragma: no-cache', undefined, 'no-cache', false],
    ['Pragma beside Cache-Control', 'max-age=30', 'no-cache', true],
  ])('%s', (_, cacheControl, pragma, holds) => {
    expect(satisfies(freshness, wishesOf(cacheControl, pragma), NOW + 10_000)).toBe(holds)
  })

  test('directives are told apart from words inside quotes', () => {
    expect([...parseCacheControl('a="no-store, private", b')]).toEqual([
      ['a', 'no-store, private'],
      ['b', ''],
    ])
  })
})
