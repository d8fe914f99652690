import { afterEach, describe, expect, test, vi } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import type { HostileAnswer, HostileBehaviour } from '../testing/hostile-behaviour.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(async () => {
  vi.useRealTimers()
  await fixture.close()
})

/** Its Date is that of the moment it is asked for: a server of Node keeps the text of a second for a while. */
const file =
  (cacheControl: string, more: HostileAnswer = {}): HostileBehaviour =>
  () => ({
    sizeBytes: 2 * SLICE,
    ...more,
    headers: { 'cache-control': cacheControl, date: new Date().toUTCString(), ...more.headers },
  })
const asked = () => fixture.hostile.requests('/a').length

/** Starts with the file in the cache, and lets this many seconds pass. Only the calendar moves. */
async function cached(answer: HostileBehaviour, seconds: number): Promise<void> {
  fixture = await openRangeFixture({ origin: { ttlSeconds: null }, settings: { sliceRetries: 0 } })
  fixture.serve('/a', answer)
  expect((await fixture.get('/a')).status).toBe(200)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
}

describe('what is due is asked for again', () => {
  test('and used on where it is the same: one byte, no slice', async () => {
    await cached(file('max-age=10'), 11)
    const before = asked()
    const { body, headers } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, 2 * SLICE))).toBe(true)
    expect(
      fixture.hostile
        .requests('/a')
        .slice(before)
        .map(({ range }) => range),
    ).toEqual([{ startByte: 0, endByte: 1 }])
    expect(headers['cache-status']).toBe('sluice; fwd=miss')
    await fixture.get('/a')
    expect(asked()).toBe(before + 1)
  })

  test('and replaced where it is not', async () => {
    await cached(file('max-age=10'), 11)
    fixture.serve('/a', file('max-age=10', { etag: '"v2"', seed: 2 }))
    expect((await fixture.get('/a')).body.equals(patternBytes(0, 2 * SLICE, 2))).toBe(true)
    expect(fixture.cache.slices.size).toBe(2)
  })

  test('and read anew where nothing shows that it is the same', async () => {
    await cached(file('max-age=10', { etag: null }), 11)
    fixture.serve('/a', file('max-age=10', { etag: null, seed: 2 }))
    expect((await fixture.get('/a')).body.equals(patternBytes(0, 2 * SLICE, 2))).toBe(true)
  })

  test('its new headers are passed on', async () => {
    await cached(file('max-age=10'), 11)
    fixture.serve('/a', file('max-age=10', { headers: { 'cache-control': 'max-age=20', 'x-new': '1' } }))
    const { headers } = await fixture.get('/a')
    expect(headers).toMatchObject({ 'cache-control': 'max-age=20', 'x-new': '1' })
  })

  test('gone is gone: nothing of it is served or kept', async () => {
    await cached(file('max-age=10, stale-if-error=600'), 11)
    fixture.serve('/a', { status: 404 })
    expect((await fixture.get('/a')).status).toBe(404)
    expect(fixture.cache.slices.size).toBe(0)
  })

  test('a tier that cannot be purged of what is gone ends nothing else', async () => {
    await cached(file('max-age=10'), 11)
    const purge = vi.spyOn(fixture.cache, 'purge').mockRejectedValue(new Error('Redis is away.'))
    fixture.serve('/a', { status: 404 })
    expect((await fixture.get('/a')).status).toBe(404)
    expect(purge).toHaveBeenCalledOnce()
    expect((await fixture.get('/a')).status).toBe(404)
  })

  test('what never was is asked for without looking through the tiers', async () => {
    await cached(file('max-age=10'), 0)
    const purge = vi.spyOn(fixture.cache, 'purge')
    fixture.serve('/none', { status: 404 })
    for (let time = 0; time < 3; time++) expect((await fixture.get('/none')).status).toBe(404)
    expect(purge).not.toHaveBeenCalled()
  })
})

