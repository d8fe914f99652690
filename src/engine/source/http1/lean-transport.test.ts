import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { createAddressGuard } from '../address-guard.ts'
import type { HttpExchange } from '../http-transport.ts'
import type { PoolOptions } from './connection-pool.ts'
import { createLeanTransport } from './lean-transport.ts'
import { get } from './testing/get.ts'
import { type ScriptedRequest, startScriptedServer } from './testing/scripted-server.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function setUp(onRequest: (request: ScriptedRequest) => void, changes: Partial<PoolOptions> = {}) {
  const server = await startScriptedServer(onRequest)
  const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
  const transport = createLeanTransport({ guard, timeoutMs: 20_000, maxConnections: 4, ...changes })
  closers.push(
    () => transport.close(),
    () => server.close(),
  )
  const url = `http://127.0.0.1:${server.port}/a?b=c`
  return { server, transport, url }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('a request', () => {
  test('has its target, its host and its headers, and keeps the connection', async () => {
    let seen = ''
    const { transport, url, server } = await setUp(({ head, socket }) => {
      seen = head
      socket.write(OK)
    })
    expect(await get(transport, url, { headers: { 'x-a': '1', range: 'bytes=0-1' } })).toMatchObject({ body: 'ok' })
    expect(seen.split('\r\n')).toEqual([
      'GET /a?b=c HTTP/1.1',
      `host: 127.0.0.1:${server.port}`,
      'x-a: 1',
      'range: bytes=0-1',
      'connection: keep-alive',
    ])
  })

  test.each([
    { 'x-a': 'b\r\nx-injected: 1' },
    { 'x-a': 'b\n' },
    { 'x-a': 'a\0b' },
    { 'x-a': 'snow ☃' },
    { 'x-a\r\nx-injected': '1' },
    { 'x a': '1' },
    { '': '1' },
    { host: 'a\r\nx-injected: 1' },
  ])('with a header that could become another is not sent: %j', async (headers) => {
    const { transport, url, server } = await setUp(({ socket }) => socket.write(OK))
    const { error } = await get(transport, url, { headers: headers as unknown as Record<string, string> })
    expect(error).toMatchObject({ code: 'HTTP1_INVALID_REQUEST' })
    expect(server.connections()).toBe(0)
  })
})

describe('a connection', () => {
  test('is used again, whatever way the body was framed', async () => {
    const answers = [
      OK,
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
      OK,
    ]
    const seen: number[] = []
    const { transport, url } = await setUp(({ socket, connection, nth }) => {
      seen.push(connection)
      socket.write(answers[nth] ?? '')
    })
    for (const _ of answers) expect((await get(transport, url)).error).toBeNull()
    expect(seen).toEqual([0, 0, 0, 0, 0])
  })

  test.each([
    ['says close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['promises less than a second', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok'],
  ])('is closed by us after an answer that %s', async (_name, answer) => {
    const { transport, url, server } = await setUp(({ socket }) => socket.write(answer))
    expect((await get(transport, url)).body).toBe('ok')
    await expect.poll(() => server.sockets.size).toBe(0)
    expect((await get(transport, url)).body).toBe('ok')
    expect(server.connections()).toBe(2)
  })

  test('whose answer is longer than it says is an error, and is not used again', async () => {
    const { transport, url, server } = await setUp(({ socket, connection }) =>
      socket.write(connection === 0 ? `${OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison` : OK),
    )
    expect((await get(transport, url)).error).toMatchObject({ code: 'HTTP1_MALFORMED' })
    await expect.poll(() => server.sockets.size).toBe(0)
    expect(await get(transport, url)).toMatchObject({ body: 'ok', error: null })
  })

  test('on which bytes come between two requests is closed: they are no answer to the next', async () => {
    const { transport, url, server } = await setUp(({ socket, connection }) => {
      socket.write(OK)
      if (connection === 0) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'), 20)
    })
    expect((await get(transport, url)).body).toBe('ok')
    await expect.poll(() => server.sockets.size).toBe(0)
    expect((await get(transport, url)).body).toBe('ok')
  })

  test('that died while it was idle is noticed before it is used', async () => {
    const { transport, url, server } = await setUp(({ socket }) => socket.write(OK))
    await get(transport, url)
    const [socket] = server.sockets
    socket?.end()
    await expect.poll(() => server.sockets.size).toBe(0)
    expect((await get(transport, url)).error).toBeNull()
    expect(server.connections()).toBe(2)
  })

  test('that is closed as it is used again costs one more try, on a new one, and no third', async () => {
    const { transport, url, server } = await setUp(({ socket, nth }) => {
      if (nth === 0) socket.write(OK)
      else socket.destroy()
    })
    await get(transport, url)
    expect(await get(transport, url)).toMatchObject({ body: 'ok', error: null })
    expect(server.connections()).toBe(2)
    const fresh = await setUp(({ socket }) => socket.destroy())
    expect((await get(fresh.transport, fresh.url)).error).toBeInstanceOf(Error)
    expect(fresh.server.connections()).toBe(1)
  })

  test('that breaks after a byte of the answer is not tried again', async () => {
    const { transport, url, server } = await setUp(({ socket, nth }) => {
      if (nth === 0) socket.write(OK)
      else socket.end('H')
    })
    await get(transport, url)
    expect((await get(transport, url)).error).toMatchObject({ code: 'HTTP1_CLOSED' })
    expect(server.connections()).toBe(1)
  })
})

