import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, type ApiHarness, bucketInput, failureOf, startApi } from '../../../e2e/stack/api-harness.ts'
import { createDb } from '../db/client.ts'
import type { Services } from './context.ts'
import { handleHealth } from './handle-health.ts'
import { handleTrpc } from './handle-trpc.ts'

let harness: ApiHarness
beforeAll(async () => {
  harness = await startApi()
})
afterAll(() => harness.close())
beforeEach(() => harness.db.apiToken.deleteMany())

interface Answer {
  status: number
  error?: { message: string; data: { httpStatus: number; failure: { code: string; message: string } } }
  text: string
  headers: Headers
}

async function send(
  path: string,
  options: { method?: string; body?: string; headers?: Record<string, string>; services?: Services } = {},
): Promise<Answer> {
  const headers = { host: 'localhost:3000', ...(options.body === undefined ? {} : JSON_TYPE), ...options.headers }
  const method = options.method ?? (options.body === undefined ? 'GET' : 'POST')
  const request = new Request(`http://localhost:3000/api/trpc/${path}`, { method, body: options.body })
  // fetch's Request refuses to set Host, which a server receives; so the headers are put in by hand.
  Object.defineProperty(request, 'headers', { value: new Headers(headers) })
  const response = await handleTrpc(request, options.services ?? harness.services)
  const text = await response.text()
  const error = text.startsWith('{') ? JSON.parse(text).error?.json : undefined
  return { status: response.status, error, text, headers: response.headers }
}
const JSON_TYPE = { 'content-type': 'application/json' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('who may call the API', () => {
  it('is everyone on this machine, as long as nobody claims to be somebody', async () => {
    expect((await send('buckets.list')).status).toBe(200)
  })

  it('may ask for the list of transfers without any input', async () => {
    expect((await send('transfers.list')).status).toBe(200)
  })

  it('is who carries the administrator token', async () => {
    expect((await send('buckets.list', { headers: bearer(ADMIN_TOKEN) })).status).toBe(200)
  })

  it.each([
    'Bearer wrong',
    `Bearer ${ADMIN_TOKEN}x`,
    `Bearer ${ADMIN_TOKEN.slice(0, -1)}`,
    `Basic ${ADMIN_TOKEN}`,
    'Bearer',
    'Bearer ',
    '',
  ])('is not who sends "Authorization: %s"', async (authorization) => {
    const answer = await send('buckets.list', { headers: { authorization } })
    expect(answer).toMatchObject({ status: 401, error: { data: { failure: { code: 'unauthorized' } } } })
  })

  it('is who carries a token that is neither revoked nor expired', async () => {
    const { id, token } = await harness.api.tokens.create({ name: 'nightly' })
    const status = async () => (await send('buckets.list', { headers: bearer(token) })).status
    expect(await status()).toBe(200)
    expect(await harness.api.tokens.list()).toMatchObject([{ id, lastUsedAt: expect.any(Date) }])
    await harness.db.apiToken.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1) } })
    expect(await status()).toBe(401)
    await harness.db.apiToken.update({ where: { id }, data: { expiresAt: null } })
    expect(await status()).toBe(200)
    await harness.api.tokens.revoke({ id })
    expect(await status()).toBe(401)
  })

  it('is decided in each procedure, so that no header skips it', async () => {
    const skip = { 'x-middleware-subrequest': 'src/proxy:src/proxy:src/proxy:src/proxy:src/proxy' }
    expect((await send('buckets.list', { headers: { ...skip, ...bearer('wrong') } })).status).toBe(401)
    expect((await send('buckets.list', { headers: { ...skip, host: 'evil.example' } })).status).toBe(403)
  })

  it('is never a page of another site, or a name re-pointed at this machine', async () => {
    const body = JSON.stringify({ json: bucketInput() })
    for (const headers of [
      { host: 'evil.example:3000' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[]) {
      const answer = await send('buckets.save', { body, headers })
      expect(answer).toMatchObject({ status: 403, error: { data: { failure: { code: 'forbidden_origin' } } } })
      expect(answer.error?.message).toContain('https://sluice.example.org')
    }
    expect(await harness.api.buckets.list()).toEqual([])
  })
})

