import { describe, expect, it } from 'vitest'
import { guardContentType, guardHost, guardRequest, type Site } from './request-guard.ts'
import { contentSecurityPolicy } from './security-headers.ts'

const site: Site = { host: '127.0.0.1', port: 3000, publicUrl: 'https://sluice.example.org' }
const headers = (more: Record<string, string>) => new Headers({ host: 'localhost:3000', ...more })
const guard = (more: Record<string, string>, method = 'POST') => guardRequest(site, method, headers(more))

describe('the Host', () => {
  it.each(['localhost:3000', 'LOCALHOST:3000', '127.0.0.1:3000', '[::1]:3000', 'sluice.example.org'])(
    '%s is ours',
    (host) => {
      expect(() => guardHost(site, new Headers({ host }))).not.toThrow()
    },
  )

  it.each([
    'localhost',
    'localhost:3001',
    'evil.example:3000',
    'sluice.example.org:3000',
    'sluice.example.org.evil.example',
    '127.0.0.1.nip.io:3000',
    '127.0.0.2:3000',
    '',
  ])('%j is not', (host) => {
    expect(() => guardHost(site, new Headers({ host }))).toThrow('answers only at https://sluice.example.org')
  })

  it('may be another loopback address that web listens on', () => {
    const host = '127.0.0.7:3000'
    expect(() => guardHost({ ...site, host: '127.0.0.7' }, new Headers({ host }))).not.toThrow()
    expect(() => guardHost(site, new Headers({ host }))).toThrow()
  })

  it('may leave port 80 out', () => {
    const plain: Site = { host: '::1', port: 80, publicUrl: 'http://localhost' }
    for (const host of ['localhost', '127.0.0.1:80', '[::1]'])
      expect(() => guardHost(plain, new Headers({ host }))).not.toThrow()
  })

  it('names what to set, and shows no control characters of the other side', () => {
    expect(() => guardHost(site, new Headers({ host: 'ev\u00efl.example' }))).toThrow(
      'The request is for the host ev?l.example, but Sluice answers only at https://sluice.example.org. Open that address, or set SLUICE_PUBLIC_URL to the one you use.',
    )
  })
})

describe('the Origin', () => {
  it.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000', 'https://sluice.example.org'])(
    '%s is ours',
    (origin) => {
      expect(() => guard({ origin })).not.toThrow()
    },
  )

  it.each([
    'http://localhost:4000',
    'https://localhost:3000',
    'null',
    'https://evil.example',
    'http://sluice.example.org',
    'https://sluice.example.org.evil.example',
  ])('%s is not', (origin) => {
    expect(() => guard({ origin })).toThrow('SLUICE_PUBLIC_URL')
    expect(() => guard({ origin }, 'GET')).toThrow('SLUICE_PUBLIC_URL')
  })
})

describe('Sec-Fetch-Site', () => {
  it.each(['same-origin', 'none'])('%s passes', (value) => {
    expect(() => guard({ 'sec-fetch-site': value })).not.toThrow()
  })

  it.each(['cross-site', 'same-site'])('%s is refused', (value) => {
    expect(() => guard({ 'sec-fetch-site': value })).toThrow("another site's page")
    expect(() => guard({ 'sec-fetch-site': value, 'sec-fetch-mode': 'cors' }, 'GET')).toThrow("another site's page")
  })

  it('lets a link on another site open a page, but nothing else', () => {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect(() => guard(link, 'GET')).not.toThrow()
    expect(() => guard(link, 'POST')).toThrow()
    expect(() => guard({ ...link, 'sec-fetch-dest': 'iframe' }, 'GET')).toThrow()
  })
})

describe('the content type', () => {
  it.each(['application/json', 'Application/JSON; charset=utf-8'])('%s passes', (type) => {
    expect(() => guardContentType('POST', headers({ 'content-type': type }))).not.toThrow()
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    '%s is refused on a POST',
    (type) => {
      expect(() => guardContentType('POST', headers({ 'content-type': type }))).toThrow('application/json')
    },
  )
})

describe('the content security policy', () => {
  it('lets scripts run by nonce alone, without eval outside development', () => {
    const policy = contentSecurityPolicy({ nonce: 'abc', isDevelopment: false })
    expect(policy).toContain("script-src 'self' 'nonce-abc' 'strict-dynamic';")
    expect(policy).not.toContain('unsafe-eval')
    expect(policy).toContain("frame-ancestors 'none'")
  })
})
