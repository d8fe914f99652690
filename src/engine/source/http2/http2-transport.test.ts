import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { seededRandom } from '../../testing/seeded-random.ts'
import type { HttpExchange } from '../http-transport.ts'
import { get } from '../http1/testing/get.ts'
import { type Arrived, type Http2Fixture, openHttp2Fixture } from './testing/http2-fixture.ts'

let fixture: Http2Fixture
afterEach(() => fixture.close())

const ok = ({ stream }: Arrived) => {
  stream.respond({ ':status': 200, 'content-length': 2 })
  stream.end('ok')
}
const LENGTH = 100_000
/** Sends the head and some of the body, and no more. */
const begin = ({ stream }: Arrived) => {
  stream.respond({ ':status': 200, 'content-length': LENGTH })
  stream.write('xxx')
}
const many = (count: number, path = '/a') =>
  Promise.all(Array.from({ length: count }, () => get(fixture.transport, `${fixture.origin}${path}`)))
/** Starts a GET; resolves once the server has it. */
async function start(path: string) {
  const before = fixture.arrived.length
  const { promise, resolve } = Promise.withResolvers<HttpExchange>()
  const got = get(fixture.transport, `${fixture.origin}${path}`, { onExchange: resolve })
  const exchange = await promise
  await expect.poll(() => fixture.arrived.length).toBe(before + 1)
  return { got, exchange, request: fixture.arrived[before] as Arrived }
}

