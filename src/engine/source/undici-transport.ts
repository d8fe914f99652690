import { Agent, type Dispatcher } from 'undici'
import type { AddressGuard } from './address-guard.ts'
import { guardedConnector } from './guarded-connect.ts'
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
  const agent = new Agent({
    connections: options.maxConnectionsPerHost,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: guardedConnector(options.guard, { timeoutMs: options.connectTimeoutMs }),
  })
  return {
    get({ url, headers }, listener) {
      const exchange = new UndiciExchange(listener)
      try {
        agent.dispatch(
          { origin: url.origin, path: `${url.pathname}${url.search}`, method: 'GET', headers },
          exchange.handler,
        )
      } catch (error) {
        exchange.fail(error)
      }
      return exchange
    },
    close: () => agent.destroy(),
  }
}

/** Holds what undici still delivers while we are paused (it drains its parser when the peer closes). */
class UndiciExchange implements HttpExchange {
  readonly #listener: ExchangeListener
  #controller: Dispatcher.DispatchController | null = null
  #isPaused = true
  #isOver = false
  #hasEnded = false
  #isResuming = false
  #abortReason: { readonly value: unknown } | null = null
  readonly #held: Uint8Array[] = []

  constructor(listener: ExchangeListener) {
    this.#listener = listener
  }

  readonly handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      // Thrown, not aborted: an exchange that was given up while it waited for a connection leaves that connection alone.
      if (this.#abortReason) throw toError(this.#abortReason.value)
      this.#controller = controller
      this.#listener.onSent()
    },
    onResponseStart: (controller, statusCode, headers) => {
      if (statusCode < 200 || this.#isOver) return
      controller.pause()
      this.#listener.onHead({ statusCode, headers })
    },
    onResponseData: (_controller, chunk) => {
      if (this.#isOver) return
      if (this.#isPaused || this.#held.length > 0) this.#held.push(chunk)
      else this.#listener.onData(chunk)
    },
    onResponseEnd: () => {
      this.#hasEnded = true
      this.#flush()
    },
    onResponseError: (_controller, error) => this.fail(error),
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
      if (this.#isOver) return
      this.#isPaused = false
      this.#flush()
      if (!this.#isPaused && !this.#isOver) this.#controller?.resume()
    })
  }

  abort(reason: unknown): void {
    if (this.#isOver) return
    this.#abortReason = { value: reason }
    this.fail(reason)
    this.#controller?.abort(toError(reason))
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
    if (!this.#hasEnded || this.#isPaused || this.#isOver || this.#held.length > 0) return
    this.#isOver = true
    this.#listener.onEnd({ isReset: false })
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
