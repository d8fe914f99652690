import { describe, expect, test } from 'vitest'
import { passedHeaders, safetyHeaders, secretsOf } from './passed-headers.ts'

describe('what readers get of the headers of the origin', () => {
  test('what belongs to the file, and what nobody knows', () => {
    const headers = { 'content-type': 'video/mp4', etag: '"a"', 'x-anything': '1', 'cache-control': 'max-age=1' }
    expect(passedHeaders(headers, [])).toEqual(headers)
  })

  test.each([
    'connection',
    'keep-alive',
    'transfer-encoding',
    'te',
    'upgrade',
    'proxy-authenticate',
    'set-cookie',
    'www-authenticate',
    'strict-transport-security',
    'clear-site-data',
    'content-security-policy',
    'service-worker-allowed',
    'location',
    'refresh',
    'content-length',
    'content-range',
    'content-digest',
    'content-md5',
    'server',
  ])('not %s', (name) => {
    expect(passedHeaders({ [name]: 'x', etag: '"a"' }, [])).toEqual({ etag: '"a"' })
  })

  test('not what Connection names (RFC 9110 section 7.6.1)', () => {
    expect(passedHeaders({ connection: 'close, X-Hop', 'x-hop': '1', 'x-end': '2' }, [])).toEqual({ 'x-end': '2' })
  })

  test('no secret of the origin that comes back in an answer', () => {
    const secrets = secretsOf({ authorization: 'Bearer very-secret-token', 'x-short': 'no' })
    const headers = { 'x-debug': 'got very-secret-token', 'x-seen': 'Bearer very-secret-token', 'x-fine': 'no' }
    expect(passedHeaders(headers, secrets)).toEqual({ 'x-fine': 'no' })
  })
})

describe('bytes that anybody may have chosen are harmless on this host', () => {
  test('never sniffed, never with rights', () => {
    expect(safetyHeaders({ 'content-type': 'video/mp4' }, true)).toEqual({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cross-origin-resource-policy': 'cross-origin',
    })
  })

  test.each([
    'text/html; charset=utf-8',
    'TEXT/HTML',
    'image/svg+xml',
    'application/xhtml+xml',
    'application/pdf',
    'text/xml',
    'text/plain, text/html',
    'video/mp4,image/svg+xml;charset=utf-8, text/plain',
  ])('%s is a download', (type) => {
    expect(safetyHeaders({ 'content-type': type }, true)['content-disposition']).toBe('attachment')
    const named = { 'content-type': type, 'content-disposition': 'inline; filename="a.html"' }
    expect(safetyHeaders(named, true)['content-disposition']).toBe('attachment; filename="a.html"')
  })

  test('what is not public stays out of shared caches', () => {
    const control = (text: string) => safetyHeaders({ 'cache-control': text }, false)['cache-control']
    expect(control('public, max-age=60')).toBe('private, max-age=60')
    expect(control('s-maxage=60')).toBe('private, no-cache')
    expect(control('no-cache, max-age=60')).toBe('private, no-cache')
  })
})
