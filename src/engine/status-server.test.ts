import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startStatusServer } from './status-server.ts'

let server: Awaited<ReturnType<typeof startStatusServer>>
let isReady = true
beforeEach(async () => {
  isReady = true
  server = await startStatusServer({
    host: '127.0.0.1',
    port: 0,
    mayMove: false,
    registry: new Registry(),
    isReady: () => isReady,
    publicHost: 'sluice.example.org',
  })
})
afterEach(() => server.close())

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, path, method, headers }
    request(options, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: await text(response), headers: response.headers })
    })
      .once('error', reject)
      .end()
  })
}

/** Sends bytes as they are and returns the first line of the answer. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
      if (answer.includes('\r\n')) socket.end()
    })
    socket.once('error', reject).once('close', () => resolve(answer.split('\r\n', 1)[0] ?? ''))
  })
}

describe('the HTTP of an engine', () => {
  it.each(['//', '///', '//:x', '/\\', '//%', 'http://[', '//[::', '*', '/%zz', '/..//'])(
    'answers the odd target %s and lives on',
    async (target) => {
      expect(await raw(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)).toMatch(/^HTTP\/1\.1 40[04] /)
      expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
    },
  )

  it('says what it is, with a query or without', async () => {
    expect(await ask('/healthz?at=1')).toMatchObject({ status: 200, body: 'ok\n' })
    expect(await ask('/metrics')).toMatchObject({ status: 200 })
    isReady = false
    expect(await ask('/readyz')).toMatchObject({ status: 503 })
    expect(await ask('/nothing')).toMatchObject({ status: 404 })
  })

  it.each(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:3001', 'sluice.example.org.evil.example'])(
    'refuses the host name %j',
    async (host) => {
      expect(await ask('/metrics', { host })).toMatchObject({ status: 403 })
    },
  )

  it.each(['localhost:3001', '127.0.0.1', '[::1]:3001', 'sluice.example.org', 'LOCALHOST'])(
    'answers under %s',
    async (host) => {
      expect(await ask('/healthz', { host })).toMatchObject({ status: 200 })
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('does not take %s', async (method) => {
    expect(await ask('/metrics', {}, method)).toMatchObject({ status: 405 })
  })

  it("refuses another site's page and lets no answer be shown or kept elsewhere", async () => {
    expect(await ask('/metrics', { 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 })
    expect(await ask('/metrics', { 'sec-fetch-site': 'same-site' })).toMatchObject({ status: 403 })
    const link = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect(await ask('/metrics', link)).toMatchObject({ status: 200 })
    expect(await ask('/metrics', { 'sec-fetch-site': 'none' })).toMatchObject({
      status: 200,
      headers: {
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      },
    })
  })
})
