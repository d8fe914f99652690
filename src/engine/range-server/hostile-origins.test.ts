import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { firstly, type HostileAnswer, redirectTo } from '../testing/hostile-behaviour.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 10 * SLICE + 123

describe('origins that do ranges in their own way', () => {
  test.each<[string, HostileAnswer]>([
    ['that ignore Range', { ranges: 'ignored' }],
    ['that send the slice as 200', { ranges: 'slice-as-200' }],
    ['that begin elsewhere', { ranges: 'wrong-start' }],
    ['that send more than was asked for', { ranges: 'too-much' }],
    ['that write Content-Range wrong', { ranges: 'malformed' }],
    ['that leave the total out', { ranges: 'missing-total' }],
    ['that leave Content-Range out', { ranges: 'no-content-range' }],
    ['that refuse every range', { ranges: 'refused' }],
    ['without any validator', { etag: null }],
    ['with a weak one', { etag: 'W/"a"' }],
    ['that send chunks', { length: 'chunked' }],
  ])('%s are served whole and by range', async (_, answer) => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE, ...answer })
    const whole = await fixture.get('/a')
    expect([whole.status, whole.isCut]).toEqual([200, false])
    expect(whole.body.equals(patternBytes(0, SIZE))).toBe(true)
    const part = await fixture.get('/a', { range: `bytes=${3 * SLICE - 10}-${5 * SLICE}` })
    expect(part.status).toBe(206)
    expect(part.body.equals(patternBytes(3 * SLICE - 10, 5 * SLICE + 1))).toBe(true)
    const end = await fixture.get('/a', { range: 'bytes=-7' })
    expect(end.body.equals(patternBytes(SIZE - 7, SIZE))).toBe(true)
  })

  test('one that loses its ranges later is read as one stream', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', firstly(1, { sizeBytes: SIZE }, { sizeBytes: SIZE, ranges: 'ignored' }))
    const { body } = await fixture.get('/a', { range: `bytes=${4 * SLICE}-` })
    expect(body.equals(patternBytes(4 * SLICE, SIZE))).toBe(true)
  })

  test('without ranges, ten readers at ten places share one stream', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', ({ index }) => {
      const answer: HostileAnswer = { sizeBytes: SIZE, ranges: 'ignored' }
      return index === 0 ? answer : { ...answer, after: fixture.arrived(10) }
    })
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => fixture.get('/a', { range: `bytes=${at * SLICE}-${at * SLICE + 9}` })),
    )
    for (const [at, { body }] of answers.entries())
      expect(body.equals(patternBytes(at * SLICE, at * SLICE + 10))).toBe(true)
    expect(fixture.hostile.requests('/a').slice(1)).toHaveLength(1)
  })

  test('without ranges, a reader who needs what has passed gets it, where its own stream has the only request', async () => {
    // Nothing is kept, so each reader has a stream of its own, and two ranges of it in the wrong order.
    fixture = await openRangeFixture({ origin: { ttlSeconds: null, lanes: 1 } })
    const headers = { 'cache-control': 'no-store' }
    fixture.serve('/a', { sizeBytes: 2048 * SLICE, ranges: 'ignored', headers })
    const { status, body } = await fixture.get('/a', { range: `bytes=${8 * SLICE}-${8 * SLICE + 9},0-9` })
    expect(status).toBe(206)
    expect(body.includes(patternBytes(8 * SLICE, 8 * SLICE + 10))).toBe(true)
    expect(body.includes(patternBytes(0, 10))).toBe(true)
  }, 30_000)

  test('without ranges, the stream ends with its last reader', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: 4096 * SLICE, ranges: 'ignored' })
    const { body } = await fixture.get('/a', { range: 'bytes=0-9' })
    expect(body.equals(patternBytes(0, 10))).toBe(true)
    await fixture.hostile.until(() => fixture.hostile.requests('/a').every(({ isOpen }) => !isOpen))
    expect(fixture.figures()).toMatchObject({ originRequests: 0, fetchingBytes: 0 })
  })
})

