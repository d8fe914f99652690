import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import type { HostileBehaviour } from '../testing/hostile-behaviour.ts'
import { type HostileFixture, openHostileFixture, pinnedIdentity } from '../testing/hostile-fixture.ts'
import { createAddressGuard } from './address-guard.ts'
import { createSource } from './http-source.ts'
import type { SourceRead } from './source.ts'

const IDLE_MS = 300
const SIZE = 1024 * 1024

let fixture: HostileFixture
beforeEach(async () => {
  fixture = await openHostileFixture({ idleTimeoutMs: IDLE_MS, connectTimeoutMs: 1000 })
})
afterEach(() => fixture.close())

function readAll(
  behaviour: HostileBehaviour,
  sink: (chunk: Uint8Array) => boolean = () => true,
  signal = new AbortController().signal,
  path = '/file',
): SourceRead {
  const url = fixture.hostile.serve(path, behaviour)
  return fixture.source.readRange({
    target: { url, headers: {} },
    identity: pinnedIdentity(),
    startByte: 0,
    endByte: SIZE,
    sink,
    signal,
  })
}

describe('the watchdog', () => {
  test('case 21: a peer that stops sending is an idle timeout, to be retried now', async () => {
    const read = readAll({ breakAfterBytes: 100_000, breakBy: 'stall' })
    await expect(read.done).rejects.toMatchObject({
      code: 'idle_timeout',
      retry: 'now',
      facts: { stage: 'body', receivedBytes: 100_000 },
    })
    await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
  })

  test('case 21: a peer that never answers is an idle timeout too', async () => {
    await expect(readAll({ headDelayMs: 'never' }).done).rejects.toMatchObject({
      code: 'idle_timeout',
      facts: { stage: 'head' },
    })
  })

  test('case 21: a stall after we paused and went on is noticed', async () => {
    let pauses = 0
    const read = readAll({ breakAfterBytes: 100_000, breakBy: 'stall' }, (chunk) => {
      expect(chunk.byteLength).toBeGreaterThan(0)
      pauses++
      setTimeout(() => read.resume(), 5)
      return false
    })
    await expect(read.done).rejects.toMatchObject({ code: 'idle_timeout' })
    expect(pauses).toBeGreaterThan(0)
  })

  test('case 22: pausing for longer than the idle timeout truncates nothing', async () => {
    const chunks: Buffer[] = []
    let pauses = 0
    const read = readAll({}, (chunk) => {
      chunks.push(Buffer.from(chunk))
      if (pauses++ > 0) return true
      setTimeout(() => read.resume(), IDLE_MS * 2.5)
      return false
    })
    await read.done
    expect(Buffer.concat(chunks).equals(patternBytes(0, SIZE))).toBe(true)
  })

  test('a slow but steady peer is never too slow', async () => {
    const startedMs = performance.now()
    await readAll({ bytesPerSecond: SIZE }).done
    expect(performance.now() - startedMs).toBeGreaterThan(IDLE_MS * 2)
  })

  test('waiting for a free connection is no silence of the peer', async () => {
    const narrow = await openHostileFixture({ idleTimeoutMs: IDLE_MS, maxConnectionsPerHost: 1 })
    const url = narrow.hostile.serve('/slow', { bytesPerSecond: SIZE })
    const read = () =>
      narrow.source.readRange({
        target: { url, headers: {} },
        identity: pinnedIdentity(),
        startByte: 0,
        endByte: SIZE / 2,
        sink: () => true,
        signal: new AbortController().signal,
      }).done
    await Promise.all([read(), read(), read()])
    expect(narrow.hostile.connections().peak).toBe(1)
    expect(narrow.hostile.peakRequests()).toBe(1)
    await narrow.close()
  })
})

