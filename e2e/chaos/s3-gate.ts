import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export type S3Operation =
  | 'put'
  | 'create'
  | 'part'
  | 'complete'
  | 'abort'
  | 'list-parts'
  | 'list-uploads'
  | 'head'
  | 'other'

/** A request to the store as it went through the gate; `status` is null until the store has answered. */
export interface GateRequest {
  readonly operation: S3Operation
  /** Path of the bucket and key, decoded. */
  readonly path: string
  readonly partNumber: number | null
  readonly atMs: number
  status: number | null
  isOpen: boolean
}

/** One request that is stopped on its way. */
export interface Hold {
  /** Resolves when a request has come to the point. */
  readonly reached: Promise<GateRequest>
  /** Lets it, and all later ones, go on. */
  release(): void
  /** Breaks its connection, and lets later ones go. */
  drop(): void
}

/** Stands before a store, says what was asked of it, and holds single requests or their answers. */
export interface S3Gate {
  readonly url: string
  requests(operation?: S3Operation): readonly GateRequest[]
  /** Stops the next such request: before the store sees it, or after the store has done it and before anybody learns so. */
  hold(operation: S3Operation, when: 'before' | 'after', path?: string): Hold
  /** Breaks the connection of the next such request once the store has done it; null: of none any more. */
  loseReply(operation: S3Operation | null): void
  /** Answers the next so many requests that write with 503 SlowDown, before the store sees them. */
  refuse(count: number): void
  /** Bodies to the store get at most this rate each; null: no limit. */
  setBodyRate(bytesPerSecond: number | null): void
  close(): Promise<void>
}

const WRITES: ReadonlySet<S3Operation> = new Set(['put', 'create', 'part', 'complete'])

interface Waiting {
  readonly operation: S3Operation
  readonly when: 'before' | 'after'
  readonly path: string | undefined
  isTaken: boolean
  isReleased: boolean
  reach(request: GateRequest): void
  readonly released: Promise<'go' | 'drop'>
}

/** Starts one before the store at `target`. Signatures stay right, because the Host the caller signed is passed on. */
export async function startS3Gate(target: string): Promise<S3Gate> {
  const log: GateRequest[] = []
  const waiting = new Set<Waiting>()
  // A connection that the store gives up while a request for it is on its way would look like a fault of the store.
  const agent = new Agent({ keepAlive: false, maxSockets: 256 })
  const { hostname, port } = new URL(target)
  let bodyRate: number | null = null
  let toRefuse = 0
  let toLose: S3Operation | null = null

  const pass = async (one: GateRequest, when: Waiting['when']): Promise<'go' | 'drop'> => {
    for (const hold of waiting) {
      if (hold.isTaken || hold.operation !== one.operation || hold.when !== when) continue
      if (hold.path !== undefined && !one.path.endsWith(hold.path)) continue
      hold.isTaken = true
      hold.reach(one)
      return hold.released
    }
    if (when === 'before' || toLose !== one.operation) return 'go'
    toLose = null
    return 'drop'
  }

  const forward = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = readRequest(message)
    log.push(one)
    response.on('close', () => {
      one.isOpen = false
    })
    message.on('error', () => {})
    if (toRefuse > 0 && WRITES.has(one.operation)) {
      toRefuse--
      one.status = 503
      response.writeHead(503, { 'content-type': 'application/xml', connection: 'close' })
      return void response.end(
        '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
      )
    }
    if ((await pass(one, 'before')) === 'drop') return void message.socket.resetAndDestroy()
    if (message.destroyed && !message.complete) return
    const onward = request({
      host: hostname,
      port,
      method: message.method,
      path: message.url,
      headers: message.headers,
      agent,
    })
    onward.on('error', () => response.destroy())
    message.on('close', () => {
      if (!message.complete) onward.destroy()
    })
    onward.on('response', async (answer) => {
      one.status = answer.statusCode ?? 0
      answer.on('error', () => response.destroy())
      if ((await pass(one, 'after')) === 'drop') return void message.socket.resetAndDestroy()
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    })
    for await (const chunk of message) {
      await new Promise((done) => onward.write(chunk, done))
      if (bodyRate !== null) await delay(((chunk as Buffer).length / bodyRate) * 1000)
    }
    onward.end()
  }
  const server = createServer((message, response) => void forward(message, response).catch(() => response.destroy()))
  server.keepAliveTimeout = 60_000
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: (operation) => (operation ? log.filter((one) => one.operation === operation) : log),
    hold(operation, when, path) {
      const reached = Promise.withResolvers<GateRequest>()
      const released = Promise.withResolvers<'go' | 'drop'>()
      const hold = { operation, when, path, isTaken: false, isReleased: false, reach: reached.resolve }
      const entry: Waiting = { ...hold, released: released.promise }
      waiting.add(entry)
      const end = (how: 'go' | 'drop') => {
        waiting.delete(entry)
        released.resolve(how)
      }
      return { reached: reached.promise, release: () => end('go'), drop: () => end('drop') }
    },
    loseReply(operation) {
      toLose = operation
    },
    refuse(count) {
      toRefuse = count
    },
    setBodyRate(bytesPerSecond) {
      bodyRate = bytesPerSecond
    },
    async close() {
      server.closeAllConnections()
      agent.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

function readRequest(message: IncomingMessage): GateRequest {
  const url = new URL(message.url ?? '/', 'http://gate')
  const has = (name: string) => url.searchParams.has(name)
  return {
    operation: operationOf(message.method ?? '', has),
    path: decodeURIComponent(url.pathname),
    partNumber: has('partNumber') ? Number(url.searchParams.get('partNumber')) : null,
    atMs: performance.now(),
    status: null,
    isOpen: true,
  }
}

function operationOf(method: string, has: (name: string) => boolean): S3Operation {
  if (method === 'POST' && has('uploads')) return 'create'
  if (method === 'POST' && has('uploadId')) return 'complete'
  if (method === 'PUT' && has('uploadId')) return 'part'
  if (method === 'PUT') return 'put'
  if (method === 'DELETE' && has('uploadId')) return 'abort'
  if (method === 'GET' && has('uploadId')) return 'list-parts'
  if (method === 'GET' && has('uploads')) return 'list-uploads'
  if (method === 'HEAD') return 'head'
  return 'other'
}
