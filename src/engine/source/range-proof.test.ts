import { expect, test } from 'vitest'
import { compareIdentity, identityProof } from './identity.ts'
import { judgeRange, parseContentRange } from './range-proof.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { SourceIdentity } from './source.ts'

test.each([
  ['bytes 0-99/100', { startByte: 0, endByte: 100, totalBytes: 100 }],
  ['Bytes 5-5/*', { startByte: 5, endByte: 6, totalBytes: null }],
  ['bytes */0', { startByte: null, endByte: null, totalBytes: 0 }],
  ['bytes=0-99/100', null],
  ['bytes 0-99', null],
  ['bytes 99-0/100', null],
  ['bytes 0-100/100', null],
  ['items 0-9/10', null],
  ['bytes 0-9/10, bytes 0-9/10', null],
  ['bytes 0-9007199254740992/9007199254740999', null],
  ['', null],
  [null, null],
])('correctness 6: the Content-Range %j reads as %j', (text, expected) => {
  expect(parseContentRange(text)).toEqual(expected)
})

test('a repeated Content-Range is not believed', () => {
  const headers = { 'content-range': ['bytes 0-9/10', 'bytes 0-9/10'] }
  expect(judgeRange({ statusCode: 206, headers }, 0, 10).kind).toBe('other')
})

const PINNED: SourceIdentity = { sizeBytes: 10, etag: null, lastModified: null, acceptsRanges: true }
const SEEN = { etag: null, lastModified: null, totalBytes: 10 }

test('what proves sameness is named, strongest first', () => {
  const date = 'Mon, 02 Nov 2026 10:00:00 GMT'
  expect(compareIdentity({ ...PINNED, etag: '"a"' }, { ...SEEN, etag: '"a"' })).toEqual({ same: true, proof: 'etag' })
  expect(compareIdentity({ ...PINNED, lastModified: date }, { ...SEEN, lastModified: date })).toMatchObject({
    proof: 'last-modified',
  })
  expect(compareIdentity(PINNED, SEEN)).toEqual({ same: true, proof: 'size' })
  expect(compareIdentity({ ...PINNED, sizeBytes: null }, SEEN)).toEqual({ same: true, proof: 'none' })
  expect(identityProof({ ...PINNED, etag: '"a"' })).toBe('etag')
  expect(identityProof({ ...PINNED, etag: 'W/"a"', lastModified: date })).toBe('last-modified')
  expect(identityProof({ ...PINNED, etag: 'W/"a"' })).toBe('size')
  expect(identityProof({ ...PINNED, sizeBytes: null })).toBe('none')
})

test('the same moment in another spelling of the date is the same Last-Modified', () => {
  const pinned = { ...PINNED, lastModified: 'Mon, 02 Nov 2026 10:00:00 GMT' }
  expect(compareIdentity(pinned, { ...SEEN, lastModified: 'Monday, 02-Nov-26 10:00:00 GMT' }).same).toBe(true)
})

test('correctness 16: different weak tags are a sign of change where nothing else speaks', () => {
  expect(compareIdentity({ ...PINNED, etag: 'W/"a"' }, { ...SEEN, etag: 'W/"b"' }).same).toBe(false)
  expect(compareIdentity({ ...PINNED, etag: 'W/"a"' }, { ...SEEN, etag: 'W/"a"' })).toEqual({
    same: true,
    proof: 'size',
  })
})

const DATE = 'Mon, 02 Nov 2026 10:00:00 GMT'
test.each([
  ['0', null, 0],
  ['120', null, 120_000],
  ['1.5', null, 1500],
  ['-1', null, undefined],
  ['tomorrow', null, undefined],
  ['999999', null, 3_600_000],
  ['Mon, 02 Nov 2026 10:00:30 GMT', DATE, 30_000],
  ['Mon, 02 Nov 2026 09:00:00 GMT', DATE, 0],
  [null, DATE, undefined],
])('correctness 24: Retry-After %j with the date %j waits %j ms', (value, date, waitMs) => {
  expect(parseRetryAfter(value, date)).toBe(waitMs)
})