describe('a request', () => {
  test('goes over HTTP/2, with its target, its host and its headers, and has its head in lower case', async () => {
    fixture = await openHttp2Fixture(({ stream }) => {
      stream.additionalHeaders({ ':status': 103 })
      stream.respond({ ':status': 206, ETag: '"v"', 'set-cookie': ['a', 'b'] })
      stream.end('ok')
    })
    const { head, body, error } = await get(fixture.transport, `${fixture.origin}/a?b=c`, {
      headers: { range: 'bytes=0-1' },
    })
    expect([body, error]).toEqual(['ok', null])
    expect(head).toMatchObject({ statusCode: 206, headers: { etag: '"v"', 'set-cookie': ['a', 'b'] } })
    expect(Object.keys(head?.headers ?? {}).filter((name) => name.startsWith(':'))).toEqual([])
    const authority = fixture.origin.replace('https://', '')
    expect(fixture.arrived[0]?.headers).toMatchObject({
      ':method': 'GET',
      ':scheme': 'https',
      ':authority': authority,
      ':path': '/a?b=c',
      range: 'bytes=0-1',
    })
  })

  test.each([{ 'x-a': 'b\r\nx: 1' }, { 'x-a': 'snow ☃' }, { 'x a': '1' }])(
    'with a header that HTTP cannot carry is not sent: %j',
    async (headers) => {
      fixture = await openHttp2Fixture(ok)
      const { error } = await get(fixture.transport, `${fixture.origin}/a`, { headers: headers as never })
      expect(error).toMatchObject({ code: 'HTTP2_INVALID_REQUEST' })
      expect(fixture.connections.made).toBe(0)
    },
  )

  test('to a server of HTTP/1.1 is left to the other client, and so are the next ones, without a try', async () => {
    fixture = await openHttp2Fixture(ok, { isHttp1: true })
    for (const { body, error } of await many(3)) expect([body, error]).toEqual(['ok', null])
    const { made } = fixture.connections
    for (const { body } of await many(2)) expect(body).toBe('ok')
    expect(fixture.connections.made).toBe(made)
  })

  test('to a server that nobody vouches for fails as it does over HTTP/1.1', async () => {
    fixture = await openHttp2Fixture(ok, { trust: '' })
    const { error } = await get(fixture.transport, `${fixture.origin}/a`)
    expect(error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })
})

describe('connections', () => {
  test('correctness 23: requests at once get one each, up to eight; more share those, the least loaded first', async () => {
    const all: Arrived[] = []
    fixture = await openHttp2Fixture((request) => {
      all.push(request)
      if (all.length === 20) for (const each of all) ok(each)
      else if (all.length > 20) ok(request)
    })
    for (const { body } of await many(20)) expect(body).toBe('ok')
    expect(fixture.connections.made).toBe(8)
    const loads = Array.from({ length: 8 }, (_, at) => all.filter(({ connection }) => connection === at).length)
    expect(Math.max(...loads)).toBeLessThanOrEqual(4)
    // And they are used again.
    for (const { body } of await many(20)) expect(body).toBe('ok')
    expect(fixture.connections.made).toBe(8)
  })

  test('keep to what the server allows on one of them, and who waits is served', async () => {
    let busy = 0
    let peak = 0
    fixture = await openHttp2Fixture(
      async (request) => {
        peak = Math.max(peak, ++busy)
        await delay(5)
        busy--
        ok(request)
      },
      { settings: { maxConcurrentStreams: 1 } },
    )
    // The settings of the server are known by then.
    await many(1)
    for (const { body, error } of await many(30)) expect([body, error]).toEqual(['ok', null])
    expect(peak).toBeLessThanOrEqual(8)
  })

  test('a reader that stands still costs one window, and holds up nobody on the same connection', async () => {
    let sent = 0
    fixture = await openHttp2Fixture(({ stream, path }) => {
      stream.respond({ ':status': 200 })
      if (path === '/small') return void stream.end('ok')
      const more = () => {
        while (stream.writable && stream.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024
        stream.once('drain', more)
      }
      more()
    })
    const still: HttpExchange[] = []
    for (let at = 0; at < 8; at++) {
      const exchange = fixture.transport.get(
        { url: new URL(`${fixture.origin}/big`), headers: {} },
        { onSent() {}, onHead() {}, onData() {}, onEnd() {}, onError() {} },
      )
      still.push(exchange)
    }
    await expect.poll(() => fixture.arrived.length).toBe(8)
    for (const { body } of await many(16, '/small')) expect(body).toBe('ok')
    expect(fixture.connections.made).toBe(8)
    // One window each, and what node's server and the sockets hold.
    expect(sent).toBeLessThan(12 * 1024 * 1024)
    for (const exchange of still) exchange.abort(new Error('done'))
  })
})

type Started = Awaited<ReturnType<typeof start>>
/** As many GETs under way as make the last one share a connection with another. */
async function startSharing() {
  const started: Started[] = []
  let beside: Started | undefined
  let last: Started
  do {
    last = await start('/a')
    beside = started.find(({ request }) => request.connection === last.request.connection)
    started.push(last)
  } while (!beside)
  return { last, beside, others: started.filter((one) => one !== last) }
}
const finish = ({ stream }: Arrived) => stream.end(Buffer.alloc(LENGTH - 3, 'x'))

test('an abort ends its stream and no other of the same connection', async () => {
  fixture = await openHttp2Fixture((request) => begin(request))
  const { last, others } = await startSharing()
  last.exchange.abort(new Error('gone'))
  last.exchange.abort(new Error('again'))
  expect((await last.got).error).toMatchObject({ message: 'gone' })
  await expect.poll(() => last.request.stream.rstCode).toBe(8)
  for (const { request } of others) finish(request)
  for (const { got } of others) expect(await got).toMatchObject({ error: null, body: 'x'.repeat(LENGTH) })
  expect(fixture.connections).toEqual({ made: 8, open: 8 })
})

test('an abort of one who waits leaves nothing behind, and one during the handshake gives the connection up', async () => {
  fixture = await openHttp2Fixture(ok)
  const { promise, resolve } = Promise.withResolvers<HttpExchange>()
  const got = get(fixture.transport, `${fixture.origin}/a`, { onExchange: resolve })
  ;(await promise).abort('user')
  expect((await got).error).toBe('user')
  await expect.poll(() => fixture.connections.open).toBe(0)
  expect(fixture.arrived).toHaveLength(0)
})

describe('a stream that breaks', () => {
  test('in the middle of its answer is an error, and the others go on', async () => {
    fixture = await openHttp2Fixture((request) => begin(request))
    const { last, others } = await startSharing()
    last.request.stream.destroy(new Error('broken'))
    expect((await last.got).error).toBeInstanceOf(Error)
    for (const { request } of others) finish(request)
    for (const { got } of others) expect((await got).error).toBeNull()
    expect(fixture.connections.open).toBe(8)
  })

  test.each<[string, (request: Arrived) => void]>([
    [
      'that ends before its declared length',
      ({ stream }) => {
        stream.respond({ ':status': 200, 'content-length': 10 })
        stream.end('ok')
      },
    ],
    [
      'of unknown length that is reset without an error code',
      ({ stream }) => {
        stream.respond({ ':status': 200 })
        stream.write('ok', () => stream.destroy())
      },
    ],
  ])('%s does not look whole', async (_name, answer) => {
    fixture = await openHttp2Fixture(answer)
    expect((await get(fixture.transport, `${fixture.origin}/a`)).error).toBeInstanceOf(Error)
  })

  test.each([200, 204, 304])('without a body is whole: %i', async (status) => {
    fixture = await openHttp2Fixture(({ stream }) => stream.respond({ ':status': status }, { endStream: true }))
    const { head, body, error } = await get(fixture.transport, `${fixture.origin}/a`)
    expect([head?.statusCode, body, error]).toEqual([status, '', null])
  })

  test.each([
    ['refused is sent once more', 7, 2],
    ['reset for another reason is not', 2, 1],
  ])('before its answer and %s', async (_name, code, tries) => {
    fixture = await openHttp2Fixture(({ stream }) => stream.close(code))
    expect((await get(fixture.transport, `${fixture.origin}/a`)).error).toBeInstanceOf(Error)
    expect(fixture.arrived).toHaveLength(tries)
  })
})

describe('a connection that breaks', () => {
  test('says so to one of the answers it cuts, to the others that it was shared', async () => {
    fixture = await openHttp2Fixture((request) => begin(request))
    const { last, beside, others } = await startSharing()
    fixture.cut(last.request.connection)
    const cut = [(await last.got).error, (await beside.got).error] as { code?: string }[]
    expect(cut.filter(({ code }) => code === 'HTTP2_SHARED')).toHaveLength(1)
    for (const { request } of others) if (request.connection !== last.request.connection) finish(request)
    for (const one of others) if (one !== beside) expect((await one.got).error).toBeNull()
  })

  test('costs a request that has no answer yet one more try, and no third', async () => {
    fixture = await openHttp2Fixture((request) => {
      if (request.path === '/once' && request.nth > 0) ok(request)
      else setImmediate(() => request.stream.session?.destroy())
    })
    expect(await get(fixture.transport, `${fixture.origin}/once`)).toMatchObject({ body: 'ok', error: null })
    const before = fixture.arrived.length
    expect((await get(fixture.transport, `${fixture.origin}/never`)).error).toBeInstanceOf(Error)
    expect(fixture.arrived.length - before).toBe(2)
  })

  test('by GOAWAY ends what it has begun, and takes nothing more', async () => {
    fixture = await openHttp2Fixture((request) => (request.path === '/slow' ? begin(request) : ok(request)))
    const { got, request } = await start('/slow')
    request.stream.session?.goaway(0)
    // What comes after it has arrived on another connection.
    await expect
      .poll(async () => {
        await many(1)
        return fixture.arrived.at(-1)?.connection
      })
      .toBe(1)
    finish(request)
    expect((await got).error).toBeNull()
    await expect.poll(() => fixture.connections.open).toBe(1)
  })

  test('while nothing was on it is noticed, and another takes its place', async () => {
    fixture = await openHttp2Fixture(ok)
    await many(1)
    fixture.sessions[0]?.destroy()
    await expect.poll(() => fixture.connections.open).toBe(0)
    expect((await many(1))[0]).toMatchObject({ body: 'ok', error: null })
  })
})

describe('a connection that stands still', () => {
  const timing = { silentMs: 1_000, pingMs: 500 }

  test('is found out by a PING: who has no answer yet is asked for on another, whose answer was cut is told', async () => {
    fixture = await openHttp2Fixture(
      (request) => {
        if (request.path === '/a') begin(request)
        else if (request.connection !== frozen) ok(request)
      },
      { timing },
    )
    let frozen = -1
    const { last, beside, others } = await startSharing()
    for (const { request } of others) if (request.connection !== last.request.connection) finish(request)
    for (const one of others) if (one !== beside) expect((await one.got).error).toBeNull()
    frozen = last.request.connection
    fixture.freeze(frozen)
    const codes = [(await last.got).error, (await beside.got).error].map((error) => (error as { code: string }).code)
    expect(codes.toSorted()).toEqual(['HTTP2_SHARED', 'HTTP2_SILENT'])
    expect((await many(1, '/b'))[0]).toMatchObject({ body: 'ok', error: null })
  })

  test('before any answer: all that was asked on it is asked for once more', async () => {
    fixture = await openHttp2Fixture(
      (request) => {
        if (request.connection > 0) ok(request)
      },
      { timing },
    )
    const { got } = await start('/a')
    fixture.freeze(0)
    expect(await got).toMatchObject({ body: 'ok', error: null })
    await expect.poll(() => fixture.connections.open).toBe(1)
  })

  test('and one that is only slow are told apart: it answers the PING', async () => {
    const answers: Arrived[] = []
    fixture = await openHttp2Fixture((request) => answers.push(request), { timing: { silentMs: 20, pingMs: 20_000 } })
    const { got, request } = await start('/a')
    const pinged = vi.fn()
    request.stream.session?.on('ping', pinged)
    await expect.poll(() => pinged.mock.calls.length).toBeGreaterThanOrEqual(3)
    ok(request)
    expect(await got).toMatchObject({ body: 'ok', error: null })
    expect(fixture.connections.made).toBe(1)
  })
})

test('a closed client opens nothing more, and ends what is under way', async () => {
  fixture = await openHttp2Fixture((request) => begin(request))
  const { got } = await start('/a')
  await fixture.transport.close()
  expect((await got).error).toBeInstanceOf(Error)
  expect((await many(1))[0]?.error).toMatchObject({ code: 'HTTP2_CLOSED' })
  await expect.poll(() => fixture.connections.open).toBe(0)
})

test('whatever the server and the readers do, each request is settled once, and none is left waiting', async () => {
  const random = seededRandom(20_261_130)
  fixture = await openHttp2Fixture(
    (request) => {
      const { stream } = request
      const kind = Math.floor(random() * 10)
      // Nothing is destroyed from within the handler: node's own server may end the process then (nodejs/node#64850).
      const soon = (run: () => void) => void setTimeout(run, random() * 4)
      if (kind < 4) ok(request)
      else if (kind === 4) {
        begin(request)
        soon(() => stream.destroy())
      } else if (kind === 5) soon(() => stream.close(7))
      else if (kind === 6) soon(() => stream.destroy(new Error('broken')))
      else if (kind === 7) soon(() => stream.session?.destroy())
      else if (kind === 8) soon(() => fixture.cut(request.connection))
      else
        soon(() => {
          if (stream.session && !stream.session.destroyed) stream.session.goaway(0)
          if (!stream.destroyed) ok(request)
        })
    },
    { settings: { maxConcurrentStreams: 3 }, timing: { silentMs: 200, pingMs: 5_000 } },
  )
  const outcomes: string[] = []
  const one = async () => {
    const { promise, resolve } = Promise.withResolvers<HttpExchange>()
    const got = get(fixture.transport, `${fixture.origin}/a`, { onExchange: resolve })
    const exchange = await promise
    if (random() < 0.2) setTimeout(() => exchange.abort(new Error('enough')), random() * 10)
    outcomes.push((await got).error === null ? 'ok' : 'failed')
  }
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 24 }, one))
  expect(outcomes).toHaveLength(240)
  expect(new Set(outcomes)).toEqual(new Set(['ok', 'failed']))
  // What has ended is gone, also where node's session never says so, and the client is as good as new.
  await expect.poll(() => fixture.connections.open).toBeLessThanOrEqual(8)
  const after = await openHttp2Fixture(ok)
  expect(await get(after.transport, `${after.origin}/a`)).toMatchObject({ body: 'ok', error: null })
  await after.close()
})