describe('origins that break', () => {
  test.each<[string, HostileAnswer]>([
    ['by a clean end', { breakBy: 'end' }],
    ['by a reset', { breakBy: 'reset' }],
  ])('%s in the middle of a slice are asked for the rest', async (_, answer) => {
    fixture = await openRangeFixture()
    fixture.serve('/a', ({ index }) =>
      index === 0 ? { sizeBytes: SIZE, breakAfterBytes: SLICE + 1000, ...answer } : { sizeBytes: SIZE },
    )
    const { body } = await fixture.get('/a')
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
    const starts = fixture.hostile.requests('/a').map(({ range }) => range?.startByte ?? 0)
    expect(starts).toContain(SLICE + 1000)
    expect(fixture.figures().counters.retries).toBeGreaterThan(0)
  })

  test.each<[string, HostileAnswer, number]>([
    ['404', { status: 404 }, 404],
    ['410', { status: 410 }, 410],
    ['403', { status: 403 }, 403],
    ['401', { status: 401 }, 502],
    ['429', { status: 429, headers: { 'retry-after': '7' } }, 503],
    ['500', { status: 500 }, 502],
    ['503', { status: 503, headers: { 'retry-after': '9' } }, 503],
    ['no HTTP at all', { raw: 'hello' }, 502],
    ['a redirect to a private place', redirectTo('http://10.0.0.1/x'), 502],
    ['a redirect to another scheme', redirectTo('ftp://example.org/x'), 502],
    ['a redirect in a circle', redirectTo('/a'), 502],
    ['far too many headers', { headerBombBytes: 200_000 }, 502],
  ])('%s becomes a status of ours, without the address of the origin', async (_, answer, status) => {
    fixture = await openRangeFixture()
    fixture.serve('/a', answer)
    const { headers, body, ...rest } = await fixture.get('/a')
    expect(rest.status).toBe(status)
    expect(headers['cache-control']).toBe('no-store')
    expect(body.toString()).not.toMatch(/127\.0\.0\.1|10\.0\.0\.1|http:/)
    if (status === 503) expect(headers['retry-after']).toMatch(/^[79]$/)
    expect(fixture.cache.records.size).toBe(0)
  })

  test('a redirect is followed, and the file is cached under the name it was asked by', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', redirectTo('/b'))
    fixture.serve('/b', { sizeBytes: SIZE })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect([...fixture.cache.records.values()].map(({ path }) => path)).toEqual(['/a'])
  })
})

describe('files of odd lengths', () => {
  test('empty', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: 0 })
    const whole = await fixture.get('/a')
    expect([whole.status, whole.headers['content-length'], whole.body.length]).toEqual([200, '0', 0])
    const part = await fixture.get('/a', { range: 'bytes=0-' })
    expect([part.status, part.headers['content-range']]).toEqual([416, 'bytes */0'])
    expect((await fixture.get('/a', { range: 'bytes=-5' })).status).toBe(200)
  })

  test.each([1, SLICE - 1, SLICE, SLICE + 1])('%i bytes', async (sizeBytes) => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, sizeBytes))).toBe(true)
    const last = await fixture.get('/a', { range: 'bytes=-1' })
    expect(last.body.equals(patternBytes(sizeBytes - 1, sizeBytes))).toBe(true)
  })

  test.each<[string, HostileAnswer]>([
    ['in chunks', { length: 'chunked' }],
    ['until the connection closes', { length: 'close' }],
  ])('unknown, %s: passed on whole, at the pace of the reader, and not kept', async (_, answer) => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE, ranges: 'ignored', ...answer })
    const { status, headers, body } = await fixture.get('/a', { range: 'bytes=0-9' })
    expect([status, headers['accept-ranges'], headers['content-length']]).toEqual([200, undefined, undefined])
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(fixture.cache.slices.size).toBe(0)
  })

  test('unknown, and broken in the middle: the connection is cut', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', {
      sizeBytes: SIZE,
      ranges: 'ignored',
      length: 'chunked',
      breakAfterBytes: 99_999,
      breakBy: 'reset',
    })
    expect(await fixture.get('/a')).toMatchObject({ status: 200, isCut: true })
  })

  test('compressed although it was asked not to be: passed on as it is, and said so', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE, contentEncoding: 'gzip' })
    const { status, headers, body } = await fixture.get('/a', { range: 'bytes=0-9' })
    expect([status, headers['content-encoding'], headers['accept-ranges']]).toEqual([200, 'gzip', undefined])
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
  })
})
