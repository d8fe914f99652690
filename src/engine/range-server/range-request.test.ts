import { describe, expect, test } from 'vitest'
import { parseHttpDate, planAnswer, type Selected } from './range-request.ts'

const MODIFIED = 'Mon, 02 Nov 2026 10:00:00 GMT'
const LATER = 'Tue, 03 Nov 2026 10:00:00 GMT'
const EARLIER = 'Sun, 01 Nov 2026 10:00:00 GMT'
const strong: Selected = {
  sizeBytes: 1000,
  etag: '"a,b"',
  lastModifiedMs: Date.parse(MODIFIED),
  dateMs: Date.parse(LATER),
}
const weak: Selected = { ...strong, etag: 'W/"a"' }
const bare: Selected = { ...strong, etag: null, lastModifiedMs: null }
/** Changed within the second in which it was sent: its date proves nothing (RFC 9110 section 8.8.2.2). */
const justChanged: Selected = { ...strong, dateMs: Date.parse(MODIFIED) }

type Case = readonly [string, Record<string, string>, Selected, number]

describe('conditions, in the order of RFC 9110 section 13.2.2', () => {
  test.each<Case>([
    ['no condition', {}, strong, 200],
    ['If-None-Match with the tag', { 'if-none-match': '"a,b"' }, strong, 304],
    ['If-None-Match with it in a list', { 'if-none-match': '"x", "a,b" , W/"y"' }, strong, 304],
    ['If-None-Match compares weakly', { 'if-none-match': 'W/"a,b"' }, strong, 304],
    ['If-None-Match of a weak tag', { 'if-none-match': '"a"' }, weak, 304],
    ['If-None-Match with another', { 'if-none-match': '"b"' }, strong, 200],
    ['a tag with a comma is one tag', { 'if-none-match': '"a", "b"' }, strong, 200],
    ['If-None-Match: * of a file there is', { 'if-none-match': '*' }, bare, 304],
    ['If-None-Match of a file without a tag', { 'if-none-match': '"a"' }, bare, 200],
    ['If-Modified-Since, same', { 'if-modified-since': MODIFIED }, strong, 304],
    ['If-Modified-Since, later', { 'if-modified-since': LATER }, strong, 304],
    ['If-Modified-Since, earlier', { 'if-modified-since': EARLIER }, strong, 200],
    ['If-Modified-Since, no date', { 'if-modified-since': 'yesterday' }, strong, 200],
    ['If-Modified-Since without Last-Modified goes by Date', { 'if-modified-since': LATER }, bare, 304],
    [
      'If-None-Match decides over If-Modified-Since',
      { 'if-none-match': '"b"', 'if-modified-since': LATER },
      strong,
      200,
    ],
    ['If-Match with the tag', { 'if-match': '"a,b"' }, strong, 200],
    ['If-Match: *', { 'if-match': '*' }, bare, 200],
    ['If-Match with another', { 'if-match': '"b"' }, strong, 412],
    ['If-None-Match of a weak tag in small letters', { 'if-none-match': '"a"' }, { ...weak, etag: 'w/"a"' }, 304],
    ['If-Match compares strongly', { 'if-match': 'W/"a"' }, weak, 412],
    ['If-Unmodified-Since, same', { 'if-unmodified-since': MODIFIED }, strong, 200],
    ['If-Unmodified-Since, earlier', { 'if-unmodified-since': EARLIER }, strong, 412],
    ['If-Match decides over If-Unmodified-Since', { 'if-match': '"a,b"', 'if-unmodified-since': EARLIER }, strong, 200],
    ['412 goes before 304', { 'if-match': '"b"', 'if-none-match': '"a,b"' }, strong, 412],
    ['304 goes before a range', { range: 'bytes=0-1', 'if-none-match': '"a,b"' }, strong, 304],
    ['304 goes before a range beyond the file', { range: 'bytes=5000-', 'if-none-match': '"a,b"' }, strong, 304],
  ])('%s', (_, headers, selected, status) => {
    expect(planAnswer('GET', headers, selected).status).toBe(status)
    expect(planAnswer('HEAD', headers, selected).status).toBe(status)
  })
})

describe('Range and If-Range', () => {
  const range = 'bytes=10-19'
  test.each<Case>([
    ['a range', { range }, strong, 206],
    ['a range beyond the file', { range: 'bytes=1000-' }, strong, 416],
    ['another unit', { range: 'lines=1-2' }, strong, 200],
    ['a file of unknown length is sent whole', { range }, { ...strong, sizeBytes: null }, 200],
    ['If-Range with the strong tag', { range, 'if-range': '"a,b"' }, strong, 206],
    ['If-Range with another tag', { range, 'if-range': '"b"' }, strong, 200],
    ['If-Range with a weak tag never holds', { range, 'if-range': 'W/"a"' }, weak, 200],
    ['If-Range with the tag of a weak one', { range, 'if-range': '"a"' }, weak, 200],
    ['If-Range with a weak tag in small letters', { range, 'if-range': 'w/"a"' }, { ...weak, etag: 'w/"a"' }, 200],
    ['If-Range with the date', { range, 'if-range': MODIFIED }, strong, 206],
    ['If-Range with a later date', { range, 'if-range': LATER }, strong, 200],
    ['If-Range with an earlier date', { range, 'if-range': EARLIER }, strong, 200],
    ['If-Range with the date of a file just changed', { range, 'if-range': MODIFIED }, justChanged, 200],
    ['If-Range with a date, file without one', { range, 'if-range': MODIFIED }, bare, 200],
    ['If-Range with nonsense', { range, 'if-range': 'what' }, strong, 200],
    ['If-Range that fails spares a 416', { range: 'bytes=5000-', 'if-range': '"b"' }, strong, 200],
    ['If-Range that holds, beyond the file', { range: 'bytes=5000-', 'if-range': '"a,b"' }, strong, 416],
    ['If-Range without Range', { 'if-range': '"b"' }, strong, 200],
  ])('%s', (_, headers, selected, status) => {
    expect(planAnswer('GET', headers, selected).status).toBe(status)
  })

  test('HEAD has no ranges (RFC 9110 section 14.2)', () => {
    expect(planAnswer('HEAD', { range: 'bytes=0-1' }, strong).status).toBe(200)
    expect(planAnswer('HEAD', { range: 'bytes=5000-' }, strong).status).toBe(200)
  })
})

describe('dates', () => {
  test('in the three forms of HTTP', () => {
    const ms = Date.UTC(1994, 10, 6, 8, 49, 37)
    expect(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(ms)
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT')).toBe(ms)
    expect(parseHttpDate('Sun Nov  6 08:49:37 1994')).toBe(ms)
  })

  test.each(['0', '-1', '1994-11-06', 'Sun, 06 Nov 1994 08:49:37 CET', 'Sun, 06 Nov 1994', '"a"', ''])(
    '%s is none',
    (text) => expect(parseHttpDate(text)).toBeNull(),
  )
})
