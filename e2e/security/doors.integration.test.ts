import { readdirSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSluice, startSluice } from '../stack/sluice.ts'

/** The doors of the built product, tried by somebody who should not come in. */
let sluice: RunningSluice
beforeAll(async () => {
  sluice = await startSluice()
})
afterAll(() => sluice?.close())

interface Answer {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: string
}

/** A request as it is written: fetch would put Host, Origin and Sec-Fetch-Site right. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(sluice.url)
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, async (response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) })
    })
    sent.once('error', reject).end(body)
  })
}

const PAGES = ['/', '/transfers', '/transfers/new', '/buckets', '/engines', '/settings', '/nope', '/api/nope']
const API = ['/api/health', '/api/trpc/buckets.list', '/api/trpc/nope.nope']

describe('web', () => {
  test.each([...PAGES, ...API])('%s carries the security headers and is kept nowhere', async (path) => {
    const { headers, body } = await ask(path)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': expect.stringContaining('no-store'),
      'content-security-policy': expect.stringMatching(/frame-ancestors 'none'/),
    })
    expect(headers['content-security-policy']).not.toContain('unsafe-eval')
    expect(headers).not.toHaveProperty('x-powered-by')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    expect(body).not.toMatch(/node_modules|\.ts:\d+|\bat async /)
  })

  test('built files cannot be taken for something else', async () => {
    const script = /\/_next\/static\/[^"]+\.js/.exec((await ask('/')).body)?.[0] ?? ''
    expect(await ask(script)).toMatchObject({
      status: 200,
      headers: { 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' },
    })
    expect((await ask('/_next/image?url=%2Ficon.svg&w=64&q=75')).status).toBe(404)
  })

  const FOREIGN: [string, Record<string, string>][] = [
    ['another Host', { host: 'evil.example' }],
    ['another Host, and a forwarded one of ours', { host: 'evil.example', 'x-forwarded-host': 'localhost:3000' }],
    [
      'another Host, and the way around Next 15',
      { host: 'evil.example', 'x-middleware-subrequest': 'src/proxy:src/proxy:src/proxy:src/proxy:src/proxy' },
    ],
    ['the Origin of another site', { origin: 'https://evil.example' }],
    ['no Origin that could be named', { origin: 'null' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ]
  test.each(FOREIGN)('%s gets nothing', async (_, headers) => {
    for (const path of ['/', '/transfers?_rsc=1', '/api/trpc/buckets.list', '/api/health']) {
      const answer = await ask(path, path.includes('_rsc') ? { ...headers, rsc: '1' } : headers)
      expect([path, answer.status]).toEqual([path, 403])
      expect(answer.body).not.toContain('sluice-sample')
    }
  })

  test('a form of another site changes nothing, nor does a GET or a preflight', async () => {
    const body = JSON.stringify({ json: { name: 'stolen' } })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect([403, 415]).toContain(
        (await ask('/api/trpc/tokens.create', { 'content-type': type }, 'POST', body)).status,
      )
    const get = await ask(`/api/trpc/tokens.create?input=${encodeURIComponent(body)}`)
    expect(get.status).toBe(405)
    const preflight = await ask(
      '/api/trpc/tokens.create',
      { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      'OPTIONS',
    )
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    for (const method of ['POST', 'PUT'])
      expect((await ask('/transfers', { 'next-action': '0'.repeat(40) }, method, '[]')).status).toBe(405)
    expect(await sluice.api.tokens.list.query()).toEqual([])
  })

  test('a huge body is cut off with a sentence, and web answers on', async () => {
    const type = { 'content-type': 'application/json' }
    const huge = await ask(
      '/api/trpc/tokens.create',
      type,
      'POST',
      JSON.stringify({ json: { name: 'x'.repeat(9 << 20) } }),
    )
    expect([huge.status, huge.body]).toEqual([413, expect.stringContaining('8 MiB')])
    const deep = await ask('/api/trpc/tokens.create', type, 'POST', `{"json":${'['.repeat(1e6)}${']'.repeat(1e6)}}`)
    expect(deep.status).toBe(413)
    expect((await ask('/api/health')).status).toBe(200)
  })
})

describe('the other listeners', () => {
  test.each(['//', '///', '/\\', '*', 'http://[', '/%zz'])('none of them ends at the target %s', async (target) => {
    const { sampleOrigin } = JSON.parse(readFileSync(join(sluice.dataDir, 'runtime.json'), 'utf8'))
    for (const url of [sluice.engineUrl, sluice.storeUrl, sluice.url, `http://127.0.0.1:${sampleOrigin.port}`])
      expect(
        await raw(Number(new URL(url).port), `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`),
      ).toMatch(/^HTTP\/1\.1 \d{3}/)
    expect((await fetch(`${sluice.engineUrl}/healthz`)).status).toBe(200)
    expect(sluice.output()).not.toContain('starts again')
  })

  test('Postgres listens on loopback alone, and lets nobody in without the password', async () => {
    const { databaseUrl } = JSON.parse(readFileSync(join(sluice.dataDir, 'runtime.json'), 'utf8'))
    const good = new pg.Client({ connectionString: databaseUrl })
    await good.connect()
    const { rows } = await good.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories', 'password_encryption')",
    )
    const { rows: rules } = await good.query<{ auth_method: string }>('SELECT auth_method FROM pg_hba_file_rules')
    await good.end()
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      password_encryption: 'scram-sha-256',
    })
    expect(new Set(rules.map(({ auth_method }) => auth_method))).toEqual(new Set(['scram-sha-256']))
    for (const user of ['sluice', 'postgres', 'root']) {
      const url = new URL(databaseUrl)
      url.username = user
      url.password = 'wrong'
      await expect(new pg.Client({ connectionString: url.href }).connect()).rejects.toMatchObject({ code: '28P01' })
    }
  })

  test('other users of the machine can read neither secrets, nor logs, nor arguments with secrets in them', () => {
    expect(statSync(sluice.dataDir).mode & 0o066).toBe(0)
    const secret = ['secret-key', 'postgres-password', 'runtime.json', 'object-store/credentials.json']
    const logs = readdirSync(join(sluice.dataDir, 'logs')).map((name) => `logs/${name}`)
    for (const name of [...secret, ...logs])
      expect([name, statSync(join(sluice.dataDir, name)).mode & 0o777]).toEqual([name, 0o600])
    for (const name of ['logs', 'object-store', 'postgres'])
      expect([name, statSync(join(sluice.dataDir, name)).mode & 0o077]).toEqual([name, 0])
    const { databaseUrl, secretKey } = JSON.parse(readFileSync(join(sluice.dataDir, 'runtime.json'), 'utf8'))
    for (const { command } of sluice.processes())
      for (const word of [secretKey, new URL(databaseUrl).password]) expect(command).not.toContain(word)
  })
})

/** What a port answers to these bytes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
    })
    socket.once('error', reject).once('close', () => resolve(answer))
  })
}
