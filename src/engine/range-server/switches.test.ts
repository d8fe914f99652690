import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import type { ReadSettings } from './read-service.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

// product.md B11: each switch can be turned off, everything still works, and what it did is gone.

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 16 * SLICE
type Features = ReadSettings['features']

describe.each(['coalescing', 'breaker', 'priorities', 'parallelSlices'] satisfies (keyof Features)[])(
  'with %s off',
  (feature) => {
    test('files are served whole and by range', async () => {
      fixture = await openRangeFixture({ features: { [feature]: false } })
      fixture.serve('/a', { sizeBytes: SIZE })
      expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
      const part = await fixture.get('/a', { range: `bytes=${SLICE}-${3 * SLICE}` })
      expect(part.body.equals(patternBytes(SLICE, 3 * SLICE + 1))).toBe(true)
      const two = await fixture.get('/a', { range: 'bytes=0-0,-1' })
      expect(two.headers['content-type']).toContain('multipart/byteranges')
    })

    test('a file that changed heals', async () => {
      fixture = await openRangeFixture({ features: { [feature]: false }, settings: { prefetchSlices: 0 } })
      fixture.serve('/a', { sizeBytes: SIZE })
      await fixture.get('/a', { range: 'bytes=0-9' })
      fixture.serve('/a', { sizeBytes: SIZE, etag: '"v2"', seed: 2 })
      await fixture.get('/a')
      expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE, 2))).toBe(true)
    })
  },
)

describe('coalescing (B1)', () => {
  const fetchesOfTen = async (coalescing: boolean) => {
    fixture = await openRangeFixture({ features: { coalescing }, settings: { prefetchSlices: 0 } })
    fixture.serve('/a', ({ index }) => ({ sizeBytes: SIZE, ...(index === 0 ? { after: fixture.arrived(10) } : {}) }))
    await Promise.all(Array.from({ length: 10 }, () => fixture.get('/a', { range: 'bytes=0-9' })))
    return fixture.figures().counters.originFetches
  }

  test('on: ten readers of one slice make one fetch', async () => {
    expect(await fetchesOfTen(true)).toBe(1)
  })

  test('off: they make more than one', async () => {
    expect(await fetchesOfTen(false)).toBeGreaterThan(1)
  })
})

describe('the breaker (B8)', () => {
  const askTimes = async (times: number, headers = {}) => {
    const statuses: number[] = []
    for (let time = 0; time < times; time++) statuses.push((await fixture.get('/a', headers)).status)
    return statuses
  }

  test('on: after five failures in a row nothing is asked, and readers are told when to come again', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { status: 500 })
    expect(await askTimes(5)).toEqual([502, 502, 502, 502, 502])
    const refused = await fixture.get('/a')
    expect([refused.status, Number(refused.headers['retry-after']) > 50]).toEqual([503, true])
    expect(fixture.hostile.requests('/a')).toHaveLength(5)
    expect(fixture.figures()).toMatchObject({ breakerTrips: 1, origins: [{ breaker: 'open' }] })
  })

  test('what is cached is served all the same', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/b', { sizeBytes: 10 })
    await fixture.get('/b')
    fixture.serve('/a', { status: 500 })
    await askTimes(5)
    expect((await fixture.get('/b')).body.equals(patternBytes(0, 10))).toBe(true)
  })

  test('after its rest three requests that succeed close it', async () => {
    fixture = await openRangeFixture({ settings: { breakerOpenMs: 100 } })
    fixture.serve('/a', { status: 500 })
    await askTimes(5)
    fixture.serve('/a', { sizeBytes: 10 })
    while ((await fixture.get('/a')).status !== 200);
    for (const _ of [2, 3]) {
      await fixture.service.purge('all')
      expect((await fixture.get('/a')).status).toBe(200)
    }
    expect(fixture.figures().origins[0]?.breaker).toBe('closed')
  })

  /** A range of a slice of its own; the head of a file with many is known and the breaker needs two failures. */
  const slice = (index: number) => ({ range: `bytes=${index * SLICE}-${index * SLICE + 9}` })
  const withFileKnown = async (settings = {}, lanes: number | null = null) => {
    fixture = await openRangeFixture({
      origin: { lanes },
      settings: { breakerFailures: 2, sliceRetries: 0, prefetchSlices: 0, ...settings },
    })
    fixture.serve('/a', { sizeBytes: 100 * SLICE })
    expect((await fixture.get('/a', slice(0))).status).toBe(206)
  }
  /** A reader that leaves once the origin was asked for it, and has nothing from there. */
  const leaves = async (index: number, before: () => Promise<unknown> = async () => undefined) => {
    const asked = fixture.hostile.requests('/a').length
    const left = new AbortController()
    const url = `http://127.0.0.1:${fixture.port}/o/files/a`
    const reading = fetch(url, { headers: slice(index), signal: left.signal }).catch(() => undefined)
    await fixture.hostile.until(() => fixture.hostile.requests('/a').length > asked)
    await before()
    left.abort()
    await reading
    await fixture.hostile.until(() => fixture.hostile.requests('/a')[asked]?.isOpen === false)
  }

  test('what a reader gave up before it was answered says nothing: failures before it still count', async () => {
    await withFileKnown()
    fixture.serve('/a', { status: 500 })
    expect((await fixture.get('/a', slice(1))).status).toBe(502)
    fixture.serve('/a', { headDelayMs: 'never' })
    await leaves(2)
    fixture.serve('/a', { status: 500 })
    expect((await fixture.get('/a', slice(3))).status).toBe(502)
    expect(fixture.figures().origins[0]?.breaker).toBe('open')
  })

  test('a trial that its reader gave up is no success: who waits has it', async () => {
    await withFileKnown({ breakerOpenMs: 1 }, 1)
    fixture.serve('/a', { status: 500 })
    for (const index of [1, 2]) await fixture.get('/a', slice(index))
    expect(fixture.figures().breakerTrips).toBe(1)
    await eventually(() => fixture.figures().origins[0]?.breaker === 'half-open')
    // Three in a row are given up, each while the next one waits.
    fixture.serve('/a', ({ range }) => (range?.startByte === 13 * SLICE ? { status: 500 } : { headDelayMs: 'never' }))
    let next: Promise<unknown> = Promise.resolve()
    const waits = (index: number) => async () => {
      next = index === 13 ? fixture.get('/a', slice(13)) : leaves(index, waits(index + 1))
      await eventually(() => fixture.figures().queueDepth[0] === 1)
    }
    await leaves(10, waits(11))
    await eventually(() => fixture.figures().breakerTrips === 2)
    await next
  })

  test('a file that is not there is no failure of the origin', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { status: 404 })
    await askTimes(8)
    expect(fixture.figures().origins[0]?.breaker).toBe('closed')
  })

  test('off: the origin is asked each time', async () => {
    fixture = await openRangeFixture({ features: { breaker: false } })
    fixture.serve('/a', { status: 500 })
    expect(await askTimes(8)).toEqual(Array(8).fill(502))
    expect(fixture.hostile.requests('/a')).toHaveLength(8)
  })
})