describe('what a request must look like', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
  ])('a POST of %s changes nothing', async (type) => {
    const body = JSON.stringify({ json: bucketInput() })
    const answer = await send('buckets.save', { body, headers: { 'content-type': type } })
    expect([403, 415]).toContain(answer.status)
    expect(answer.error?.data.failure).toMatchObject({ message: expect.stringContaining('application/json') })
    expect(await harness.api.buckets.list()).toEqual([])
  })

  it('a GET changes nothing', async () => {
    const answer = await send(`buckets.save?input=${encodeURIComponent(JSON.stringify({ json: bucketInput() }))}`)
    expect(answer).toMatchObject({ status: 405, error: { data: { failure: { code: 'invalid_input' } } } })
    expect(await harness.api.buckets.list()).toEqual([])
  })

  it('a body that is no JSON is refused with a sentence', async () => {
    expect(await send('buckets.save', { body: '{nope' })).toMatchObject({
      status: 400,
      error: { data: { failure: { code: 'invalid_input', message: expect.stringContaining('not JSON') } } },
    })
  })

  it('a body that is too large, or takes too long to take apart, is refused with a sentence', async () => {
    for (const body of [`"${'x'.repeat(8 * 1024 * 1024)}"`, `{"json":${'['.repeat(1e6)}${']'.repeat(1e6)}}`])
      expect(await send('buckets.save', { body })).toMatchObject({
        status: 413,
        error: { data: { failure: { code: 'invalid_input', message: expect.stringContaining('8 MiB') } } },
      })
  })

  it('is not looked at before it is known who asks', async () => {
    const answer = await send('buckets.save', { body: '{nope', headers: bearer('wrong') })
    expect(answer).toMatchObject({ status: 401, error: { data: { failure: { code: 'unauthorized' } } } })
  })

  it('a batch has at most 100 calls', async () => {
    const batch = (count: number) => `${Array(count).fill('buckets.list').join(',')}?batch=1&input=%7B%7D`
    expect((await send(batch(100))).status).toBe(200)
    const refused = await send(batch(101))
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('more than 100 calls')])
  })

  it.each([
    ['transfers.list', { search: 'a\0b' }, 'GET'],
    ['tokens.create', { name: 'a\0b' }, 'POST'],
    ['buckets.save', { ...bucketInput('a\0b') }, 'POST'],
    ['transfers.createMany', { items: [{ key: 'a', sourceUrl: 'http://a.example/\0' }] }, 'POST'],
  ])('a NUL character in %s is refused with a sentence', async (path, json, method) => {
    const input = JSON.stringify({ json })
    const answer =
      method === 'GET' ? await send(`${path}?input=${encodeURIComponent(input)}`) : await send(path, { body: input })
    expect(answer).toMatchObject({
      status: 400,
      error: { data: { failure: { code: 'invalid_input', message: expect.stringContaining('NUL') } } },
    })
  })

  it.each([
    '{"json":{"name":"p","__proto__":{"x":1}},"meta":{"values":{"__proto__.polluted":["Date"]}}}',
    '{"json":{"name":"p"},"meta":{"values":{"constructor.prototype.polluted":["undefined"]}}}',
    '{"json":{"name":"p"},"meta":{"referentialEqualities":{"name":["__proto__.polluted"]}}}',
    '{"json":{"name":"p"},"meta":{"values":{"name":[["class","X"]]}}}',
    '{"json":{"name":"x"},"meta":{"values":{"name":["regexp"]}}}',
    '{"json":{"name":"x"},"meta":{"values":{"name":["bigint"]}}}',
    'null',
    '7',
    '[]',
  ])('superjson of %s pollutes nothing and is refused', async (body) => {
    const answer = await send('tokens.create', { body })
    expect(answer).toMatchObject({ status: 400, error: { data: { failure: { code: 'invalid_input' } } } })
    expect('polluted' in {}).toBe(false)
  })

  it('a call that does not exist is refused with a sentence', async () => {
    expect(await send('nope.nope')).toMatchObject({ status: 404, error: { data: { failure: { code: 'not_found' } } } })
  })
})

