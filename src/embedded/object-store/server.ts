import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ConfigError } from '../../server/config/env.ts'
import type { Log } from '../../server/log.ts'
import { readRequest } from './request.ts'
import { respondError } from './respond.ts'
import { route } from './route.ts'
import { S3Error } from './s3-error.ts'
import { checkBucketName, openStore, type Store } from './store.ts'
import { type Keys, verifySignature } from './verify-signature.ts'

/** Longest request line and headers together: a key of 1,024 bytes, percent-encoded, and a presigned query fit well. */
const MAX_HEADER_BYTES = 32 * 1024
/** All headers have to be there within this. */
const HEADERS_TIMEOUT_MS = 20_000
/** A connection on which nothing moves for this long in the middle of a request is cut. */
const IDLE_TIMEOUT_MS = 60_000
/** An idle connection is kept this long, longer than clients keep theirs, so that they close first and no request is lost. */
const KEEP_ALIVE_MS = 75_000

export interface ObjectStoreServer {
  readonly host: string
  readonly port: number
  /** `http://HOST:PORT`, the endpoint for clients. */
  readonly url: string
  /** Makes the bucket where it is missing. Throws S3Error for a name that S3 does not allow. */
  ensureBucket(name: string): Promise<void>
  /** Stops: requests under way get a moment to end, then their connections are cut. */
  close(): Promise<void>
}

export interface ObjectStoreServerOptions {
  /** Folder of its own; made where missing. */
  readonly dir: string
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: 'us-east-1'
  readonly log: Log
  /** Default 60,000; for tests. */
  readonly idleTimeoutMs?: number
}

/**
 * Starts the embedded object store: S3 over HTTP, path style, every request signed. Resolves once it listens. Throws ConfigError
 * with a sentence where the folder or the port cannot be used.
 */
export async function createObjectStoreServer(options: ObjectStoreServerOptions): Promise<ObjectStoreServer> {
  const { host, log } = options
  const store = openStore(options.dir)
  if (store.sweptFiles > 0) log.info({ files: store.sweptFiles }, 'object store removed files of an unclean stop')
  const keys = { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey, region: options.region }
  const answering = new Set<Promise<void>>()
  const answer = (message: IncomingMessage, response: ServerResponse, wantBody: () => void) => {
    const answered = answerRequest(store, keys, log, message, response, wantBody).finally(() =>
      answering.delete(answered),
    )
    answering.add(answered)
  }
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A part may take hours over a slow line; the idle timeout below is what ends a dead one.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
    highWaterMark: 1024 * 1024,
  })
  server.setTimeout(options.idleTimeoutMs ?? IDLE_TIMEOUT_MS)
  server.on('request', (message, response) => answer(message, response, () => undefined))
  server.on('checkContinue', (message, response) => answer(message, response, () => response.writeContinue()))
  server.on('clientError', refuseMalformed)
  try {
    await listen(server, options.port, host)
  } catch (error) {
    store.catalog.close()
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EADDRINUSE')
      throw new ConfigError(
        `Port ${options.port} on ${host} is taken, and the embedded object store needs it. Stop what uses it, or set SLUICE_EMBEDDED_S3_PORT.`,
      )
    throw new ConfigError(
      `The embedded object store cannot listen on ${host} port ${options.port} (${code ?? 'unknown reason'}).`,
    )
  }
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  let closing: Promise<void> | null = null
  return {
    host,
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ensureBucket: async (name) => {
      checkBucketName(name)
      store.catalog.createBucket(name)
    },
    close: () => {
      closing ??= stop(server, store, answering)
      return closing
    },
  }
}

async function answerRequest(
  store: Store,
  keys: Keys,
  log: Log,
  message: IncomingMessage,
  response: ServerResponse,
  wantBody: () => void,
): Promise<void> {
  const requestId = randomBytes(8).toString('hex').toUpperCase()
  response.setHeader('x-amz-request-id', requestId)
  response.setHeader('server', 'Sluice')
  // The client went away: nothing to do for it, and an unhandled error event would end the process.
  response.on('error', () => undefined)
  message.on('error', () => undefined)
  const rawPath = (message.url ?? '').split('?', 1)[0] ?? ''
  try {
    const request = readRequest(message, response, wantBody)
    const signature = verifySignature(request, keys, Date.now())
    await route(request)(store, request, signature)
    // A handler that needed no body leaves it unread; what is left must not be taken for the next request.
    if (!message.complete) message.resume()
  } catch (error) {
    const known = error instanceof S3Error ? error : internalError(error)
    if (!(error instanceof S3Error)) log.error({ err: error, method: message.method, requestId }, 'object store failed')
    else log.debug({ method: message.method, path: rawPath, code: known.code, requestId }, 'object store refused')
    if (response.headersSent) response.destroy()
    else if (!response.destroyed) respondError({ message, response, rawPath }, known, requestId)
  }
}

function internalError(error: unknown): S3Error {
  const { code, errcode } = error as { code?: string; errcode?: number }
  const full = code === 'ENOSPC' || errcode === SQLITE_FULL
  return new S3Error(
    'InternalError',
    full
      ? 'The disk of the object store is full. Make room in the data folder.'
      : 'We encountered an internal error. Please try again.',
  )
}

/** SQLite's result code for a full disk. */
const SQLITE_FULL = 13

/** What is no HTTP gets a short answer and the end of its connection. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.destroyed || !socket.writable) return
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** How long requests under way may still take when the store stops. */
const STOP_GRACE_MS = 2_000

async function stop(server: Server, store: Store, answering: ReadonlySet<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS)
  await closed
  clearTimeout(cut)
  // Handlers whose connections were cut still clean up after themselves; the catalog closes behind the last one.
  await Promise.allSettled(answering)
  store.catalog.close()
}
