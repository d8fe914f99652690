import type { TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { patternBytes } from '../../testing/byte-pattern.ts'
import { selfSignedCertificate } from '../../testing/hostile-certificate.ts'
import { createHostileSource } from '../../testing/hostile-source.ts'
import { createAddressGuard } from '../address-guard.ts'
import { createLeanTransport } from './lean-transport.ts'
import { get } from './testing/get.ts'
import { startScriptedServer } from './testing/scripted-server.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Every name is this machine; IPv6 first, where nobody listens. */
const guard = createAddressGuard({
  allowedNetworks: ['127.0.0.0/8', '::1/128'],
  exemptListeners: [],
  resolver: (_hostname, _options, callback) =>
    callback(null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]),
})

async function setUp(host: string, ca?: string) {
  const certificate = selfSignedCertificate({ host })
  const seen: { servername: string | false | null; isReused: boolean; protocol: string | false | null }[] = []
  const server = await startScriptedServer(
    ({ socket }) => {
      const { servername, alpnProtocol } = socket as TLSSocket
      seen.push({ servername, isReused: (socket as TLSSocket).isSessionReused(), protocol: alpnProtocol })
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
    },
    { ...certificate, ALPNProtocols: ['h2', 'http/1.1'] },
  )
  const transport = createLeanTransport({
    guard,
    timeoutMs: 20_000,
    maxConnections: 4,
    tls: { ca: ca ?? certificate.cert },
  })
  closers.push(
    () => transport.close(),
    () => server.close(),
  )
  return { server, transport, seen }
}

test('a name is sent along, verified, tried at all its addresses, and its session is taken up again', async () => {
  const { server, transport, seen } = await setUp('files.example')
  const url = `https://files.example:${server.port}/f`
  for (let round = 0; round < 3; round++) expect(await get(transport, url)).toMatchObject({ body: 'ok', error: null })
  expect(seen).toEqual([
    { servername: 'files.example', isReused: false, protocol: 'http/1.1' },
    // Found at its second address, it is asked there first from now on, and that is where a session can begin.
    { servername: 'files.example', isReused: false, protocol: 'http/1.1' },
    { servername: 'files.example', isReused: true, protocol: 'http/1.1' },
  ])
})

test('the session of one name is not taken up for another', async () => {
  const { server, transport, seen } = await setUp('files.example')
  await get(transport, `https://files.example:${server.port}/f`)
  const { error } = await get(transport, `https://other.example:${server.port}/f`)
  expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  expect(seen).toHaveLength(1)
})

test('an address is verified too, and no name is sent for it', async () => {
  const { server, transport, seen } = await setUp('127.0.0.1')
  expect((await get(transport, `https://127.0.0.1:${server.port}/f`)).body).toBe('ok')
  expect(seen[0]?.servername || null).toBeNull()
  const other = await setUp('127.0.0.2')
  const { error } = await get(other.transport, `https://127.0.0.1:${other.server.port}/f`)
  expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

test('a certificate of nobody we trust is refused, again and again', async () => {
  const { server, transport, seen } = await setUp('files.example', selfSignedCertificate().cert)
  for (let round = 0; round < 2; round++) {
    const { error } = await get(transport, `https://files.example:${server.port}/f`)
    expect(error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  }
  expect(seen).toEqual([])
})

test('pauses over TLS lose and repeat nothing, whatever is decrypted meanwhile', async () => {
  const certificate = selfSignedCertificate()
  const hostile = await createHostileSource({ tls: certificate })
  const transport = createLeanTransport({ guard, timeoutMs: 20_000, maxConnections: 4, tls: { ca: certificate.cert } })
  closers.push(
    () => transport.close(),
    () => hostile.close(),
  )
  const sizeBytes = 4 * 1024 * 1024
  for (const length of ['declared', 'chunked', 'close'] as const) {
    const url = hostile.serve(`/${length}`, { length, sizeBytes })
    const chunks: Buffer[] = []
    let isPaused = false
    await new Promise<void>((resolve, reject) => {
      const exchange = transport.get(
        { url: new URL(url), headers: {} },
        {
          onSent: () => undefined,
          onHead: () => setImmediate(() => exchange.resume()),
          onData(chunk) {
            expect(isPaused).toBe(false)
            chunks.push(Buffer.from(chunk))
            if (chunks.length % 7 > 0) return
            isPaused = true
            exchange.pause()
            setTimeout(() => {
              isPaused = false
              exchange.resume()
            }, chunks.length % 3)
          },
          onEnd: () => resolve(),
          onError: reject,
        },
      )
    })
    expect(Buffer.concat(chunks).equals(patternBytes(0, sizeBytes))).toBe(true)
  }
})

test('two answers at once do not write over each other in the shared read buffer', async () => {
  const certificate = selfSignedCertificate()
  const hostile = await createHostileSource({ tls: certificate })
  const plain = await createHostileSource()
  const transport = createLeanTransport({ guard, timeoutMs: 20_000, maxConnections: 8, tls: { ca: certificate.cert } })
  closers.push(
    () => transport.close(),
    () => hostile.close(),
    () => plain.close(),
  )
  const sizeBytes = 2 * 1024 * 1024
  const all = Array.from({ length: 12 }, (_, seed) =>
    get(transport, (seed % 2 ? hostile : plain).serve(`/${seed}`, { sizeBytes, seed })),
  )
  for (const [seed, got] of (await Promise.all(all)).entries()) {
    expect(got.error).toBeNull()
    expect(Buffer.from(got.body, 'latin1').equals(patternBytes(0, sizeBytes, seed))).toBe(true)
  }
})
