import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { type HostileAnswer, redirectTo } from '../testing/hostile-behaviour.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 24 * SLICE + 123
const asked = () => fixture.hostile.requests('/a')
const versions = () => [...new Set(fixture.hostile.requests().map(({ httpVersion }) => httpVersion))]

describe('an origin that is read over HTTP/2', () => {
  test('is served whole and by range, each slice fetched once, for several readers and ahead of them', async () => {
    fixture = await openRangeFixture({ isHttp2: true })
    fixture.serve('/a', { sizeBytes: SIZE })
    const ranges = [
      [0, SIZE],
      [0, SIZE],
      [3 * SLICE - 10, 9 * SLICE],
      [SIZE - 7, SIZE],
    ] as const
    const answers = await Promise.all(
      ranges.map(([from, to]) => fixture.get('/a', { range: `bytes=${from}-${to - 1}` })),
    )
    for (const [at, [from, to]] of ranges.entries()) {
      expect(answers[at]?.status).toBe(206)
      expect(answers[at]?.body.equals(patternBytes(from, to))).toBe(true)
    }
    expect(versions()).toEqual(['2.0'])
    expect(fixture.figures().counters).toMatchObject({ originBytes: SIZE, failedFetches: 0 })
    expect(fixture.figures().counters.prefetchedSlices).toBeGreaterThan(0)
    expect(fixture.hostile.connections().peak).toBeLessThanOrEqual(8)
  })

  test.each<[string, HostileAnswer]>([
    ['that ignores Range', { ranges: 'ignored' }],
    ['that begins elsewhere', { ranges: 'wrong-start' }],
    ['that refuses every range', { ranges: 'refused' }],
    ['that does not say how long its answers are', { length: 'chunked' }],
  ])('%s is served all the same', async (_, answer) => {
    fixture = await openRangeFixture({ isHttp2: true })
    fixture.serve('/a', { sizeBytes: SIZE, ...answer })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    const part = await fixture.get('/a', { range: `bytes=${3 * SLICE - 10}-${5 * SLICE}` })
    expect(part.body.equals(patternBytes(3 * SLICE - 10, 5 * SLICE + 1))).toBe(true)
    expect(versions()).toEqual(['2.0'])
  })

  test.each<[string, HostileAnswer]>([
    ['a connection that ends', { breakBy: 'end' }],
    ['a stream that is reset', { breakBy: 'reset' }],
  ])('after %s in the middle of a slice is asked for the rest', async (_, answer) => {
    fixture = await openRangeFixture({ isHttp2: true })
    fixture.serve('/a', ({ index }) =>
      index === 0 ? { sizeBytes: SIZE, breakAfterBytes: SLICE + 1000, ...answer } : { sizeBytes: SIZE },
    )
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(asked().map(({ range }) => range?.startByte)).toContain(SLICE + 1000)
    expect(fixture.figures().counters.retries).toBeGreaterThan(0)
  })

  test('whose answer stands still is overtaken by a second request', async () => {
    fixture = await openRangeFixture({ isHttp2: true, settings: { waitLimitMs: 40, idleTimeoutMs: 60_000 } })
    fixture.serve('/a', ({ index }) =>
      index === 0 ? { sizeBytes: SIZE, breakAfterBytes: 10, breakBy: 'stall' } : { sizeBytes: SIZE },
    )
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(fixture.figures().counters.fallbacks).toBeGreaterThanOrEqual(1)
  })

  test('that changes while it is read is never mixed', async () => {
    fixture = await openRangeFixture({ isHttp2: true, settings: { prefetchSlices: 0 } })
    fixture.serve('/a', ({ index }) => (index === 0 ? { sizeBytes: SIZE } : { sizeBytes: SIZE, etag: '"v2"', seed: 2 }))
    const first = await fixture.get('/a')
    const isWhole = [undefined, 2].some((seed) => first.body.equals(patternBytes(0, SIZE, seed)))
    expect(first.isCut || isWhole).toBe(true)
    const { headers, body } = await fixture.get('/a', { 'cache-control': 'no-cache' })
    expect(headers.etag).toBe('"v2"')
    expect(body.equals(patternBytes(0, SIZE, 2))).toBe(true)
  })

  test('a reader that goes away ends its requests, and no connection', async () => {
    fixture = await openRangeFixture({ isHttp2: true })
    fixture.serve('/a', { sizeBytes: 4096 * SLICE, bytesPerSecond: 1024 * 1024 })
    fixture.serve('/b', { sizeBytes: SIZE })
    const reader = await fixture.open('/a')
    await once(reader, 'data')
    const { open } = fixture.hostile.connections()
    reader.destroy()
    await fixture.hostile.until(() => asked().every(({ isOpen }) => !isOpen))
    expect(fixture.hostile.connections().open).toBeGreaterThanOrEqual(open)
    expect((await fixture.get('/b')).body.equals(patternBytes(0, SIZE))).toBe(true)
    while (fixture.figures().originRequests > 0) await delay(2)
    expect(fixture.figures()).toMatchObject({ counters: { failedFetches: 0 }, fetchingBytes: 0 })
  })

  test('follows redirects, and is read over HTTP/1.1 from the next request on once that is chosen', async () => {
    fixture = await openRangeFixture({ isHttp2: true })
    fixture.serve('/a', redirectTo('/b'))
    fixture.serve('/b', { sizeBytes: SIZE })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(versions()).toEqual(['2.0'])
    // The client of HTTP/1.1 here trusts the same certificate.
    fixture.publish({ httpVersion: '1.1' })
    const before = fixture.hostile.requests().length
    await fixture.get('/b', { 'cache-control': 'no-cache' })
    const later = fixture.hostile.requests().slice(before)
    expect([...new Set(later.map(({ httpVersion }) => httpVersion))]).toEqual(['1.1'])
  })

  test('that has no TLS is read over HTTP/1.1', async () => {
    fixture = await openRangeFixture({ origin: { httpVersion: '2' } })
    fixture.serve('/a', { sizeBytes: SIZE })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(versions()).toEqual(['1.1'])
  })
})
