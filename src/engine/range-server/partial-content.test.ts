import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import type { HostileAnswer } from '../testing/hostile-behaviour.ts'
import {
  EVERY_SWITCH,
  openRangeFixture,
  type RangeFixture,
  TEST_SLICE_BYTES as SLICE,
} from './testing/range-fixture.ts'

// What a shared cache does with ranges, seen from outside (RFC 9110 sections 13 and 14, RFC 9111).

const MODIFIED = 'Mon, 02 Nov 2026 10:00:00 GMT'
const LATER = 'Tue, 03 Nov 2026 10:00:00 GMT'
const EARLIER = 'Sun, 01 Nov 2026 10:00:00 GMT'
const SIZE = 4 * SLICE
const FILE: HostileAnswer = {
  sizeBytes: SIZE,
  lastModified: MODIFIED,
  headers: { 'cache-control': 'max-age=3600', 'x-file': 'mine' },
}

describe.each(EVERY_SWITCH)('%s', (_, features) => {
  let fixture: RangeFixture
  beforeEach(async () => {
    fixture = await openRangeFixture({ origin: { ttlSeconds: null }, settings: { prefetchSlices: 0 }, features })
    fixture.serve('/a', FILE)
  })
  afterEach(() => fixture.close())

  const asked = () => fixture.hostile.requests('/a').length

  describe('a range of a file', () => {
    test.each([
      ['the first byte', 'bytes=0-0', 0, 1],
      ['a piece within a slice', 'bytes=100-199', 100, 200],
      ['over the border of slices', `bytes=${SLICE - 1}-${SLICE}`, SLICE - 1, SLICE + 1],
      ['the rest', `bytes=${SIZE - 5}-`, SIZE - 5, SIZE],
      ['a suffix', 'bytes=-5', SIZE - 5, SIZE],
      ['an end beyond the file', `bytes=${SIZE - 5}-${SIZE + 5}`, SIZE - 5, SIZE],
      ['all of it', 'bytes=0-', 0, SIZE],
    ])('%s, cold and warm', async (_, range, start, end) => {
      for (const state of ['cold', 'warm']) {
        const before = asked()
        const { status, headers, body } = await fixture.get('/a', { range })
        expect(status).toBe(206)
        expect(headers).toMatchObject({
          'content-range': `bytes ${start}-${end - 1}/${SIZE}`,
          'content-length': String(end - start),
          'content-type': 'application/octet-stream',
          'accept-ranges': 'bytes',
          etag: '"v1"',
          'last-modified': MODIFIED,
          'cache-control': 'max-age=3600',
          'x-file': 'mine',
        })
        expect(body.equals(patternBytes(start, end))).toBe(true)
        if (state === 'warm') expect(asked()).toBe(before)
      }
    })

    test('of a file that is there whole asks nobody', async () => {
      await fixture.get('/a')
      const before = asked()
      for (const range of ['bytes=5-9', 'bytes=-3', `bytes=${SLICE}-`, 'bytes=0-0,9-9'])
        expect((await fixture.get('/a', { range })).status).toBe(206)
      expect(asked()).toBe(before)
    })

    test('the whole of a file that is there in part asks for what is missing alone', async () => {
      await fixture.get('/a', { range: `bytes=${SLICE}-${2 * SLICE - 1}` })
      const { status, body } = await fixture.get('/a')
      expect(status).toBe(200)
      expect(body.equals(patternBytes(0, SIZE))).toBe(true)
      const bytes = fixture.hostile.requests('/a').map(({ range }) => (range ? range.endByte - range.startByte : SIZE))
      expect(bytes.filter((length) => length > 1).reduce((sum, length) => sum + length, 0)).toBe(SIZE)
    })

    test.each([
      ['an open range after a suffix', `bytes=-${SLICE + 5}`, `bytes=${SIZE - SLICE - 3}-`, SIZE - SLICE - 3, SIZE],
      ['a shorter suffix after a longer one', `bytes=-${SLICE + 5}`, 'bytes=-1', SIZE - 1, SIZE],
      [
        'a closed range within an open one',
        `bytes=${SLICE + 5}-`,
        `bytes=${SLICE + 6}-${SLICE + 8}`,
        SLICE + 6,
        SLICE + 9,
      ],
    ])('out of what another range has brought: %s', async (_, first, second, start, end) => {
      expect((await fixture.get('/a', { range: first })).status).toBe(206)
      const before = asked()
      const { status, headers, body } = await fixture.get('/a', { range: second })
      expect([status, headers['content-range']]).toEqual([206, `bytes ${start}-${end - 1}/${SIZE}`])
      expect(body.equals(patternBytes(start, end))).toBe(true)
      expect(asked()).toBe(before)
    })

    test('carries the headers of the latest answer about the file, whatever range brought its bytes', async () => {
      await fixture.get('/a', { range: 'bytes=0-9' })
      fixture.serve('/a', {
        sizeBytes: SIZE,
        etag: '"v1"',
        headers: { 'cache-control': 'max-age=7200', 'x-file': 'newer' },
      })
      const fresh = await fixture.get('/a', { range: 'bytes=0-9', 'cache-control': 'no-cache' })
      expect(fresh.headers).toMatchObject({ 'cache-control': 'max-age=7200', 'x-file': 'newer' })
      const { status, headers, body } = await fixture.get('/a', { range: 'bytes=5-9' })
      expect(status).toBe(206)
      expect(headers).toMatchObject({ 'cache-control': 'max-age=7200', 'x-file': 'newer' })
      expect(body.equals(patternBytes(5, 10))).toBe(true)
    })

    test('a part is never taken for the whole', async () => {
      await fixture.get('/a', { range: 'bytes=0-9' })
      expect((await fixture.get('/a')).body.length).toBe(SIZE)
      expect((await fixture.get('/a', {}, 'HEAD')).headers['content-length']).toBe(String(SIZE))
    })

    test('beyond the file is 416 with its size, and none of its headers (RFC 9110 section 15.5.17)', async () => {
      const { status, headers, body } = await fixture.get('/a', { range: `bytes=${SIZE}-` })
      expect([status, headers['content-range'], body.length]).toEqual([416, `bytes */${SIZE}`, 0])
      expect(headers.etag).toBeUndefined()
      expect(headers['cache-control']).toBe('no-store')
    })
  })

  describe('several ranges', () => {
    test('in one answer, each with its own head (RFC 9110 section 14.6)', async () => {
      const { status, headers, body } = await fixture.get('/a', { range: `bytes=${SLICE + 5}-${SLICE + 6},0-1` })
      expect(status).toBe(206)
      expect(headers['content-range']).toBeUndefined()
      expect(headers['content-length']).toBe(String(body.length))
      expect(headers['cache-status']).toMatch(/^sluice; /)
      const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(headers['content-type'] ?? '')?.[1]
      const part = (start: number, end: number) => [
        Buffer.from(
          `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end - 1}/${SIZE}\r\n\r\n`,
        ),
        patternBytes(start, end),
        Buffer.from('\r\n'),
      ]
      const expected = Buffer.concat([...part(SLICE + 5, SLICE + 7), ...part(0, 2), Buffer.from(`--${boundary}--\r\n`)])
      expect(body.equals(expected)).toBe(true)
    })

    test('of which one is left are a single part', async () => {
      const { headers } = await fixture.get('/a', { range: `bytes=0-9,${SIZE + 5}-` })
      expect(headers['content-range']).toBe(`bytes 0-9/${SIZE}`)
    })

    test('that overlap are sent once, and too many are refused', async () => {
      const many = `bytes=${Array(60).fill('0-').join()}`
      expect((await fixture.get('/a', { range: many })).body.length).toBe(SIZE)
      expect((await fixture.get('/a', { range: `bytes=${Array(300).fill('0-').join()}` })).status).toBe(416)
    })
  })

  describe('HEAD', () => {
    test('has the headers of the whole file and no body, whatever Range says', async () => {
      for (const headers of [{}, { range: 'bytes=0-9' }, { range: `bytes=${SIZE}-` }] as Record<string, string>[]) {
        const answer = await fixture.get('/a', headers, 'HEAD')
        expect([answer.status, answer.headers['content-length'], answer.body.length]).toEqual([200, String(SIZE), 0])
      }
      expect(fixture.hostile.requests('/a').map(({ range }) => range)).toEqual([{ startByte: 0, endByte: 1 }])
    })
  })

  describe('conditions', () => {
    test.each<[string, Record<string, string>, number, number]>([
      ['If-None-Match', { 'if-none-match': '"v1"' }, 304, 0],
      ['If-None-Match with a range', { 'if-none-match': '"v1"', range: 'bytes=0-9' }, 304, 0],
      ['If-Modified-Since', { 'if-modified-since': MODIFIED }, 304, 0],
      ['If-Modified-Since, changed since', { 'if-modified-since': EARLIER }, 200, SIZE],
      ['If-Match with another', { 'if-match': '"x"', range: 'bytes=0-9' }, 412, 0],
      ['If-Unmodified-Since, changed since', { 'if-unmodified-since': EARLIER }, 412, 0],
      ['If-Range, same tag', { 'if-range': '"v1"', range: 'bytes=0-9' }, 206, 10],
      ['If-Range, other tag', { 'if-range': '"v2"', range: 'bytes=0-9' }, 200, SIZE],
      ['If-Range, weak tag', { 'if-range': 'W/"v1"', range: 'bytes=0-9' }, 200, SIZE],
      ['If-Range, same date', { 'if-range': MODIFIED, range: 'bytes=0-9' }, 206, 10],
      ['If-Range, other date', { 'if-range': LATER, range: 'bytes=0-9' }, 200, SIZE],
    ])('%s, cold and warm', async (_, headers, status, bytes) => {
      for (let time = 0; time < 2; time++) {
        const answer = await fixture.get('/a', headers)
        expect([answer.status, answer.body.length]).toEqual([status, bytes])
        if (status === 304) {
          expect(answer.headers).toMatchObject({ etag: '"v1"', 'cache-control': 'max-age=3600' })
          expect(answer.headers['content-length']).toBeUndefined()
        }
      }
    })

    test('are never passed on: what is kept is the same for all', async () => {
      await fixture.get('/a', { 'if-none-match': '"x"', 'if-range': '"y"', range: 'bytes=0-9' })
      for (const { headers } of fixture.hostile.requests('/a'))
        expect(Object.keys(headers).filter((name) => name.startsWith('if-'))).toEqual([])
    })
  })

  describe('age', () => {
    test('an answer carries the Date of the origin and its Age (RFC 9111 section 5.1)', async () => {
      fixture.serve('/a', { ...FILE, headers: { ...FILE.headers, age: '30' } })
      const { headers } = await fixture.get('/a', { range: 'bytes=0-9' })
      expect(Number(headers.age)).toBeGreaterThanOrEqual(30)
      expect(Date.parse(headers.date ?? '')).toBeLessThanOrEqual(Date.now())
    })

    test('says where it came from (RFC 9211)', async () => {
      expect((await fixture.get('/a', { range: 'bytes=0-9' })).headers['cache-status']).toBe('sluice; fwd=miss')
      expect((await fixture.get('/a', { range: 'bytes=0-9' })).headers['cache-status']).toBe('sluice; hit')
    })
  })

  describe('what may not be kept', () => {
    test.each<[string, Record<string, string>]>([
      ['no-store', { 'cache-control': 'no-store' }],
      ['private', { 'cache-control': 'private, max-age=60' }],
      ['Vary: *', { 'cache-control': 'max-age=60', vary: '*' }],
      ['a cookie', { 'cache-control': 'max-age=60', 'set-cookie': 'a=b' }],
    ])('%s: asked for each time, ranges too, and no cookie is passed on', async (_, headers) => {
      fixture.serve('/a', { ...FILE, headers })
      for (let time = 0; time < 2; time++) {
        const before = asked()
        const answer = await fixture.get('/a', { range: 'bytes=5-9' })
        expect(answer.body.equals(patternBytes(5, 10))).toBe(true)
        expect(answer.headers['set-cookie']).toBeUndefined()
        expect(asked()).toBeGreaterThan(before)
      }
      expect([fixture.cache.slices.size, fixture.cache.records.size]).toEqual([0, 0])
    })

    test('answers to requests with credentials, unless the origin or the TTL says so (RFC 9111 section 3.5)', async () => {
      fixture.publish({ headers: { authorization: 'Bearer abcdefghijk' }, credentialScope: 'one' })
      await fixture.get('/a', { range: 'bytes=0-9' })
      expect(fixture.cache.slices.size).toBe(0)
      expect(fixture.hostile.requests('/a').at(-1)?.headers.authorization).toBe('Bearer abcdefghijk')
      fixture.publish({ ttlSeconds: 60 })
      await fixture.get('/a', { range: 'bytes=0-9' })
      expect(fixture.cache.slices.size).toBe(1)
    })

    test('other credentials are other objects', async () => {
      fixture.publish({ ttlSeconds: 60, headers: { 'x-key': 'first-secret' }, credentialScope: 'one' })
      await fixture.get('/a', { range: 'bytes=0-9' })
      fixture.publish({ headers: { 'x-key': 'second-secret' }, credentialScope: 'two' })
      const before = asked()
      await fixture.get('/a', { range: 'bytes=0-9' })
      expect(asked()).toBeGreaterThan(before)
      expect(fixture.cache.records.size).toBe(2)
    })

    test('no header of a reader reaches the origin', async () => {
      await fixture.get('/a', { authorization: 'Bearer mine', cookie: 'a=b', 'accept-encoding': 'gzip', origin: 'x' })
      for (const { headers } of fixture.hostile.requests('/a')) {
        expect(headers).toMatchObject({ 'accept-encoding': 'identity' })
        expect([headers.authorization, headers.cookie, headers.origin]).toEqual([undefined, undefined, undefined])
      }
    })
  })

  describe('where requests lead', () => {
    test.each(['/../secret', '/%2e%2e/secret', '/x/../../secret', '/..%2f..', '/\\..\\secret'])(
      '%s never leaves what is published',
      async (path) => {
        fixture.publish({ baseUrl: `${fixture.hostile.origin}/public` })
        fixture.hostile.serve('/secret', { sizeBytes: 10 })
        const { status } = await fixture.get(path)
        expect([400, 404]).toContain(status)
        expect(fixture.hostile.requests('/secret')).toHaveLength(0)
      },
    )

    test.each(['/..%2fsecret', '/x/..%2F..%5Csecret', '/%252e%252e%252fsecret', '/..;/secret'])(
      '%s, which some servers take for a way up, is not asked of the origin',
      async (path) => {
        fixture.publish({ baseUrl: `${fixture.hostile.origin}/public` })
        expect((await fixture.get(path)).status).toBe(400)
        expect(fixture.figures().counters.originFetches).toBe(0)
      },
    )

    test('two ways to write a path are one file, of which each slice is fetched once', async () => {
      const arrived = fixture.arrived(3)
      fixture.serve('/x/a', { sizeBytes: SIZE, after: arrived })
      const answers = await Promise.all(['/x/a', '/./x/a', '/y/%2e%2e/x/a'].map((path) => fixture.get(path)))
      for (const { body } of answers) expect(body.equals(patternBytes(0, SIZE))).toBe(true)
      expect(fixture.cache.records.size).toBe(1)
      if (features.coalescing !== false) expect(fixture.figures().counters.originBytes).toBe(SIZE)
    })

    test('the query is part of the file, another query is another file', async () => {
      fixture.serve('/a?v=1', { sizeBytes: 10 })
      fixture.serve('/a?v=2', { sizeBytes: 10, seed: 2 })
      expect((await fixture.get('/a?v=1')).body.equals(patternBytes(0, 10))).toBe(true)
      expect((await fixture.get('/a?v=2')).body.equals(patternBytes(0, 10, 2))).toBe(true)
    })

    test('only GET and HEAD, only origins that are published', async () => {
      const posted = await fixture.get('/a', {}, 'POST')
      expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, HEAD'])
      fixture.service.update([])
      expect((await fixture.get('/a')).status).toBe(404)
    })
  })
})
