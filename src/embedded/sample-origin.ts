import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { SAMPLE_ETAG, SAMPLE_LAST_MODIFIED, SAMPLE_NAME, SAMPLE_SIZE_BYTES, sampleBytes } from './sample-bytes.ts'
import { TokenBucket } from './token-bucket.ts'

const MIB = 1024 * 1024
/** In total, so that 256 MiB take twenty seconds whatever the number of connections: it is still on its way when the page is opened. */
const DEFAULT_BYTES_PER_SECOND = 13 * MIB
const WRITE_BYTES = 256 * 1024

export interface SampleOrigin {
  host: string
  port: number
  fileUrl: string
  close(): Promise<void>
}

/**
 * Serves one generated file of 256 MiB at /sluice-sample-256MiB.bin on 127.0.0.1: strong ETag, Last-Modified, ranges,
 * HEAD and conditions as RFC 9110 has them (sections 13 and 14; one range per request, more get the whole file), paced
 * over all connections together. Memory does not grow with the file; one write per connection is in flight.
 */
export async function startSampleOrigin(
  options: { port?: number; bytesPerSecond?: number } = {},
): Promise<SampleOrigin> {
  const pace = new TokenBucket(options.bytesPerSecond ?? DEFAULT_BYTES_PER_SECOND, 2 * MIB)
  const server = createServer((request, response) => {
    answer(request, response, pace).catch(() => response.destroy())
  })
  server.keepAliveTimeout = 65_000
  await listen(server, options.port ?? 0)
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    host: '127.0.0.1',
    port,
    fileUrl: `http://127.0.0.1:${port}/${SAMPLE_NAME}`,
    close() {
      return new Promise((settle) => {
        server.close(() => settle())
        server.closeAllConnections()
      })
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, pace: TokenBucket): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]
  if (path !== `/${SAMPLE_NAME}`) return plain(response, 404, `There is only /${SAMPLE_NAME} here.\n`)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return plain(response, 405, 'This file can only be read.\n')
  }
  response.setHeader('ETag', SAMPLE_ETAG)
  response.setHeader('Last-Modified', SAMPLE_LAST_MODIFIED)
  response.setHeader('Accept-Ranges', 'bytes')
  response.setHeader('Content-Type', 'application/octet-stream')
  const condition = checkConditions(request)
  if (condition !== null) {
    response.writeHead(condition).end()
    return
  }
  // A range is only spoken of for GET (RFC 9110 section 14.2), so HEAD answers for the whole file.
  const range = request.method === 'GET' && ifRangeHolds(request) ? parseRange(request.headers.range) : null
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${SAMPLE_SIZE_BYTES}`)
    return plain(response, 416, 'The file ends before this range.\n')
  }
  const [start, end] = range ?? [0, SAMPLE_SIZE_BYTES]
  response.setHeader('Content-Length', end - start)
  if (range) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${SAMPLE_SIZE_BYTES}`)
  response.writeHead(range ? 206 : 200)
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  await send(response, start, end, pace)
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text)
}

/** If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in the order of RFC 9110 section 13.2.2. */
function checkConditions(request: IncomingMessage): 304 | 412 | null {
  const { headers } = request
  const modified = Date.parse(SAMPLE_LAST_MODIFIED)
  const since = (value: string) => modified > Date.parse(value)
  const names = (value: string) => value.split(',').map((tag) => tag.trim())
  if (headers['if-match'] !== undefined) {
    if (!names(headers['if-match']).some((tag) => tag === '*' || tag === SAMPLE_ETAG)) return 412
  } else if (headers['if-unmodified-since'] !== undefined && since(headers['if-unmodified-since'])) return 412
  if (headers['if-none-match'] !== undefined) {
    const held = names(headers['if-none-match']).some((tag) => tag === '*' || tag.replace(/^W\//, '') === SAMPLE_ETAG)
    return held ? 304 : null
  }
  const cached = headers['if-modified-since']
  return cached !== undefined && !Number.isNaN(Date.parse(cached)) && !since(cached) ? 304 : null
}

/** If-Range compares strongly: a weak or another tag, or another date, means the whole file (RFC 9110 section 13.1.5). */
function ifRangeHolds(request: IncomingMessage): boolean {
  const value = request.headers['if-range']
  return value === undefined || value === SAMPLE_ETAG || value === SAMPLE_LAST_MODIFIED
}

/** The one range asked for as [start, end); null where there is none to obey, so the whole file is sent. */
function parseRange(header: string | undefined): [number, number] | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec((header ?? '').replace(/\s/g, ''))
  if (!match || (match[1] === '' && match[2] === '')) return null
  if (match[1] === '') {
    const suffixBytes = Math.min(Number(match[2]), SAMPLE_SIZE_BYTES)
    return suffixBytes === 0 ? 'unsatisfiable' : [SAMPLE_SIZE_BYTES - suffixBytes, SAMPLE_SIZE_BYTES]
  }
  const start = Number(match[1])
  const last = match[2] === '' ? Number.POSITIVE_INFINITY : Number(match[2])
  if (last < start) return null
  return start >= SAMPLE_SIZE_BYTES ? 'unsatisfiable' : [start, Math.min(last + 1, SAMPLE_SIZE_BYTES)]
}

async function send(response: ServerResponse, start: number, end: number, pace: TokenBucket): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  for (let position = start; position < end && !gone.signal.aborted; ) {
    const bytes = sampleBytes(position, Math.min(position + WRITE_BYTES, end))
    await pace.take(bytes.byteLength, gone.signal)
    position += bytes.byteLength
    if (!response.write(bytes) && !gone.signal.aborted) await drained(response)
  }
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((settle) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      settle()
    }
    response.once('drain', done)
    response.once('close', done)
  })
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((settle, fail) => {
    server.once('error', fail)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', fail)
      settle()
    })
  })
}
