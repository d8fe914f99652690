import { once } from 'node:events'
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describeRequest, type StoreBehaviour, type StoreFault, type StoreRequest } from './store-fault.ts'
import { withoutChecksumHeaders, withoutChecksums, withoutIfMatch } from './without-checksums.ts'

/** A proxy before any S3 of path style on plain HTTP, which spoils the requests a test chooses and passes on all others. */
export interface FaultyObjectStore {
  /** `http://127.0.0.1:PORT`: the endpoint to use in place of the store's. */
  readonly endpoint: string
  /** Every request in the order of arrival; those of one operation where one is given. */
  requests(operation?: StoreRequest['operation']): readonly StoreRequest[]
  /** Chooses what happens from now on; null: nothing does. */
  behave(behaviour: StoreBehaviour | null): void
  /** Resolves when the condition holds; looks whenever a request comes or is answered. */
  until(condition: () => boolean): Promise<void>
  close(): Promise<void>
}

/** Starts one before the store at `target` (`http://host:port`). Signatures stay right, because the Host header is passed on. */
export async function createFaultyObjectStore(target: string): Promise<FaultyObjectStore> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const log: StoreRequest[] = []
  const sockets = new Set<Socket>()
  const waiting = new Set<{ condition: () => boolean; resolve: () => void }>()
  let behaviour: StoreBehaviour | null = null
  const changed = () => {
    for (const waiter of waiting) {
      if (!waiter.condition()) continue
      waiting.delete(waiter)
      waiter.resolve()
    }
  }
  const server = createServer((message, response) => {
    const described = describeRequest(message.method ?? '', message.url ?? '/')
    const index = log.filter((earlier) => earlier.operation === described.operation).length
    const checksumType = message.headersDistinct['x-amz-checksum-type']?.[0] ?? null
    const hasTrailer = message.headers['x-amz-trailer'] !== undefined
    const at = { index, atMs: performance.now(), status: 0, isOpen: true }
    const { socket } = message
    const bytesBefore = socket.bytesRead
    let allBytes: number | null = null
    const request: StoreRequest = {
      ...{ ...described, checksumType, hasTrailer, ...at },
      get receivedBytes() {
        return allBytes ?? socket.bytesRead - bytesBefore
      },
    }
    log.push(request)
    const fault = behaviour?.(request) ?? null
    changed()
    response.on('close', () => {
      allBytes = socket.bytesRead - bytesBefore
      request.status = response.headersSent ? response.statusCode : 0
      request.isOpen = false
      changed()
    })
    // A peer that goes away is part of the game.
    answer(new URL(target), agent, message, response, fault).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.requestTimeout = 0
  // Not in the way: a connection that ends just when it is used again is a retry that no test asked for.
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: (operation) => (operation === undefined ? log : log.filter((request) => request.operation === operation)),
    behave(next) {
      behaviour = next
    },
    until(condition) {
      if (condition()) return Promise.resolve()
      return new Promise((resolve) => waiting.add({ condition, resolve }))
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
      agent.destroy()
    },
  }
}

async function answer(
  target: URL,
  agent: Agent,
  message: IncomingMessage,
  response: ServerResponse,
  fault: StoreFault | null,
): Promise<void> {
  if (fault?.kind === 'hold') await fault.until
  if (fault?.kind === 'refuse' || fault?.kind === 'error-in-200') {
    // The body is taken first, as stores do; a client that is cut off while it writes would see a reset.
    for await (const _ of message);
    const isLate = fault.kind === 'error-in-200'
    const text = `<Error><Code>${fault.code}</Code><Message>on purpose</Message></Error>`
    const body = fault.code === null ? '' : `<?xml version="1.0" encoding="UTF-8"?>\n${text}`
    const headers = fault.kind === 'refuse' ? fault.headers : {}
    response.writeHead(isLate ? 200 : fault.status, { 'content-type': 'application/xml', ...headers })
    if (isLate) response.write('\n \n')
    response.end(body)
    return
  }
  const plain = fault?.kind === 'without-checksums' ? await withoutChecksums(message, fault.secretAccessKey) : null
  const through = httpRequest(new URL(message.url ?? '/', target), {
    agent,
    method: message.method,
    headers:
      fault?.kind === 'without-if-match'
        ? withoutIfMatch(message, fault.secretAccessKey)
        : (plain?.headers ?? { ...message.headers }),
    setHost: false,
  })
  const answered = once(through, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => undefined)
  await pipeline(plain?.body ?? bodyOf(message, fault), through)
  const [reply] = await answered
  if (fault?.kind === 'lose-reply') {
    for await (const _ of reply);
    message.socket.resetAndDestroy()
    return
  }
  response.writeHead(reply.statusCode ?? 502, plain ? withoutChecksumHeaders(reply.rawHeaders) : reply.rawHeaders)
  await pipeline(fault?.kind === 'hold-reply' ? held(reply, fault) : reply, response)
}

/** The body of an answer, held up once so much of it went through. */
function held(reply: IncomingMessage, fault: Extract<StoreFault, { kind: 'hold-reply' }>): Readable {
  let sentBytes = 0
  return reply.compose(
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const isHeld = sentBytes >= fault.afterBytes
        sentBytes += chunk.length
        if (isHeld) fault.until.then(() => done(null, chunk))
        else done(null, chunk)
      },
    }),
  ) as Readable
}

/** The body as it goes on to the store: whole, cut off, or with one bit flipped. */
function bodyOf(message: IncomingMessage, fault: StoreFault | null): Readable {
  if (fault?.kind !== 'reset-upload' && fault?.kind !== 'corrupt-upload') return message
  let seenBytes = 0
  return message.compose(
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const startByte = seenBytes
        seenBytes += chunk.length
        if (fault.kind === 'reset-upload' && seenBytes >= fault.afterBytes) {
          message.socket.resetAndDestroy()
          done(new Error('reset on purpose'))
          return
        }
        if (fault.kind === 'corrupt-upload' && fault.atByte >= startByte && fault.atByte < seenBytes) {
          const spoiled = Buffer.from(chunk)
          spoiled[fault.atByte - startByte] = (spoiled[fault.atByte - startByte] ?? 0) ^ 1
          done(null, spoiled)
          return
        }
        done(null, chunk)
      },
    }),
  ) as Readable
}
