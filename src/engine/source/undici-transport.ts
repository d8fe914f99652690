import type { Socket } from 'node:net'
import { Agent, Client, type Dispatcher, Pool } from 'undici'
import type { AddressGuard } from './address-guard.ts'
import { type GuardedConnector, guardedConnector } from './guarded-connect.ts'
import type { ExchangeListener, HttpExchange, HttpTransport } from './http-transport.ts'

/** More header bytes than any honest source sends; above it the answer is refused. */
const MAX_HEADER_BYTES = 64 * 1024

/**
 * GETs through undici's dispatch: HTTP/1.1, one request at a time per connection, at most `maxConnectionsPerHost`. Its own
 * header and body timers are off, because they stand still while paused (correctness.md case 21); the watchdog is ours.
 */
export function createUndiciTransport(options: {
  readonly guard: AddressGuard
  readonly connectTimeoutMs: number
  readonly maxConnectionsPerHost: number
}): HttpTransport {
  const connect = guardedConnector(options.guard, { timeoutMs: options.connectTimeoutMs })
  const agent = new Agent({
    factory: (origin) =>
      new Pool(origin, {
        connections: options.maxConnectionsPerHost,
        // Otherwise the pool would wait with further connections until the first has chosen a protocol.
        allowH2: false,
        factory: (laneOrigin) => createLane(laneOrigin, connect),
      }),
  })
  return {
    get({ url, headers }, listener) {
      const exchange = new UndiciHandler(listener)
      try {
        agent.dispatch({ origin: url.origin, path: `${url.pathname}${url.search}`, method: 'GET', headers }, exchange)
      } catch (error) {
        exchange.fail(error)
      }
      return exchange
    },
    close: () => agent.destroy(),
  }
}

/** One connection to an origin, with at most one request on it. */
interface Lane {
  socket: Socket | null
  isConnecting: boolean
}

/** A Client that tells each exchange which connection carries it. */
function createLane(origin: URL, connect: GuardedConnector): Client {
  const lane: Lane = { socket: null, isConnecting: false }
  const client = new Client(origin, {
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: (target, callback) => {
      lane.isConnecting = true
      lane.socket = connect(target, (...outcome) => {
        lane.isConnecting = false
        callback(...outcome)
      })
    },
  })
  const dispatch = client.dispatch.bind(client)
  client.dispatch = (request, handler) => {
    if (handler instanceof UndiciHandler) handler.lane = lane
    return dispatch(request, handler)
  }
  return client
}

/**
 * The exchange as undici's handler. Holds what undici still delivers while we are paused: it drains its parser when the peer
 * closes.
 */
class UndiciHandler implements HttpExchange, Dispatcher.DispatchHandler {
  lane: Lane | null = null
  readonly #listener: ExchangeListener
  readonly #held: Uint8Array[] = []
  #controller: Dispatcher.DispatchController | null = null
  #isPaused = true
  #isResuming = false
  #isOver = false
  #end: { readonly isReset: boolean } | null = null
  #abortReason: { readonly value: unknown } | null = null

  constructor(listener: ExchangeListener) {
    this.#listener = listener
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown, not aborted: an exchange that was given up while it waited leaves the connection to others.
    if (this.#abortReason) throw toError(this.#abortReason.value)
    this.#controller = controller
    this.#listener.onSent()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (statusCode < 200 || this.#isOver) return
    controller.pause()
    this.#listener.onHead({ statusCode, headers })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    // undici hands out an empty chunk after each resume, which would look like a sign of life of the peer.
    if (this.#isOver || chunk.byteLength === 0) return
    if (this.#isPaused || this.#held.length > 0) this.#held.push(chunk)
    else this.#listener.onData(chunk)
  }

  onResponseEnd(): void {
    // undici takes a reset for the end where nothing but the close of the connection marks it; the socket knows better.
    this.#end = { isReset: Boolean(this.lane?.socket?.errored) }
    this.#flush()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  pause(): void {
    this.#isPaused = true
    this.#controller?.pause()
  }

  resume(): void {
    if (!this.#isPaused || this.#isResuming || this.#isOver) return
    this.#isResuming = true
    // Later, because undici's parser must not be entered from the callback of another exchange.
    queueMicrotask(() => {
      this.#isResuming = false
      this.#isPaused = false
      this.#flush()
      if (!this.#isPaused && !this.#isOver) this.#controller?.resume()
    })
  }

  abort(reason: unknown): void {
    if (this.#isOver) return
    this.#abortReason = { value: reason }
    this.fail(reason)
    if (this.#controller) this.#controller.abort(toError(reason))
    else if (this.lane?.isConnecting) this.lane.socket?.destroy(toError(reason))
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#held.length = 0
    this.#listener.onError(error)
  }

  #flush(): void {
    while (this.#held.length > 0 && !this.#isPaused && !this.#isOver) {
      const chunk = this.#held.shift()
      if (chunk) this.#listener.onData(chunk)
    }
    if (!this.#end || this.#isPaused || this.#isOver || this.#held.length > 0) return
    this.#isOver = true
    this.#listener.onEnd(this.#end)
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
