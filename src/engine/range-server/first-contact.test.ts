import { afterEach, describe, expect, test } from 'vitest'
import { createPlainCache } from '../slice/testing/plain-cache.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'
import { firstSpan, wantedOf } from './wanted-bytes.ts'

const SIZE = 40 * SLICE

let fixture: RangeFixture
afterEach(() => fixture.close())

const ranges = () => fixture.hostile.requests('/a').map(({ headers }) => headers.range)

describe('a file nobody knows yet', () => {
  test('is had whole with one request to the origin', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE })
    const { body, headers } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(headers['cache-status']).toBe('sluice; fwd=miss')
    expect(ranges()).toHaveLength(1)
    expect(fixture.figures()).toMatchObject({ fetchingBytes: 0, counters: { originFetches: 1, coalescedSlices: 0 } })
  })

  test('is had with one request although its record is found when the answer has just saved it', async () => {
    const cache = createPlainCache()
    const loadRecord: typeof cache.loadRecord = async (objectId) => {
      await fixture.hostile.until(() => cache.records.has(objectId))
      return cache.records.get(objectId) ?? null
    }
    fixture = await openRangeFixture({ cache: { ...cache, record: () => null, loadRecord } })
    // Slow enough that its slices are still on their way then.
    fixture.serve('/a', { sizeBytes: 4 * SLICE, bytesPerSecond: 8 * SLICE })
    const { body, headers } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, 4 * SLICE))).toBe(true)
    expect(headers['cache-status']).toBe('sluice; fwd=miss')
    expect(ranges()).toHaveLength(1)
    expect(fixture.figures().counters).toMatchObject({ originFetches: 1, abortedFetches: 0 })
  })

  test.each([2, 9])('is had with one request where a slower tier says late that it lacks slice %i', async (late) => {
    const cache = createPlainCache()
    const get: typeof cache.get = async (key, signal) => {
      // It answers once two slices have come.
      if (key.index === late) await fixture.hostile.until(() => cache.slices.size > 1)
      return cache.get(key, signal)
    }
    fixture = await openRangeFixture({ cache: { ...cache, get } })
    fixture.serve('/a', { sizeBytes: 10 * SLICE, bytesPerSecond: 20 * SLICE })
    const { body } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, 10 * SLICE))).toBe(true)
    expect(ranges()).toHaveLength(1)
    expect(fixture.figures().counters).toMatchObject({ originBytes: 10 * SLICE, abortedFetches: 0 })
  })

  test('is had with one request where a slower tier does not say in time that it lacks the first slice', async () => {
    const cache = createPlainCache()
    const get: typeof cache.get = (key, signal) => {
      if (key.index !== 0) return cache.get(key, signal)
      // Only the end of the looking ends it.
      return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    fixture = await openRangeFixture({ cache: { ...cache, get } })
    fixture.serve('/a', { sizeBytes: 4 * SLICE })
    const { body } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, 4 * SLICE))).toBe(true)
    expect(ranges()).toHaveLength(1)
    expect(fixture.figures().counters).toMatchObject({ originBytes: 4 * SLICE })
  })

  test('counts as a request that failed where its origin does not answer, and as none where the reader has left', async () => {
    fixture = await openRangeFixture({ features: { breaker: false } })
    fixture.serve('/a', { status: 500 })
    for (const range of ['bytes=0-9', 'bytes=-9']) expect((await fixture.get('/a', { range })).status).toBe(502)
    expect(fixture.figures().counters).toMatchObject({ originFetches: 2, failedFetches: 2, abortedFetches: 0 })
    fixture.serve('/a', { sizeBytes: SIZE, breakAfterBytes: 0, breakBy: 'stall', headDelayMs: 60_000 })
    const gone = fixture.open('/a').catch(() => null)
    await fixture.hostile.until(() => fixture.hostile.requests('/a').some(({ isOpen }) => isOpen))
    fixture.drop()
    await gone
    await fixture.hostile.until(() => fixture.figures().counters.abortedFetches === 1)
    expect(fixture.figures().counters).toMatchObject({ originFetches: 3, failedFetches: 2 })
  })

  test('costs the slices of the range that is wanted, and the first byte comes before the last is there', async () => {
    fixture = await openRangeFixture({ settings: { prefetchSlices: 0 } })
    fixture.serve('/a', { sizeBytes: SIZE })
    const { body } = await fixture.get('/a', { range: `bytes=${3 * SLICE + 5}-${3 * SLICE + 9}` })
    expect(body.equals(patternBytes(3 * SLICE + 5, 3 * SLICE + 10))).toBe(true)
    expect(ranges()).toEqual([`bytes=${3 * SLICE}-${4 * SLICE - 1}`])
  })

  test('that has no ranges is had with one request too', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE, ranges: 'ignored' })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(ranges()).toHaveLength(1)
  })

  test.each<[string, string, Record<string, string>]>([
    ['HEAD', 'HEAD', {}],
    ['a precondition', 'GET', { 'if-none-match': '"v1"' }],
    ['the last bytes', 'GET', { range: 'bytes=-5' }],
    ['several ranges', 'GET', { range: 'bytes=0-0,9-9' }],
  ])('is asked for one byte where nobody knows which bytes are wanted: %s', async (_, method, headers) => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE })
    const { status } = await fixture.get('/a', headers, method)
    expect(status).toBeLessThan(400)
    expect(ranges()[0]).toBe('bytes=0-0')
  })

  test('and of which other bytes are sent than were guessed is right all the same', async () => {
    fixture = await openRangeFixture({ settings: { prefetchSlices: 0 } })
    fixture.serve('/a', { sizeBytes: SIZE })
    const { status, body } = await fixture.get('/a', { range: `bytes=${8 * SLICE}-`, 'if-range': '"old"' })
    expect([status, body.equals(patternBytes(0, SIZE))]).toEqual([200, true])
    expect(fixture.figures()).toMatchObject({ fetchingBytes: 0, originRequests: 0 })
  })

  test('that is known to the cache is asked for one byte', async () => {
    fixture = await openRangeFixture({ origin: { ttlSeconds: 0 } })
    fixture.serve('/a', { sizeBytes: SIZE })
    await fixture.get('/a')
    // Settings that change make the engine forget all but its cache.
    fixture.publish({ heuristicFreshness: true })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(ranges().slice(1)).toEqual(['bytes=0-0'])
  })

  test.each(['right', 'ignored'] as const)(
    'of which each reader gets its own is asked for once for each (ranges %s)',
    async (answer) => {
      fixture = await openRangeFixture()
      fixture.serve('/a', { sizeBytes: 4 * SLICE, ranges: answer, headers: { 'cache-control': 'no-store' } })
      for (const _ of [1, 2, 3]) expect((await fixture.get('/a')).body.equals(patternBytes(0, 4 * SLICE))).toBe(true)
      expect(ranges()).toHaveLength(3)
      expect(fixture.cache.slices.size).toBe(0)
    },
  )

  test('that is found where nothing may be kept of it leaves nothing behind when its reader goes away', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', {
      sizeBytes: 4096 * SLICE,
      bytesPerSecond: 16 * SLICE,
      headers: { 'cache-control': 'no-store' },
    })
    const response = await fixture.open('/a')
    response.destroy()
    await fixture.hostile.until(() => fixture.hostile.requests('/a').every(({ isOpen }) => !isOpen))
    expect(fixture.figures()).toMatchObject({ fetchingBytes: 0, originRequests: 0, counters: { failedFetches: 0 } })
  })
})

test('the first span is whole slices, as many as a reader is read ahead for, as far as there is room', () => {
  const options = { sliceSizeBytes: 1024 * 1024, prefetchSlices: 3, roomFor: (slices: number) => Math.min(slices, 32) }
  const mib = (range: string | undefined) => {
    const wanted = wantedOf('GET', range === undefined ? {} : { range })
    const span = wanted && firstSpan(wanted, options)
    return span && [span.startByte / 1024 / 1024, span.endByte / 1024 / 1024]
  }
  expect(mib(undefined)).toEqual([0, 16])
  expect(mib('bytes=0-')).toEqual([0, 4])
  expect(mib('bytes=1048577-1048577')).toEqual([1, 2])
  expect(mib('bytes=1048575-1048576')).toEqual([0, 2])
  expect(mib('bytes=5-4')).toBeNull()
  expect(firstSpan({ startByte: 0, endByte: null, isBounded: true }, { ...options, roomFor: () => 1 })).toEqual({
    startByte: 0,
    endByte: 1024 * 1024,
  })
})
