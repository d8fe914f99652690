import { NextRequest } from 'next/server'
import { describe, expect, it, vi } from 'vitest'
import { proxy } from './proxy.ts'

// The guard reads the settings once, at its first request: those of whoever runs the tests must not matter.
for (const name of ['PORT', 'ENGINE_PORT', 'SLUICE_PUBLIC_URL', 'SLUICE_HOST']) vi.stubEnv(name, undefined)

function open(host: string, headers: Record<string, string> = {}, method = 'GET', path = '/') {
  return proxy(new NextRequest(`http://localhost:3000${path}`, { method, headers: { host, ...headers } }))
}

describe('before every page', () => {
  it('refuses a Host that is not ours with a sentence', async () => {
    const response = open('evil.example')
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({
      failure: { code: 'forbidden_origin', message: expect.stringContaining('http://localhost:3000') },
    })
  })

  it.each([
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', rsc: '1' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
  ] as Record<string, string>[])("refuses what another site's page asks for: %o", (headers) => {
    const response = open('localhost:3000', headers)
    expect(response.status).toBe(403)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  })

  it('lets a link on another site open a page', () => {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect(open('localhost:3000', link).status).toBe(200)
  })

  it('lets pages only be read, so that no server action is ever looked for', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = open('localhost:3000', { 'next-action': 'x' }, method, '/transfers')
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
    expect(open('localhost:3000', {}, 'POST', '/api/trpc/transfers.create').status).toBe(200)
  })

  it('sets the security headers and hands the nonce of the policy to the page', () => {
    const response = open('localhost:3000', { 'x-nonce': 'chosen by the client' })
    const policy = response.headers.get('content-security-policy') ?? ''
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1]
    expect(response.headers.get('x-middleware-request-x-nonce')).toBe(nonce)
    expect(response.headers.get('x-middleware-request-content-security-policy')).toBe(policy)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
    })
  })

  it('makes a new nonce for each request', () => {
    const policies = [1, 2, 3].map(() => open('localhost:3000').headers.get('content-security-policy'))
    expect(new Set(policies).size).toBe(3)
  })
})
