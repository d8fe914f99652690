import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent, readHelperOptions } from '../harness/helper-process.ts'
import { endlessBytes, parseEndlessPath } from './endless-file.ts'
import type { SourceCounts, SourceLimits } from './source.ts'

/** How often paced responses get their bytes: 5 MiB/s are about 100 KiB each time. */
const TICK_MS = 20
/** What a connection may send at once after it was idle. Real pacing gives next to nothing for a pause. */
const IDLE_BURST_BYTES = 64 * 1024
const WRITE_BYTES = 1024 * 1024

interface Sending {
  readonly response: ServerResponse
  readonly socket: Socket
  readonly index: number
  at: number
  readonly end: number
}

const limits = readHelperOptions<SourceLimits>()
const counts: SourceCounts = { requests: 0, bytes: 0, refused: 0, cpuSeconds: null }
const paced = new Set<Sending>()
/** Bytes each connection may send now. A connection keeps its meter over requests: that is what nginx's limit_rate does not. */
const allowances = new WeakMap<Socket, number>()
let inFlight = 0

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  counts.requests++
  const file = parseEndlessPath(request.url ?? '')
  if (!file || (request.method !== 'GET' && request.method !== 'HEAD')) return void response.writeHead(404).end()
  if (limits.maxRequests !== undefined && inFlight >= limits.maxRequests) {
    counts.refused++
    return void response.writeHead(429, { 'content-length': 0 }).end()
  }
  inFlight++
  response.once('close', () => inFlight--)
  if (limits.firstByteMs) await delay(limits.firstByteMs)
  const range = limits.noRanges ? null : readRange(request.headers.range, file.sizeBytes)
  const [start, end] = range ?? [0, file.sizeBytes]
  response.writeHead(range ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    etag: `"${file.index}-${file.sizeBytes}"`,
    'last-modified': 'Sat, 01 Nov 2025 00:00:00 GMT',
    ...(limits.noRanges ? {} : { 'accept-ranges': 'bytes' }),
    ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${file.sizeBytes}` } : {}),
  })
  if (request.method === 'HEAD') return void response.end()
  const sending: Sending = { response, socket: request.socket, index: file.index, at: start, end }
  if (limits.bytesPerSecondPerConnection === undefined) return send(sending)
  allowances.set(sending.socket, Math.min(allowances.get(sending.socket) ?? 0, IDLE_BURST_BYTES))
  paced.add(sending)
  response.once('close', () => paced.delete(sending))
}

/** Writes until the socket has enough, then goes on when it has drained. */
function send(sending: Sending): void {
  const { response } = sending
  while (sending.at < sending.end) {
    if (response.destroyed) return
    if (!write(sending, WRITE_BYTES)) {
      response.once('drain', () => send(sending))
      return
    }
  }
  response.end()
}

function write(sending: Sending, maxBytes: number): boolean {
  const bytes = endlessBytes(sending.index, sending.at, Math.min(maxBytes, sending.end - sending.at))
  sending.at += bytes.length
  counts.bytes += bytes.length
  return sending.response.write(bytes)
}

let lastTickAt = performance.now()
/** Gives each paced response what its connection earned since the last tick; none is made up where the reader is slow. */
function tick(bytesPerSecond: number): void {
  const now = performance.now()
  const earned = ((now - lastTickAt) / 1000) * bytesPerSecond
  lastTickAt = now
  for (const sending of paced) {
    let allowance = (allowances.get(sending.socket) ?? 0) + earned
    while (allowance >= 1 && sending.at < sending.end && !sending.response.writableNeedDrain) {
      const before = sending.at
      write(sending, Math.floor(allowance))
      allowance -= sending.at - before
    }
    if (sending.response.writableNeedDrain) allowance = Math.min(allowance, IDLE_BURST_BYTES)
    allowances.set(sending.socket, allowance)
    if (sending.at >= sending.end) {
      paced.delete(sending)
      sending.response.end()
    }
  }
}

/** [start, end) of a single range; null where the whole file is asked for. */
function readRange(header: string | undefined, sizeBytes: number): [number, number] | null {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '')
  if (!match) return null
  const end = match[2] ? Math.min(Number(match[2]) + 1, sizeBytes) : sizeBytes
  return Number(match[1]) < end ? [Number(match[1]), end] : null
}

const { bytesPerSecondPerConnection, tls } = limits
if (bytesPerSecondPerConnection !== undefined) setInterval(tick, TICK_MS, bytesPerSecondPerConnection)
const listener = (request: IncomingMessage, response: ServerResponse) => {
  answer(request, response).catch(() => response.destroy())
}
const options = { highWaterMark: WRITE_BYTES, keepAliveTimeout: 60_000 }
const server = tls
  ? createTlsServer({ ...options, key: readFileSync(tls.key), cert: readFileSync(tls.certificate) }, listener)
  : createServer(options, listener)
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  answerParent(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, { counts: () => counts })
})