describe('pausing', () => {
  test('the sink is not called between its false and resume, and every byte arrives once', async () => {
    const chunks: Buffer[] = []
    let isPaused = false
    const read = readAll({}, (chunk) => {
      expect(isPaused).toBe(false)
      chunks.push(Buffer.from(chunk))
      isPaused = true
      setImmediate(() => {
        isPaused = false
        read.resume()
      })
      return false
    })
    await read.done
    expect(Buffer.concat(chunks).equals(patternBytes(0, SIZE))).toBe(true)
  })

  test('while we pause the peer is held up by its socket, not by our memory', async () => {
    const size = 64 * 1024 * 1024
    const url = fixture.hostile.serve('/big', { sizeBytes: size })
    const read = fixture.source.readRange({
      target: { url, headers: {} },
      identity: pinnedIdentity({ sizeBytes: size }),
      startByte: 0,
      endByte: size,
      sink: () => false,
      signal: new AbortController().signal,
    })
    read.done.catch(() => undefined)
    await fixture.hostile.until(() => fixture.hostile.bytesSent('/big') > 0)
    // Several idle timeouts long nothing drains; what was sent sits in the sockets of both sides.
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS * 2))
    expect(fixture.hostile.bytesSent('/big')).toBeLessThan(size / 2)
  })

  test('a pause on the last byte of a known length does not hold up the end', async () => {
    let received = 0
    const read = readAll({}, (chunk) => {
      received += chunk.byteLength
      return received < SIZE
    })
    expect(await read.done).toEqual({ bytes: SIZE, lengthVerified: true })
  })

  test('one read may let another go on from inside its sink', async () => {
    let waiting: SourceRead | null = null
    const first = readAll(
      {},
      () => {
        waiting = first
        return false
      },
      undefined,
      '/a',
    )
    const second = readAll(
      { bytesPerSecond: SIZE * 4 },
      () => {
        waiting?.resume()
        return true
      },
      undefined,
      '/b',
    )
    await second.done
    const wake = setInterval(() => first.resume(), 1)
    await first.done
    clearInterval(wake)
  })

  test('a peer that closes while we are paused loses nothing', async () => {
    const chunks: Buffer[] = []
    const url = fixture.hostile.serve('/close', { length: 'close' })
    const read = fixture.source.readWhole({
      target: { url, headers: {} },
      identity: pinnedIdentity(),
      sink: (chunk) => {
        chunks.push(Buffer.from(chunk))
        setTimeout(() => read.resume(), 2)
        return false
      },
      signal: new AbortController().signal,
    })
    await read.done
    expect(Buffer.concat(chunks).equals(patternBytes(0, SIZE))).toBe(true)
  })
})

describe('abort', () => {
  const reason = new Error('user')

  test('done rejects with the reason itself, and the connection is destroyed', async () => {
    const abort = new AbortController()
    const read = readAll({ breakAfterBytes: 100_000, breakBy: 'stall' }, () => true, abort.signal)
    await fixture.hostile.until(() => fixture.hostile.bytesSent() === 100_000)
    abort.abort(reason)
    await expect(read.done).rejects.toBe(reason)
    await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
  })

  test('before the head, while paused, and when aborted beforehand alike', async () => {
    const beforeHead = new AbortController()
    const unanswered = readAll({ headDelayMs: 'never' }, () => true, beforeHead.signal, '/never')
    await fixture.hostile.until(() => fixture.hostile.requests('/never').length === 1)
    beforeHead.abort(reason)
    await expect(unanswered.done).rejects.toBe(reason)

    const whilePaused = new AbortController()
    const { promise: gotByte, resolve } = Promise.withResolvers<void>()
    const paused = readAll(
      {},
      () => {
        resolve()
        return false
      },
      whilePaused.signal,
      '/paused',
    )
    await gotByte
    whilePaused.abort(reason)
    await expect(paused.done).rejects.toBe(reason)

    const requests = fixture.hostile.requests().length
    await expect(readAll({}, () => true, AbortSignal.abort(reason)).done).rejects.toBe(reason)
    expect(fixture.hostile.requests().length).toBe(requests)
    await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
  })

  test('a read that waits for a connection gives up at once and leaves the connection to the others', async () => {
    const narrow = await openHostileFixture({ maxConnectionsPerHost: 1 })
    const url = narrow.hostile.serve('/slow', { bytesPerSecond: SIZE * 4 })
    const read = (signal: AbortSignal) =>
      narrow.source.readRange({
        target: { url, headers: {} },
        identity: pinnedIdentity(),
        startByte: 0,
        endByte: SIZE / 4,
        sink: () => true,
        signal,
      }).done
    const first = read(new AbortController().signal)
    const abort = new AbortController()
    const second = read(abort.signal)
    const third = read(new AbortController().signal)
    await narrow.hostile.until(() => narrow.hostile.bytesSent() > 0)
    abort.abort(reason)
    await expect(second).rejects.toBe(reason)
    await first
    await third
    expect(narrow.hostile.requests()).toHaveLength(2)
    expect(narrow.hostile.requests().every(({ connection }) => connection === 0)).toBe(true)
    await narrow.close()
  })

  test('a hundred aborted reads leave no listener on the signal and no connection', async () => {
    const abort = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = abort.signal
    abort.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++
      addEventListener.apply(abort.signal, args)
    }
    abort.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--
      removeEventListener.apply(abort.signal, args)
    }
    for (let index = 0; index < 50; index++)
      await readAll({ status: 503 }, () => true, abort.signal).done.catch(() => 0)
    for (let index = 0; index < 50; index++) await readAll({}, () => true, abort.signal).done
    expect(listeners).toBe(0)
  })
})