describe('priorities (B9)', () => {
  /** Five long reads wait, then a short one comes; says which of the six was asked for when. */
  const orderOf = async (priorities: boolean) => {
    fixture = await openRangeFixture({
      features: { priorities },
      settings: { maxOriginRequests: 1, prefetchSlices: 0 },
    })
    const big = 11_000_000
    const names = ['big0', 'big1', 'big2', 'big3', 'big4', 'small']
    for (const name of names) fixture.serve(`/${name}`, { sizeBytes: name === 'small' ? 10 : big })
    // All of them are known, so that only slices are asked for.
    for (const name of names) await fixture.get(`/${name}`, {}, 'HEAD')
    const gate = Promise.withResolvers<void>()
    fixture.serve('/first', { sizeBytes: 10, after: gate.promise })
    const first = fixture.get('/first')
    await fixture.hostile.until(() => fixture.hostile.requests('/first').length === 1)
    const before = fixture.hostile.requests().length
    const opened = names.slice(0, 5).map((name) => fixture.open(`/${name}`))
    const waiting = () => fixture.figures().queueDepth.reduce((sum, depth) => sum + depth, 0)
    await eventually(() => waiting() === 5)
    const small = fixture.get('/small')
    await eventually(() => waiting() === 6)
    gate.resolve()
    await Promise.all([first, small])
    for (const response of await Promise.all(opened)) response.destroy()
    return fixture.hostile
      .requests()
      .slice(before)
      .findIndex(({ path }) => path === '/small')
  }

  test('on: a short read goes before the long ones that came first', async () => {
    expect(await orderOf(true)).toBe(0)
  })

  test('off: first come, first served', async () => {
    expect(await orderOf(false)).toBeGreaterThanOrEqual(5)
  })
})

describe('parallel slices (C1, B7)', () => {
  const peakOf = async (parallelSlices: boolean) => {
    fixture = await openRangeFixture({ features: { parallelSlices }, settings: { sliceSizeBytes: 1024 * 1024 } })
    const asked = () => fixture.hostile.requests('/a').length
    // With several at once nothing much comes before the last is asked for, so that it pays whenever that is.
    const bytesPerSecond = () => (parallelSlices && asked() < 4 ? 1024 : null)
    fixture.serve('/a', { sizeBytes: 16 * 1024 * 1024, headDelayMs: 10, bytesPerSecond })
    await fixture.get('/a')
    const spans = fixture.hostile.requests('/a').filter(({ range }) => (range?.endByte ?? 0) > 1)
    return { peak: fixture.hostile.peakRequests(), spans: spans.length }
  }

  test('on: several requests for one file at once, each for several slices', async () => {
    expect(await peakOf(true)).toEqual({ peak: 4, spans: 4 })
  })

  test('off: one slice after the other', async () => {
    expect(await peakOf(false)).toEqual({ peak: 1, spans: 16 })
  })
})

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}
