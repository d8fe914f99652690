import { once as nextEvent, setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createSecureServer,
  type Http2ServerResponse,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fillPattern } from './byte-pattern.ts'
import type { HostileAnswer, HostileBehaviour, HostileRequest } from './hostile-behaviour.ts'

/** A real HTTP server on loopback whose misbehaviour is chosen per path. */
export interface HostileSource {
  /** `http://127.0.0.1:PORT`, without a slash. */
  readonly origin: string
  readonly port: number
  /** Sets how a path (query included) is answered, also while requests run; returns its URL. */
  serve(path: string, behaviour: HostileBehaviour): string
  /** Every request in the order of arrival; those of one path where one is given. */
  requests(path?: string): readonly HostileRequest[]
  /** Body bytes handed to sockets, of all requests or of one path. */
  bytesSent(path?: string): number
  /** Connections that are open now, and the most there were at once. */
  connections(): { readonly open: number; readonly peak: number }
  /** The most requests that were being answered at once. */
  peakRequests(): number
  /** Resolves when the condition holds; looks whenever a request, a byte or a connection comes or goes. */
  until(condition: () => boolean): Promise<void>
  /** Cuts every connection and stops listening. */
  close(): Promise<void>
}

const CHUNK_BYTES = 64 * 1024
const DEFAULT_SIZE_BYTES = 1024 * 1024