describe('stale-while-revalidate (RFC 5861)', () => {
  test('answers at once and asks meanwhile, once', async () => {
    await cached(file('max-age=10, stale-while-revalidate=60'), 20)
    fixture.serve('/a', file('max-age=10', { etag: '"v2"', seed: 2 }))
    const before = asked()
    const stale = await Promise.all([fixture.get('/a'), fixture.get('/a')])
    for (const { body } of stale) expect(body.equals(patternBytes(0, 2 * SLICE))).toBe(true)
    await fixture.hostile.until(() => asked() > before)
    while ((await fixture.get('/a')).headers.etag !== '"v2"');
    expect((await fixture.get('/a')).body.equals(patternBytes(0, 2 * SLICE, 2))).toBe(true)
  })

  test.each(['max-age=3600', 'min-fresh=1', 'no-cache'])(
    'is not for who says how fresh it has to be (RFC 9111 section 5.2.1): %s',
    async (wish) => {
      await cached(file('max-age=10, stale-while-revalidate=60'), 20)
      fixture.serve('/a', file('max-age=10', { etag: '"v2"', seed: 2 }))
      const { body } = await fixture.get('/a', { 'cache-control': wish })
      expect(body.equals(patternBytes(0, 2 * SLICE, 2))).toBe(true)
    },
  )

  test('is over when its time is', async () => {
    await cached(file('max-age=10, stale-while-revalidate=60'), 71)
    fixture.serve('/a', file('max-age=10', { etag: '"v2"', seed: 2 }))
    expect((await fixture.get('/a')).body.equals(patternBytes(0, 2 * SLICE, 2))).toBe(true)
  })
})

describe('stale-if-error (RFC 5861)', () => {
  test.each<[string, HostileAnswer]>([
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['a connection that breaks after the head', { sizeBytes: 2 * SLICE, breakAfterBytes: 0, breakBy: 'reset' }],
    ['no HTTP', { raw: 'x' }],
  ])('%s: the stale file is served', async (_, failure) => {
    await cached(file('max-age=10, stale-if-error=60'), 20)
    fixture.serve('/a', failure)
    const { status, body } = await fixture.get('/a')
    expect(status).toBe(200)
    expect(body.equals(patternBytes(0, 2 * SLICE))).toBe(true)
  })

  test('not once the origin has named a new version, though its connection breaks: an error, then the new one', async () => {
    await cached(file('max-age=10, stale-if-error=60'), 20)
    fixture.serve('/a', file('max-age=10', { etag: '"v2"', seed: 2, breakAfterBytes: 0, breakBy: 'reset' }))
    expect((await fixture.get('/a')).status).toBe(502)
    expect(fixture.cache.slices.size).toBe(0)
    fixture.serve('/a', file('max-age=10', { etag: '"v2"', seed: 2 }))
    expect((await fixture.get('/a')).body.equals(patternBytes(0, 2 * SLICE, 2))).toBe(true)
  })

  test('not when its time is over, and not where it must be revalidated', async () => {
    await cached(file('max-age=10, stale-if-error=60'), 71)
    fixture.serve('/a', { status: 500 })
    expect((await fixture.get('/a')).status).toBe(502)
    await fixture.close()
    vi.useRealTimers()
    await cached(file('max-age=10, stale-if-error=60, must-revalidate'), 20)
    fixture.serve('/a', { status: 500 })
    expect((await fixture.get('/a')).status).toBe(502)
  })
})

