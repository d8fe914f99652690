import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HostileFixture, openHostileFixture, pinnedIdentity } from '../testing/hostile-fixture.ts'
import { createAddressGuard } from './address-guard.ts'
import { HTTP_CLIENTS } from './http-client.ts'
import { createSource } from './http-source.ts'

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  const SIZE = 1024 * 1024

  let fixture: HostileFixture
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient, connectTimeoutMs: 1000 })
  })
  afterEach(() => fixture.close())

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
      const source = createSource({
        httpClient,
        guard,
        connectTimeoutMs: 1000,
        idleTimeoutMs: 1000,
        maxConnectionsPerHost: 2,
      })
      const probe = (url: string) => source.probe({ url, headers: {} }, noAbort)
      await expect(probe('http://typo.example/f')).rejects.toMatchObject({ code: 'host_not_found', retry: 'never' })
      await expect(probe('http://typo.example/f')).rejects.toThrow(/typo\.example/)
      await expect(probe('http://later.example/f')).rejects.toMatchObject({ code: 'host_not_found', retry: 'later' })
      await source.close()
    })

    test('correctness 28: a name that resolves to a private address fails in the lookup, before a connection', async () => {
      const guard = createAddressGuard({
        allowedNetworks: [],
        exemptListeners: [],
        resolver: (_hostname, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
      })
      const source = createSource({
        httpClient,
        guard,
        connectTimeoutMs: 1000,
        idleTimeoutMs: 1000,
        maxConnectionsPerHost: 2,
      })
      const url = `http://rebind.example:${fixture.hostile.port}/file`
      await expect(source.probe({ url, headers: {} }, noAbort)).rejects.toMatchObject({ code: 'address_refused' })
      expect(fixture.hostile.connections().peak).toBe(0)
      await source.close()
    })

    test('correctness 28: a name whose second lookup rebinds to a private address is caught by that lookup', async () => {
      const answers = ['127.0.0.1', '10.0.0.1']
      const guard = createAddressGuard({
        allowedNetworks: ['127.0.0.0/8'],
        exemptListeners: [],
        resolver: (_hostname, _options, callback) =>
          callback(null, [{ address: answers.shift() ?? '10.0.0.1', family: 4 }]),
      })
      const source = createSource({
        httpClient,
        guard,
        connectTimeoutMs: 1000,
        idleTimeoutMs: 1000,
        maxConnectionsPerHost: 2,
      })
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
        httpClient,
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
      const other = await openHostileFixture({ httpClient })
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
})
