import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { firstly } from '../testing/hostile-behaviour.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

// correctness.md, "Cache and proxy side": each case by its number.

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 16 * SLICE
const V2 = { etag: '"v2"', seed: 2, sizeBytes: SIZE }
const spansOf = (path: string) =>
  fixture.hostile
    .requests(path)
    .map(({ range }) => range)
    .filter((range) => range !== null && range.endByte - range.startByte > 1)

describe('correctness 43: nothing that is wrong ever looks whole', () => {
  test('a first slice that cannot be had is an error status, not a broken body', async () => {
    fixture = await openRangeFixture({ settings: { sliceRetries: 0 } })
    fixture.serve('/a', ({ index }) =>
      index === 0 ? { sizeBytes: SIZE, breakAfterBytes: 10, breakBy: 'reset' } : { status: 500 },
    )
    const { status, body, isCut } = await fixture.get('/a')
    expect([status, isCut]).toEqual([502, false])
    expect(body.toString()).not.toContain('127.0.0.1')
  })

  test('a later slice that cannot be had cuts the connection', async () => {
    fixture = await openRangeFixture({ settings: { sliceRetries: 0, prefetchSlices: 0 } })
    fixture.serve('/a', ({ range }) => ((range?.startByte ?? 0) >= 3 * SLICE ? { status: 500 } : { sizeBytes: SIZE }))
    const { status, body, headers, isCut } = await fixture.get('/a')
    expect([status, headers['content-length'], isCut]).toEqual([200, String(SIZE), true])
    expect(body.equals(patternBytes(0, 3 * SLICE))).toBe(true)
  })

  test('a slice of the wrong length in a cache is none', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE })
    await fixture.get('/a')
    for (const [name, bytes] of fixture.cache.slices) fixture.cache.put(keyOf(name), bytes.subarray(1))
    const { body } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
  })
})

describe('correctness 44: a file that changed heals with the next request', () => {
  test.each([
    ['with a strong ETag', { etag: '"v1"', sizeBytes: SIZE }, V2],
    [
      'with Last-Modified alone',
      { etag: null, lastModified: 'Sun, 01 Nov 2026 10:00:00 GMT', sizeBytes: SIZE },
      { etag: null, lastModified: 'Mon, 02 Nov 2026 10:00:00 GMT', sizeBytes: SIZE, seed: 2 },
    ],
    ['with another length', { etag: null, sizeBytes: SIZE }, { etag: null, sizeBytes: SIZE - 1, seed: 2 }],
  ])('%s, within its TTL', async (_, before, after) => {
    fixture = await openRangeFixture({ settings: { prefetchSlices: 0 } })
    fixture.serve('/a', before)
    const first = await fixture.get('/a', { range: `bytes=0-${2 * SLICE - 1}` })
    expect(first.body.equals(patternBytes(0, 2 * SLICE))).toBe(true)
    fixture.serve('/a', after)
    // Its first two slices are those of the old version; the rest can only be had of the new one.
    const cut = await fixture.get('/a')
    expect(cut.isCut).toBe(true)
    expect(cut.body.equals(patternBytes(0, cut.body.length))).toBe(true)
    const healed = await fixture.get('/a')
    expect(healed.body.equals(patternBytes(0, after.sizeBytes, 2))).toBe(true)
    for (const bytes of fixture.cache.slices.values()) expect(bytes.byteLength).toBeLessThanOrEqual(SLICE)
    expect([...fixture.cache.slices.keys()].map((name) => name.split(' ')[1])).toEqual(
      Array(Math.ceil(after.sizeBytes / SLICE)).fill([...fixture.cache.records.values()][0]?.version),
    )
  })

  test('where nothing was sent yet the new version is served by the same request', async () => {
    fixture = await openRangeFixture({ settings: { prefetchSlices: 0 } })
    fixture.serve('/a', { sizeBytes: SIZE })
    await fixture.get('/a', { range: 'bytes=0-9' })
    fixture.serve('/a', V2)
    const { status, headers, body } = await fixture.get('/a', { range: `bytes=${5 * SLICE}-${5 * SLICE + 9}` })
    expect([status, headers.etag]).toEqual([206, '"v2"'])
    expect(body.equals(patternBytes(5 * SLICE, 5 * SLICE + 10, 2))).toBe(true)
  })

  test('one odd answer of many is asked for again and believed no more (correctness 14)', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', ({ index }) => (index === 1 ? V2 : { sizeBytes: SIZE }))
    const { body } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
  })
})