/** Starts one; `tls` makes it https with that certificate, `isHttp2` lets it speak HTTP/2 as well. */
export async function createHostileSource(
  options: { readonly tls?: { readonly key: string; readonly cert: string }; readonly isHttp2?: boolean } = {},
): Promise<HostileSource> {
  const behaviours = new Map<string, HostileBehaviour>()
  const log: HostileRequest[] = []
  const sockets = new Map<object, { readonly id: number; freeAtMs: number }>()
  const waiting = new Set<{ condition: () => boolean; resolve: () => void }>()
  const stopped = new AbortController()
  // Every request that is paced waits with it.
  setMaxListeners(0, stopped.signal)
  let connectionCount = 0
  let peakConnections = 0
  let peakRequests = 0

  const changed = () => {
    for (const waiter of waiting) {
      if (!waiter.condition()) continue
      waiting.delete(waiter)
      waiter.resolve()
    }
  }
  const isOpen = (request: HostileRequest) => request.isOpen

  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = message.url ?? '/'
    const session = streamOf(response)?.session
    const socket = session ? socketOf(session) : message.socket
    const connection = sockets.get(socket) ?? { id: -1, freeAtMs: 0 }
    const request: HostileRequest = {
      index: log.filter((earlier) => earlier.path === path).length,
      method: message.method ?? '',
      path,
      headers: message.headers,
      httpVersion: message.httpVersion,
      range: parseRange(message.headers.range),
      connection: connection.id,
      status: 0,
      bytesSent: 0,
      isOpen: true,
    }
    log.push(request)
    peakRequests = Math.max(peakRequests, log.filter(isOpen).length)
    response.on('close', () => {
      request.isOpen = false
      changed()
    })
    changed()
    const behaviour = behaviours.get(path) ?? { status: 404, body: 'no such path' }
    const chosen = typeof behaviour === 'function' ? behaviour(request) : behaviour
    const sent = (bytes: number) => {
      request.bytesSent += bytes
      changed()
    }
    const concurrent = log.filter((other) => other.isOpen && other.path === path).length
    const isTooMany = chosen.maxConcurrent !== undefined && concurrent > chosen.maxConcurrent
    const effective: HostileAnswer = isTooMany
      ? refusal(chosen)
      : message.method === 'HEAD' && chosen.headStatus !== undefined
        ? { status: chosen.headStatus, body: '' }
        : chosen
    await respond(effective, request, response, connection, sent, stopped.signal)
  }

  const onRequest = (message: IncomingMessage, response: ServerResponse) => {
    // A peer that hangs up is part of the game; anything else is a mistake of the test and shows as a cut connection.
    answer(message, response).catch(() => response.destroy())
  }
  const server = options.isHttp2
    ? // The compatible API of node:http2 has all that is used of a request and a response here.
      createSecureServer({ ...options.tls, allowHTTP1: true }, onRequest as unknown as () => void)
    : options.tls
      ? createTlsServer(options.tls, onRequest)
      : createServer(onRequest)
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = 60_000
  if (options.isHttp2)
    server.on('session', (session: ServerHttp2Session) => {
      // A client that is gone is not always noticed by node's server.
      const leave = () => socketOf(session).destroy()
      session
        .on('error', () => undefined)
        .on('goaway', leave)
        .on('close', leave)
    })
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.set(socket, { id: connectionCount++, freeAtMs: 0 })
    peakConnections = Math.max(peakConnections, sockets.size)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      changed()
    })
    changed()
  })
  server.listen(0, '127.0.0.1')
  await nextEvent(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`

  return {
    origin,
    port,
    serve(path, behaviour) {
      behaviours.set(path, behaviour)
      return `${origin}${path}`
    },
    requests: (path) => (path === undefined ? log : log.filter((request) => request.path === path)),
    bytesSent: (path) =>
      log
        .filter((request) => path === undefined || request.path === path)
        .reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    connections: () => ({ open: sockets.size, peak: peakConnections }),
    peakRequests: () => peakRequests,
    until(condition) {
      if (condition()) return Promise.resolve()
      return new Promise((resolve) => waiting.add({ condition, resolve }))
    },
    async close() {
      stopped.abort()
      for (const socket of sockets.keys()) (socket as Socket).destroy()
      server.close()
      await nextEvent(server, 'close')
    },
  }
}

/** What a request beyond `maxConcurrent` gets. */
function refusal(answer: HostileAnswer): HostileAnswer {
  const surplus = answer.surplus ?? { status: 429 }
  if ('endAfterBytes' in surplus) return { ...answer, breakAfterBytes: surplus.endAfterBytes, breakBy: 'end' }
  return { status: surplus.status, body: 'slow down', headers: answer.headers ?? {} }
}

/** The stream of a response over HTTP/2; null over HTTP/1.1. */
function streamOf(response: ServerResponse | Http2ServerResponse): ServerHttp2Stream | null {
  return 'stream' in response ? (response.stream as ServerHttp2Stream) : null
}

/** The socket itself: `session.socket` is a stand-in that is another object. */
function socketOf(session: Http2Session): { destroy(): unknown } {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'socket')
  return (symbol && (session as unknown as Record<symbol, Socket>)[symbol]) ?? session
}

function parseRange(header: string | undefined): HostileRequest['range'] {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '')
  if (!match) return null
  return { startByte: Number(match[1]), endByte: match[2] ? Number(match[2]) + 1 : Number.POSITIVE_INFINITY }
}

async function respond(
  answer: HostileAnswer,
  request: HostileRequest,
  response: ServerResponse,
  connection: { freeAtMs: number },
  sent: (bytes: number) => void,
  stopped: AbortSignal,
): Promise<void> {
  if (answer.headDelayMs === 'never') return
  if (answer.headDelayMs) await delay(answer.headDelayMs, undefined, { signal: stopped })
  if (answer.after) await answer.after
  if (answer.raw !== undefined) {
    response.socket?.end(answer.raw, 'latin1')
    return
  }
  if (answer.headerBombBytes) response.setHeader('x-bomb', 'b'.repeat(answer.headerBombBytes))
  if (answer.status !== undefined) {
    request.status = answer.status
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body ?? '')
    return
  }
  const plan = planBody(answer, request)
  request.status = plan.status
  const bodyBytes = plan.endByte - plan.startByte + (answer.extraBytes ?? 0)
  response.shouldKeepAlive = answer.length !== 'close'
  if (answer.length === 'close') response.useChunkedEncodingByDefault = false
  else if (answer.length !== 'chunked') response.setHeader('content-length', plan.endByte - plan.startByte)
  response.writeHead(plan.status, { ...plan.headers, ...answer.headers })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const closed = nextEvent(response, 'close').catch(() => undefined)
  const breakAt = answer.breakAfterBytes ?? Number.POSITIVE_INFINITY
  // Sends the head even where no body byte follows it.
  if (bodyBytes > 0) response.flushHeaders()
  for (let done = 0; done < Math.min(bodyBytes, breakAt); ) {
    const { bytesPerSecond } = answer
    const rate = typeof bytesPerSecond === 'function' ? bytesPerSecond() : (bytesPerSecond ?? null)
    const length = Math.min(chunkBytes(rate), bodyBytes - done, breakAt - done)
    await pace(connection, length, rate, stopped)
    const chunk = Buffer.allocUnsafe(length)
    fillPattern(chunk, plan.startByte + done, answer.seed)
    if (response.destroyed) return
    // Until the kernel has it, so that bytesSent counts what left, and so that a slow reader slows us.
    await Promise.race([new Promise<void>((resolve) => response.write(chunk, () => resolve())), closed])
    done += length
    sent(length)
  }
  if (breakAt < bodyBytes) breakOff(answer.breakBy ?? 'end', response)
  else response.end()
}

/** What is sent at once: as much as a quarter of a second gives where that is little, so that another rate soon holds. */
function chunkBytes(bytesPerSecond: number | null): number {
  return bytesPerSecond ? Math.min(CHUNK_BYTES, Math.max(1, Math.floor(bytesPerSecond / 4))) : CHUNK_BYTES
}

/** Waits until the connection's rate allows so many bytes more. */
async function pace(
  connection: { freeAtMs: number },
  bytes: number,
  bytesPerSecond: number | null,
  stopped: AbortSignal,
): Promise<void> {
  if (!bytesPerSecond) return
  const nowMs = performance.now()
  connection.freeAtMs = Math.max(nowMs, connection.freeAtMs) + (bytes / bytesPerSecond) * 1000
  await delay(connection.freeAtMs - nowMs, undefined, { signal: stopped })
}

function breakOff(by: 'end' | 'reset' | 'stall', response: ServerResponse): void {
  const stream = streamOf(response)
  if (stream) {
    // The connection as a whole, after a GOAWAY; or this answer alone.
    if (by === 'end') stream.session?.destroy()
    if (by === 'reset') stream.destroy(new Error('reset'))
    return
  }
  if (by === 'end') response.socket?.end()
  if (by === 'reset') response.socket?.resetAndDestroy()
}

interface BodyPlan {
  readonly status: number
  readonly startByte: number
  readonly endByte: number
  readonly headers: Record<string, string>
}

/** Status, headers and bytes of an answer that carries the file or a range of it. */
function planBody(answer: HostileAnswer, request: HostileRequest): BodyPlan {
  const sizeBytes = answer.sizeBytes ?? DEFAULT_SIZE_BYTES
  const ranges = answer.ranges ?? 'right'
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' }
  if (answer.etag !== null) headers.etag = answer.etag ?? '"v1"'
  if (answer.lastModified) headers['last-modified'] = answer.lastModified
  if (answer.contentEncoding) headers['content-encoding'] = answer.contentEncoding
  if (ranges !== 'ignored') headers['accept-ranges'] = 'bytes'
  if (!request.range || ranges === 'ignored') return { status: 200, startByte: 0, endByte: sizeBytes, headers }
  let { startByte } = request.range
  if (startByte >= sizeBytes || ranges === 'refused') {
    headers['content-range'] = `bytes */${sizeBytes}`
    return { status: 416, startByte: 0, endByte: 0, headers }
  }
  let endByte = Math.min(request.range.endByte, sizeBytes)
  if (ranges === 'wrong-start')
    startByte = startByte >= 1024 ? Math.floor((startByte - 1) / 1024) * 1024 : startByte + 1
  if (ranges === 'too-much') endByte = Math.min(endByte + 1, sizeBytes)
  if (endByte <= startByte) endByte = startByte + 1
  const total = ranges === 'wrong-total' ? sizeBytes + 1 : ranges === 'star-total' ? '*' : sizeBytes
  const right = `bytes ${startByte}-${endByte - 1}/${total}`
  const shown =
    ranges === 'malformed' ? right.replace(' ', '=') : ranges === 'missing-total' ? right.replace(/\/.*/, '') : right
  if (ranges !== 'no-content-range') headers['content-range'] = shown
  return { status: ranges === 'slice-as-200' ? 200 : 206, startByte, endByte, headers }
}
