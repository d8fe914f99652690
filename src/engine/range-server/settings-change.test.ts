import { afterEach, describe, expect, test } from 'vitest'
import type { ServedOrigin } from '../../server/domain/published-origin.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const asked = () => fixture.hostile.requests('/a').length
const SIZE = 2 * SLICE

/** Starts with the file in the cache, judged by these settings. */
async function cached(origin: Partial<ServedOrigin>, headers: Record<string, string> = {}): Promise<void> {
  fixture = await openRangeFixture({ origin })
  fixture.serve('/a', { sizeBytes: SIZE, headers: { date: new Date().toUTCString(), ...headers } })
  expect((await fixture.get('/a')).status).toBe(200)
  const before = asked()
  expect((await fixture.get('/a')).headers['cache-status']).toMatch(/hit/)
  expect(asked()).toBe(before)
}

describe('settings that change count at once for what is cached', () => {
  const old = 'Thu, 01 Jan 2015 00:00:00 GMT'
  test.each<[string, Partial<ServedOrigin>, Partial<ServedOrigin>, Record<string, string>]>([
    ['a TTL that is shorter', { ttlSeconds: 600_000 }, { ttlSeconds: 60 }, {}],
    ['a TTL that is longer', { ttlSeconds: 60 }, { ttlSeconds: 600_000 }, {}],
    ['no TTL any more', { ttlSeconds: 60 }, { ttlSeconds: null }, { 'cache-control': 'max-age=60' }],
    [
      'heuristic freshness that is switched off',
      { ttlSeconds: null, heuristicFreshness: true },
      { heuristicFreshness: false, ttlSeconds: 60 },
      { 'last-modified': old },
    ],
  ])('%s: the origin is asked once whether it is the same, and no slice again', async (_, before, after, headers) => {
    await cached(before, headers)
    const seen = asked()
    fixture.publish(after)
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(
      fixture.hostile
        .requests('/a')
        .slice(seen)
        .map(({ range }) => range),
    ).toEqual([{ startByte: 0, endByte: 1 }])
    await fixture.get('/a')
    expect(asked()).toBe(seen + 1)
  })

  test('what may not be kept any more is dropped', async () => {
    await cached({ ttlSeconds: 600, headers: { authorization: 'Bearer secret' } })
    expect(fixture.cache.slices.size).toBe(2)
    fixture.publish({ ttlSeconds: null })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(fixture.cache.slices.size).toBe(0)
  })

  test('other settings leave it as it is', async () => {
    await cached({ ttlSeconds: 600 })
    const seen = asked()
    fixture.publish({ access: 'public', lanes: 3 })
    await fixture.get('/a')
    expect(asked()).toBe(seen)
  })
})

describe('what only the record of the cache knows, as after a start or other settings', () => {
  test.each(['no-cache', 'max-age=0', 'min-fresh=700'])(
    'is asked for once for a reader who wants that: %s',
    async (wish) => {
      await cached({ ttlSeconds: 600 })
      const seen = asked()
      fixture.publish({ lanes: 3 })
      const { body, headers } = await fixture.get('/a', { 'cache-control': wish })
      expect(body.equals(patternBytes(0, SIZE))).toBe(true)
      expect(headers['cache-status']).toBe('sluice; fwd=miss')
      expect(asked()).toBeGreaterThan(seen)
    },
  )

  test('is given to a reader who wants nothing else', async () => {
    await cached({ ttlSeconds: 600 })
    const seen = asked()
    fixture.publish({ lanes: 3 })
    const { status, body } = await fixture.get('/a', { 'cache-control': 'only-if-cached' })
    expect(status).toBe(200)
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(asked()).toBe(seen)
  })
})

test('a purge reaches what readers began with the settings before', async () => {
  fixture = await openRangeFixture({ origin: { ttlSeconds: 600 } })
  const gate = Promise.withResolvers<void>()
  fixture.serve('/a', ({ index }) =>
    index === 0
      ? { sizeBytes: 4 * SLICE, breakAfterBytes: SLICE + 100, breakBy: 'reset' }
      : { sizeBytes: 4 * SLICE, after: gate.promise },
  )
  const reading = fixture.get('/a')
  await fixture.hostile.until(() => asked() === 2)
  fixture.publish({ lanes: 3 })
  await fixture.service.purge('all')
  gate.resolve()
  expect((await reading).body.equals(patternBytes(0, 4 * SLICE))).toBe(true)
  expect(fixture.cache.slices.size).toBe(0)
})