describe('the cap', () => {
  test('holds, and who waits is served in order', async () => {
    const order: string[] = []
    let busy = 0
    let peak = 0
    const { transport, url, server } = await setUp(
      ({ head, socket }) => {
        order.push(head.slice(5, 6))
        peak = Math.max(peak, ++busy)
        setTimeout(() => {
          busy--
          socket.write(OK)
        }, 5)
      },
      { maxConnections: 2 },
    )
    const names = [...'123456789']
    await Promise.all(names.map((name) => get(transport, url.replace('/a', `/${name}`))))
    expect([peak, server.connections()]).toEqual([2, 2])
    expect(order.slice(2)).toEqual(names.slice(2))
  })

  test('who gives up while waiting leaves nothing behind, and the others are served', async () => {
    const { transport, url, server } = await setUp(({ socket }) => socket.write(OK), { maxConnections: 1 })
    const exchanges: HttpExchange[] = []
    const all = [1, 2, 3, 4].map(() => get(transport, url, { onExchange: (exchange) => exchanges.push(exchange) }))
    const reason = new Error('user')
    exchanges[1]?.abort(reason)
    exchanges[1]?.abort(new Error('again'))
    exchanges[2]?.abort(reason)
    expect((await Promise.all(all)).map(({ error }) => error)).toEqual([null, reason, reason, null])
    expect(server.connections()).toBe(1)
  })

  test('where all who wait give up, what is connecting is given up too', async () => {
    const { transport, url, server } = await setUp(({ socket }) => socket.write(OK))
    const { promise, resolve } = Promise.withResolvers<HttpExchange>()
    const aborted = get(transport, url, { onExchange: resolve })
    ;(await promise).abort('user')
    expect((await aborted).error).toBe('user')
    await setImmediate()
    await expect.poll(() => server.sockets.size).toBe(0)
  })

  test('a closed client opens nothing more', async () => {
    const { transport, url, server } = await setUp(({ socket }) => socket.write(OK))
    await get(transport, url)
    const underWay = get(transport, url)
    await transport.close()
    expect((await underWay).error).toMatchObject({ code: 'HTTP1_CLOSED' })
    expect((await get(transport, url)).error).toMatchObject({ code: 'HTTP1_CLOSED' })
    await expect.poll(() => server.sockets.size).toBe(0)
  })
})

test('bytes that come with the head wait until the listener goes on, and an end that overtakes loses none', async () => {
  const { transport, url } = await setUp(({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'))
  const events: string[] = []
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const exchange = transport.get(
    { url: new URL(url), headers: {} },
    {
      onSent: () => events.push('sent'),
      onHead: () => events.push('head'),
      onData(chunk) {
        events.push(Buffer.from(chunk).toString())
        exchange.pause()
        setTimeout(() => exchange.resume(), 20)
      },
      onEnd() {
        events.push('end')
        resolve()
      },
      onError: (error) => events.push(String(error)),
    },
  )
  await expect.poll(() => events).toEqual(['sent', 'head'])
  for (let turn = 0; turn < 20; turn++) await setImmediate()
  expect(events).toEqual(['sent', 'head'])
  exchange.resume()
  await ended
  expect(events).toEqual(['sent', 'head', 'all of it', 'end'])
})

test('an abort from inside the data destroys the connection at once and settles once', async () => {
  const { transport, url, server } = await setUp(({ socket }) =>
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(50)}`),
  )
  const calls: string[] = []
  const exchange = transport.get(
    { url: new URL(url), headers: {} },
    {
      onSent: () => undefined,
      onHead: () => setTimeout(() => exchange.resume(), 20),
      onData() {
        calls.push('data')
        exchange.abort(new Error('enough'))
      },
      onEnd: () => calls.push('end'),
      onError: (error) => calls.push(String(error)),
    },
  )
  await expect.poll(() => calls.length).toBe(2)
  await expect.poll(() => server.sockets.size).toBe(0)
  expect(calls).toEqual(['data', 'Error: enough'])
})