describe('what a reader asks for (RFC 9111 section 5.2.1)', () => {
  test.each(['no-cache', 'max-age=0', 'max-age=5', 'min-fresh=60'])('%s asks the origin', async (wish) => {
    await cached(file('max-age=60'), 10)
    const before = asked()
    expect((await fixture.get('/a', { 'cache-control': wish })).status).toBe(200)
    expect(asked()).toBe(before + 1)
  })

  test.each(['max-age=30', 'min-fresh=20', 'max-stale', 'unknown'])(
    '%s is content with what there is',
    async (wish) => {
      await cached(file('max-age=60'), 10)
      const before = asked()
      expect((await fixture.get('/a', { 'cache-control': wish })).status).toBe(200)
      expect(asked()).toBe(before)
    },
  )

  test('only-if-cached never asks the origin', async () => {
    await cached(file('max-age=60'), 10)
    const only = { 'cache-control': 'only-if-cached' }
    expect((await fixture.get('/a', only)).status).toBe(200)
    fixture.serve('/b', { sizeBytes: 10 })
    expect((await fixture.get('/b', only)).status).toBe(504)
    expect(fixture.hostile.requests('/b')).toHaveLength(0)
  })

  test('only-if-cached of what is not there is refused, starts nothing, and harms nobody', async () => {
    fixture = await openRangeFixture({ origin: { ttlSeconds: 600 }, settings: { prefetchSlices: 0 } })
    const size = 400 * SLICE
    fixture.serve('/a', { sizeBytes: size })
    expect((await fixture.get('/a', { range: 'bytes=0-9' })).status).toBe(206)
    const before = asked()
    const only = { 'cache-control': 'only-if-cached' }
    for (const range of [`bytes=${300 * SLICE}-${300 * SLICE + 9}`, `bytes=0-9,${300 * SLICE}-${300 * SLICE + 9}`])
      expect((await fixture.get('/a', { ...only, range })).status).toBe(504)
    // What fails with nobody waiting is told to the process by then.
    await new Promise((resolve) => setImmediate(resolve))
    expect(asked()).toBe(before)
    expect((await fixture.get('/a', { ...only, range: 'bytes=0-9' })).status).toBe(206)
    fixture.serve('/unknown', { sizeBytes: 10, ranges: 'ignored', length: 'chunked' })
    expect((await fixture.get('/unknown')).status).toBe(200)
    const relayed = fixture.hostile.requests('/unknown').length
    expect((await fixture.get('/unknown', only)).status).toBe(504)
    expect(fixture.hostile.requests('/unknown')).toHaveLength(relayed)
  })

  test('no-store keeps nothing of a file that was not there', async () => {
    await cached(file('max-age=60'), 10)
    fixture.serve('/b', { sizeBytes: 10, headers: { 'cache-control': 'max-age=60' } })
    expect((await fixture.get('/b', { 'cache-control': 'no-store' })).body.length).toBe(10)
    expect([...fixture.cache.records.values()].map(({ path }) => path)).toEqual(['/a'])
  })
})

describe('after a restart', () => {
  test('a record of the cache answers without asking, and the request that began meanwhile is dropped (B6)', async () => {
    await cached(file('max-age=600'), 10)
    const { cache } = fixture
    const before = asked()
    // The record comes only when the request it makes needless is under way.
    const loadRecord: typeof cache.loadRecord = async (objectId) => {
      await fixture.hostile.until(() => asked() > before)
      return cache.records.get(objectId) ?? null
    }
    // A new engine has no record in memory, and its own cache looks one up.
    const late = { ...cache, record: () => null, loadRecord }
    const origin = { ttlSeconds: null, baseUrl: fixture.hostile.origin }
    fixture.serve('/a', { headDelayMs: 'never' })
    const again = await openRangeFixture({ origin, cache: late })
    const { body, headers } = await again.get('/a')
    expect(body.equals(patternBytes(0, 2 * SLICE))).toBe(true)
    expect(headers).toMatchObject({ etag: '"v1"', 'cache-control': 'max-age=600' })
    expect(asked()).toBe(before + 1)
    await fixture.hostile.until(() => fixture.hostile.requests('/a').every(({ isOpen }) => !isOpen))
    expect(again.figures()).toMatchObject({
      counters: { originFetches: 1, originBytes: 0, failedFetches: 0 },
      originRequests: 0,
    })
    await again.close()
  })
})
