import { once } from 'node:events'
import * as http2 from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Socket, connect as tcpConnect } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { selfSignedCertificate } from '../../../testing/hostile-certificate.ts'
import { createAddressGuard } from '../../address-guard.ts'
import type { HttpTransport } from '../../http-transport.ts'
import { createLeanTransport } from '../../http1/lean-transport.ts'
import type { Http2Timing } from '../http2-connection.ts'
import { createHttp2Transport } from '../http2-transport.ts'

/** A request as the server got it. */
export interface Arrived {
  readonly stream: http2.ServerHttp2Stream
  readonly headers: http2.IncomingHttpHeaders
  readonly path: string
  /** Which connection it came over, from 0, and the how manieth it is of all. */
  readonly connection: number
  readonly nth: number
}

/** A node:http2 server behind a relay that can stand still, and a transport that speaks to it. */
export interface Http2Fixture {
  readonly transport: HttpTransport
  readonly origin: string
  readonly sessions: http2.ServerHttp2Session[]
  readonly arrived: Arrived[]
  /** Connections of clients that were made, and that are open. */
  readonly connections: { made: number; open: number }
  /** From now on the bytes of one connection, by its number, go nowhere. */
  freeze(connection: number): void
  /** Cuts one connection. */
  cut(connection: number): void
  close(): Promise<void>
}

/** Starts all of it. `isHttp1`: the server speaks nothing else. `trust`: other certificates than the server's are trusted. */
export async function openHttp2Fixture(
  answer: (request: Arrived) => void,
  options: {
    readonly timing?: Http2Timing
    readonly settings?: http2.Settings
    readonly isHttp1?: boolean
    readonly trust?: string
  } = {},
): Promise<Http2Fixture> {
  const certificate = selfSignedCertificate()
  const sessions: http2.ServerHttp2Session[] = []
  const arrived: Arrived[] = []
  const numbers = new Map<number, number>()
  const server = options.isHttp1
    ? createTlsServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, (socket) =>
        socket
          .on('error', () => undefined)
          .on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
      )
    : http2.createSecureServer({ ...certificate, settings: options.settings ?? {} })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  server.on('session', (session: http2.ServerHttp2Session) => {
    sessions.push(session.on('error', () => undefined))
  })
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on('error', () => undefined)
    const connection = numbers.get(stream.session?.socket.remotePort ?? 0) ?? -1
    const request = { stream, headers, path: String(headers[':path']), connection, nth: arrived.length }
    arrived.push(request)
    answer(request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const behind = (server.address() as AddressInfo).port

  const connections = { made: 0, open: 0 }
  const pairs: [Socket, Socket][] = []
  const relay = createTcpServer((inbound) => {
    const number = connections.made++
    connections.open++
    const outbound = tcpConnect(behind, '127.0.0.1')
    outbound.once('connect', () => numbers.set(outbound.localPort ?? 0, number))
    pairs.push([inbound, outbound])
    inbound
      .on('data', (bytes) => outbound.write(bytes))
      .on('close', () => {
        connections.open--
        outbound.destroy()
      })
    outbound.on('data', (bytes) => inbound.write(bytes)).on('close', () => inbound.destroy())
    for (const socket of [inbound, outbound]) socket.on('error', () => undefined)
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo

  const common = {
    guard: createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] }),
    timeoutMs: 20_000,
    tls: { ca: options.trust ?? certificate.cert },
  }
  const fallback = createLeanTransport({ ...common, maxConnections: 64 })
  const transport = createHttp2Transport({ ...common, fallback, ...(options.timing && { timing: options.timing }) })
  return {
    transport,
    origin: `https://127.0.0.1:${port}`,
    sessions,
    arrived,
    connections,
    freeze(connection) {
      for (const socket of pairs[connection] ?? []) socket.removeAllListeners('data').resume()
    },
    cut(connection) {
      for (const socket of pairs[connection] ?? []) socket.destroy()
    },
    async close() {
      await transport.close()
      await fallback.close()
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      for (const session of sessions) session.destroy()
      // Node's server does not always notice that a client is gone.
      for (const socket of sockets) socket.destroy()
      relay.close()
      server.close()
      await once(server, 'close')
    },
  }
}