describe('correctness 45: who waits for another fetch waits only so long', () => {
  test('a silent request is overtaken by a second one', async () => {
    fixture = await openRangeFixture({ settings: { waitLimitMs: 40, idleTimeoutMs: 60_000 } })
    fixture.serve('/a', ({ index }) =>
      index === 0 ? { sizeBytes: SIZE, breakAfterBytes: 0, breakBy: 'stall' } : { sizeBytes: SIZE },
    )
    const { body } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(fixture.figures().counters.fallbacks).toBeGreaterThanOrEqual(1)
  })

  test('a standstill of our own is no silence of the origin', async () => {
    const waitLimitMs = 800
    fixture = await openRangeFixture({ settings: { waitLimitMs, prefetchSlices: 0 } })
    const stoodStill = Promise.withResolvers<void>()
    fixture.serve('/a', ({ index }) => ({ sizeBytes: SIZE, ...(index > 0 && { after: stoodStill.promise }) }))
    await fixture.get('/a', { range: 'bytes=0-9' })
    const reading = fixture.get('/a', { range: `bytes=${5 * SLICE}-${5 * SLICE + 9}` })
    await fixture.hostile.until(() => fixture.hostile.requests('/a').length === 2)
    for (const endMs = performance.now() + waitLimitMs; performance.now() <= endMs; ) {}
    stoodStill.resolve()
    expect((await reading).body.equals(patternBytes(5 * SLICE, 5 * SLICE + 10))).toBe(true)
    expect(fixture.figures().counters.fallbacks).toBe(0)
  })

  test('a writer that dies lets the next one fetch', async () => {
    fixture = await openRangeFixture({ settings: { sliceRetries: 0 } })
    fixture.serve(
      '/a',
      firstly(
        1,
        { sizeBytes: SIZE, after: fixture.arrived(2), breakAfterBytes: 10, breakBy: 'reset' },
        { sizeBytes: SIZE },
      ),
    )
    const range = { range: 'bytes=0-99' }
    const failed = await Promise.all([fixture.get('/a', range), fixture.get('/a', range)])
    expect(failed.map(({ status }) => status)).toEqual([502, 502])
    const { body } = await fixture.get('/a', range)
    expect(body.equals(patternBytes(0, 100))).toBe(true)
  })

  test('what may not be shared is fetched for each reader, and kept for none', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE, headers: { 'cache-control': 'private' } })
    const both = await Promise.all([fixture.get('/a'), fixture.get('/a')])
    for (const { body } of both) expect(body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(fixture.figures().counters.originBytes).toBeGreaterThanOrEqual(2 * SIZE)
    expect([fixture.cache.slices.size, fixture.cache.records.size]).toEqual([0, 0])
  })
})

test('correctness 46: what expired is asked for once, not for each slice and not for each reader', async () => {
  fixture = await openRangeFixture({ origin: { ttlSeconds: 0 } })
  fixture.serve('/a', ({ index }) => ({ sizeBytes: SIZE, ...(index > 0 ? { after: fixture.arrived(21) } : {}) }))
  await fixture.get('/a')
  const before = fixture.hostile.requests('/a').length
  const answers = await Promise.all(Array.from({ length: 20 }, () => fixture.get('/a')))
  for (const { body } of answers) expect(body.equals(patternBytes(0, SIZE))).toBe(true)
  const after = fixture.hostile.requests('/a').slice(before)
  expect(after.map(({ range }) => range)).toEqual([{ startByte: 0, endByte: 1 }])
})

describe('correctness 47: reading ahead', () => {
  test('never fetches a slice twice, also where readers overlap', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE, headDelayMs: 5 })
    await Promise.all([
      fixture.get('/a'),
      fixture.get('/a', { range: `bytes=${SLICE}-` }),
      fixture.get('/a', { range: `bytes=${4 * SLICE}-${9 * SLICE}` }),
      fixture.get('/a'),
    ])
    const covered = spansOf('/a').flatMap((range) => indices(range))
    expect(covered.sort((a, b) => a - b)).toEqual(Array.from({ length: SIZE / SLICE }, (_, index) => index))
  })

  test('stops when the reader stops: a huge open range that is dropped is not fetched', async () => {
    fixture = await openRangeFixture()
    const huge = 4096 * SLICE
    fixture.serve('/a', { sizeBytes: huge })
    const response = await fixture.open('/a', { range: 'bytes=0-' })
    response.destroy()
    await fixture.hostile.until(() => fixture.hostile.requests('/a').every(({ isOpen }) => !isOpen))
    const farthest = Math.max(...spansOf('/a').map((range) => range?.endByte ?? 0))
    expect(farthest).toBeLessThan(huge / 8)
    expect(fixture.figures().counters.failedFetches).toBe(0)
  })

  test('that failed is tried again when the slice is needed (B7)', async () => {
    fixture = await openRangeFixture({ settings: { sliceRetries: 0, prefetchSlices: 1 } })
    fixture.serve('/a', ({ range, index }) => {
      const isAhead = (range?.startByte ?? 0) >= 2 * SLICE
      return isAhead && index <= 3 ? { status: 500 } : { sizeBytes: 64 * 1024 * 1024 }
    })
    const { body } = await fixture.get('/a', { range: `bytes=0-${8 * SLICE - 1}` })
    expect(body.length).toBeGreaterThan(0)
    const again = await fixture.get('/a', { range: `bytes=0-${8 * SLICE - 1}` })
    expect(again.body.equals(patternBytes(0, 8 * SLICE))).toBe(true)
  })
})