describe('errors', () => {
  it('have the status of their failure', async () => {
    const bad = await send('transfers.create', { body: JSON.stringify({ json: { sourceUrl: 'ftp://x/y' } }) })
    expect(bad).toMatchObject({ status: 400, error: { data: { failure: { code: 'unsupported_scheme' } } } })
    const id = '0190b6b0-0000-7000-8000-000000000000'
    const none = await send(`transfers.byId?input=${encodeURIComponent(JSON.stringify({ json: { id } }))}`)
    expect(none).toMatchObject({ status: 404, error: { data: { failure: { code: 'not_found' } } } })
    expect(none.headers.get('cache-control')).toBe('no-store')
  })

  it('never show the text or the stack of an unexpected one', async () => {
    const logged: unknown[] = []
    const services = {
      ...harness.services,
      log: Object.assign(Object.create(harness.services.log), { error: (line: unknown) => logged.push(line) }),
      get db(): Services['db'] {
        throw new Error('canary in an error')
      },
    }
    const answer = await send('buckets.list', { services })
    expect(answer).toMatchObject({ status: 500, error: { data: { failure: { code: 'internal_error' } } } })
    expect(answer.text).not.toContain('canary')
    expect(answer.text).not.toContain('stack')
    expect(logged).toHaveLength(1)
  })
})

describe('with the database away', () => {
  const away = createDb('postgresql://sluice:canary@127.0.0.1:1/gone')
  afterAll(() => away.$disconnect())

  it.each(['system.health', 'transfers.list?input=%7B%22json%22%3A%7B%7D%7D', 'buckets.list'])(
    '%s says so in a sentence',
    async (path) => {
      const answer = await send(path, { services: { ...harness.services, db: away } })
      expect(answer).toMatchObject({
        status: 503,
        error: { data: { failure: { code: 'database_unavailable', retry: 'later' } } },
      })
      expect(answer.text).not.toMatch(/canary|stack|127\.0\.0\.1/)
    },
  )

  it('the health page answers 503, and 200 once it is back', async () => {
    const bad = await handleHealth({ ...harness.services, db: away })
    expect([bad.status, await bad.json()]).toMatchObject([503, { status: 'unavailable', database: 'unavailable' }])
    const good = await handleHealth(harness.services)
    expect([good.status, await good.json()]).toEqual([200, { status: 'ok', version: '0.0.0-test', database: 'ok' }])
  })
})

describe('tokens', () => {
  it('are shown once, stored as a hash, and listed by their end', async () => {
    const { id, token } = await harness.api.tokens.create({ name: ' nightly ' })
    expect(token).toMatch(/^sluice_[A-Za-z0-9_-]{43}$/)
    const rows = JSON.stringify(await harness.db.apiToken.findMany())
    expect(rows).not.toContain(token)
    expect(await harness.api.tokens.list()).toMatchObject([{ id, name: 'nightly', hint: token.slice(-4) }])
    expect(JSON.stringify(await harness.api.tokens.list())).not.toContain('hash')
  })

  it('need a name, and an expiry that is not past', async () => {
    expect(await failureOf(harness.api.tokens.create({ name: '' }))).toMatchObject({ code: 'invalid_input' })
    const expiresAt = new Date(Date.now() - 1000)
    expect(await failureOf(harness.api.tokens.create({ name: 'x', expiresAt }))).toMatchObject({
      message: expect.stringContaining('in the past'),
    })
    const id = '0190b6b0-0000-7000-8000-000000000000'
    expect(await failureOf(harness.api.tokens.revoke({ id }))).toMatchObject({ code: 'not_found' })
  })
})