describe('connections that fail', () => {
  const noAbort = new AbortController().signal

  test('a port where nobody listens is a refused connection', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const probe = fixture.source.probe({ url: `http://127.0.0.1:${port}/file`, headers: {} }, noAbort)
    await expect(probe).rejects.toMatchObject({ code: 'connection_refused', retry: 'later' })
  })

  test('a name that does not exist is host_not_found, with the name', async () => {
    const guard = createAddressGuard({
      allowedNetworks: [],
      exemptListeners: [],
      resolver: (hostname, _options, callback) =>
        callback(
          Object.assign(new Error('no'), { code: hostname.startsWith('later') ? 'EAI_AGAIN' : 'ENOTFOUND' }),
          [],
        ),
    })
    const source = createSource({ guard, connectTimeoutMs: 1000, idleTimeoutMs: 1000, maxConnectionsPerHost: 2 })
    const probe = (url: string) => source.probe({ url, headers: {} }, noAbort)
    await expect(probe('http://typo.example/f')).rejects.toMatchObject({ code: 'host_not_found', retry: 'never' })
    await expect(probe('http://typo.example/f')).rejects.toThrow(/typo\.example/)
    await expect(probe('http://later.example/f')).rejects.toMatchObject({ code: 'host_not_found', retry: 'later' })
    await source.close()
  })

  test('case 28: a name that resolves to a private address fails in the lookup, before a connection', async () => {
    const guard = createAddressGuard({
      allowedNetworks: [],
      exemptListeners: [],
      resolver: (_hostname, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    })
    const source = createSource({ guard, connectTimeoutMs: 1000, idleTimeoutMs: 1000, maxConnectionsPerHost: 2 })
    const url = `http://rebind.example:${fixture.hostile.port}/file`
    await expect(source.probe({ url, headers: {} }, noAbort)).rejects.toMatchObject({ code: 'address_refused' })
    expect(fixture.hostile.connections().peak).toBe(0)
    await source.close()
  })

  test('case 28: a name whose second lookup rebinds to a private address is caught by that lookup', async () => {
    const answers = ['127.0.0.1', '10.0.0.1']
    const guard = createAddressGuard({
      allowedNetworks: ['127.0.0.0/8'],
      exemptListeners: [],
      resolver: (_hostname, _options, callback) =>
        callback(null, [{ address: answers.shift() ?? '10.0.0.1', family: 4 }]),
    })
    const source = createSource({ guard, connectTimeoutMs: 1000, idleTimeoutMs: 1000, maxConnectionsPerHost: 2 })
    fixture.hostile.serve('/file', { length: 'close' })
    const target = { url: `http://rebind.example:${fixture.hostile.port}/file`, headers: {} }
    const { identity } = await source.probe(target, noAbort)
    const read = source.readRange({ target, identity, startByte: 0, endByte: 9, sink: () => true, signal: noAbort })
    await expect(read.done).rejects.toMatchObject({ code: 'address_refused' })
    await source.close()
  })

  test('a peer that accepts and says nothing in TLS is a connect timeout', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const probe = fixture.source.probe({ url: `https://127.0.0.1:${port}/file`, headers: {} }, noAbort)
    await expect(probe).rejects.toMatchObject({ code: 'connect_timeout', retry: 'later' })
    server.close()
    await once(server, 'close')
  })

  test('an abort during the TLS handshake destroys the socket at once', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const abort = new AbortController()
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('close', () => resolve())
      socket.once('data', () => abort.abort(new Error('user')))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const patient = createSource({
      guard: createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] }),
      connectTimeoutMs: 60_000,
      idleTimeoutMs: 60_000,
      maxConnectionsPerHost: 2,
    })
    const probe = patient.probe({ url: `https://127.0.0.1:${port}/file`, headers: {} }, abort.signal)
    await expect(probe).rejects.toThrow('user')
    await closed
    await patient.close()
    server.close()
    await once(server, 'close')
  })

  test('a header that HTTP cannot carry is said to be that, and nothing is sent', async () => {
    const url = fixture.hostile.serve('/file', {})
    const probe = fixture.source.probe({ url, headers: { 'X-Note': 'snow ☃' } }, noAbort)
    await expect(probe).rejects.toMatchObject({ code: 'invalid_input', retry: 'never' })
    expect(fixture.hostile.requests()).toHaveLength(0)
  })

  test('small bodies that nobody wants are read away, so that the connection is used again', async () => {
    fixture.hostile.serve('/there', {})
    const url = fixture.hostile.serve('/here', {
      status: 302,
      headers: { location: '/there', 'content-length': '4' },
      body: 'moved'.slice(0, 4),
    })
    await fixture.source.probe({ url, headers: {} }, noAbort)
    await fixture.source.probe({ url, headers: {} }, noAbort)
    expect(fixture.hostile.requests().map(({ path }) => path)).toEqual(['/here', '/there', '/here', '/there'])
    expect(fixture.hostile.connections().peak).toBeLessThanOrEqual(2)
  })

  test('an https link to a plain http server is a TLS failure with a sentence', async () => {
    const url = fixture.hostile.serve('/file', {}).replace('http:', 'https:')
    const probe = fixture.source.probe({ url, headers: {} }, noAbort)
    await expect(probe).rejects.toMatchObject({ code: 'tls_failed', retry: 'never' })
  })

  test('a connection that is reset before it answers is lost, to be retried now', async () => {
    const url = fixture.hostile.serve('/file', { raw: '' })
    const probe = fixture.source.probe({ url, headers: {} }, noAbort)
    await expect(probe).rejects.toMatchObject({ code: 'connection_lost', retry: 'now' })
  })

  test('what is not HTTP, and a bomb of headers, are protocol errors', async () => {
    const banner = fixture.hostile.serve('/ssh', { raw: 'SSH-2.0-OpenSSH_9.9\r\n' })
    const probe = (url: string) => fixture.source.probe({ url, headers: {} }, noAbort)
    await expect(probe(banner)).rejects.toMatchObject({ code: 'source_protocol_error' })
    const bomb = fixture.hostile.serve('/bomb', { headerBombBytes: 1024 * 1024 })
    await expect(probe(bomb)).rejects.toMatchObject({ code: 'source_protocol_error', retry: 'never' })
  })

  test('closing the source ends reads under way', async () => {
    const other = await openHostileFixture()
    const url = other.hostile.serve('/stall', { breakAfterBytes: 1000, breakBy: 'stall' })
    const read = other.source.readRange({
      target: { url, headers: {} },
      identity: pinnedIdentity(),
      startByte: 0,
      endByte: SIZE,
      sink: () => true,
      signal: noAbort,
    })
    const ended = expect(read.done).rejects.toMatchObject({ name: 'TransferError' })
    await other.hostile.until(() => other.hostile.bytesSent() === 1000)
    await other.close()
    await ended
  })
})