test('correctness 48: a purge is complete although slices have gaps', async () => {
  fixture = await openRangeFixture({ settings: { prefetchSlices: 0 } })
  fixture.serve('/a', { sizeBytes: SIZE })
  fixture.serve('/b', { sizeBytes: SIZE })
  for (const index of [0, 3, 11]) await fixture.get('/a', { range: `bytes=${index * SLICE}-${index * SLICE}` })
  await fixture.get('/b')
  const objectId = [...fixture.cache.records.values()].find(({ path }) => path === '/a')?.objectId ?? ''
  await expect(fixture.service.purge({ objectId })).resolves.toMatchObject({ slices: 3 })
  expect([...fixture.cache.slices.keys()].filter((name) => name.startsWith(objectId))).toEqual([])
  fixture.serve('/a', V2)
  const { body, headers } = await fixture.get('/a', { range: 'bytes=0-9' })
  expect(headers.etag).toBe('"v2"')
  expect(body.equals(patternBytes(0, 10, 2))).toBe(true)
  const asked = fixture.hostile.requests('/b').length
  await fixture.get('/b')
  expect(fixture.hostile.requests('/b')).toHaveLength(asked)
})

test('correctness 49: ranges are kept as aligned slices, so that overlapping ones cost nothing more', async () => {
  fixture = await openRangeFixture({ settings: { prefetchSlices: 0 } })
  fixture.serve('/a', { sizeBytes: SIZE })
  for (const [first, last] of [
    [10, 20],
    [0, 99],
    [5, SLICE - 1],
    [SLICE - 10, SLICE - 1],
  ])
    await fixture.get('/a', { range: `bytes=${first}-${last}` })
  expect(spansOf('/a')).toEqual([{ startByte: 0, endByte: SLICE }])
  expect(fixture.cache.slices.size).toBe(1)
})

test('correctness 50: the size cap is held against the size of the file, not of the range', async () => {
  fixture = await openRangeFixture({ origin: { sizeCapBytes: SIZE - 1 } })
  fixture.serve('/a', { sizeBytes: SIZE })
  const { body } = await fixture.get('/a', { range: 'bytes=0-9' })
  expect(body.equals(patternBytes(0, 10))).toBe(true)
  expect(fixture.cache.slices.size).toBe(0)
  fixture.publish({ sizeCapBytes: SIZE })
  await fixture.get('/a', { range: 'bytes=0-9' })
  expect(fixture.cache.slices.size).toBeGreaterThan(0)
})

test('correctness 52: the next slices come side by side, not one after the other', async () => {
  fixture = await openRangeFixture({ settings: { sliceSizeBytes: 1024 * 1024 } })
  const size = 16 * 1024 * 1024
  // The first question asks for all of it; what one connection would take long for is then asked for beside it. Until the last of them
  // is there hardly anything comes, however late the head was.
  const bytesPerSecond = () => (fixture.hostile.requests('/a').length < 4 ? 1024 : null)
  fixture.serve('/a', { sizeBytes: size, headDelayMs: 10, bytesPerSecond })
  const { body } = await fixture.get('/a')
  expect(body.equals(patternBytes(0, size))).toBe(true)
  expect(fixture.hostile.peakRequests()).toBe(4)
  expect(spansOf('/a')).toHaveLength(4)
})

test('correctness 53: a reader that goes away is no failure', async () => {
  fixture = await openRangeFixture()
  fixture.serve('/a', { sizeBytes: 1024 * SLICE, bytesPerSecond: SLICE })
  const response = await fixture.open('/a', { range: 'bytes=0-' }).catch(() => null)
  response?.destroy()
  await fixture.hostile.until(() => fixture.hostile.requests('/a').every(({ isOpen }) => !isOpen))
  const { counters, origins, fetchingBytes, originRequests } = fixture.figures()
  expect(counters).toMatchObject({ failedFetches: 0, retries: 0 })
  expect(counters.abortedFetches).toBeGreaterThan(0)
  expect(origins[0]).toMatchObject({ errors: 0, aborts: 1, activeReaders: 0 })
  expect([fetchingBytes, originRequests]).toEqual([0, 0])
})

function indices(range: { startByte: number; endByte: number } | null): number[] {
  if (!range) return []
  const count = Math.ceil((Math.min(SIZE, range.endByte) - range.startByte) / SLICE)
  return Array.from({ length: count }, (_, at) => range.startByte / SLICE + at)
}

function keyOf(name: string) {
  const [objectId = '', version = '', index] = name.split(' ')
  return { objectId, version, index: Number(index) }
}
