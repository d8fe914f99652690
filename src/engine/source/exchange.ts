import type { ExchangeListener, HttpExchange, HttpTransport, ResponseHead } from './http-transport.ts'
import { parseContentLength } from './range-proof.ts'
import type { BytePlace, ByteSink } from './source.ts'
import { connectionFailure, type ExchangeContext, idleTimeout } from './source-failure.ts'
import { startWatchdog, type Watchdog } from './watchdog.ts'

/** An answer whose head has arrived and whose body waits. Exactly one of `read` and `discard` is called. */
export interface OpenResponse extends ResponseHead {
  readonly url: URL
  /** Lets the body flow; resolves at its end. Rejects with a TransferError, the signal's reason, or what the sink threw. */
  read(sink: ByteSink, place?: BytePlace): Promise<BodyEnd>
  /** Goes on after the sink returned false. */
  resume(): void
  /** Ends the answer: a read under way rejects with the reason. */
  abort(reason: unknown): void
  /** Gives the body up: a small one is read away so that the connection can be used again, any other is cut off at once. */
  discard(): void
}

export interface BodyEnd {
  readonly receivedBytes: number
  /** The connection was reset where its close was the only sign of the end. */
  readonly isReset: boolean
}

/**
 * Sends one GET and resolves with the head of its answer. Failures are TransferErrors: idle_timeout after `idleTimeoutMs`
 * without a byte while we were ready to read, and what connectionFailure makes of the rest. Waiting for a free connection is not
 * silence of the peer and has no limit here.
 */
export function openResponse(
  transport: HttpTransport,
  request: {
    readonly url: URL
    readonly headers: Readonly<Record<string, string>>
    readonly idleTimeoutMs: number
    readonly signal: AbortSignal
  },
): Promise<OpenResponse> {
  if (request.signal.aborted) return Promise.reject(request.signal.reason)
  const exchange = new Exchange(request.url, request.idleTimeoutMs, request.signal)
  exchange.start(transport, request.headers)
  return exchange.head
}

/** Reading this much costs less than a new connection. */
const SMALL_BODY_BYTES = 4096
const EMPTY_HEADERS: ResponseHead['headers'] = {}

/** The life of one GET: waiting for a connection, waiting for the head, head there and body waiting, reading, over. */
class Exchange implements ExchangeListener, OpenResponse {
  readonly url: URL
  statusCode = 0
  headers = EMPTY_HEADERS
  readonly #idleTimeoutMs: number
  readonly #signal: AbortSignal
  readonly #head = Promise.withResolvers<OpenResponse>()
  readonly #body = Promise.withResolvers<BodyEnd>()
  #stage: ExchangeContext['stage'] = 'waiting'
  #receivedBytes = 0
  #isOver = false
  #http: HttpExchange | null = null
  #watchdog: Watchdog | null = null
  #sink: ByteSink | null = null
  #place: BytePlace | null = null

  constructor(url: URL, idleTimeoutMs: number, signal: AbortSignal) {
    this.url = url
    this.#idleTimeoutMs = idleTimeoutMs
    this.#signal = signal
    // A body that breaks before anybody reads it is reported by read(); until then nobody listens.
    this.#body.promise.catch(() => undefined)
  }

  get head(): Promise<OpenResponse> {
    return this.#head.promise
  }

  start(transport: HttpTransport, headers: Readonly<Record<string, string>>): void {
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    this.#http = transport.get({ url: this.url, headers }, this)
  }

  onSent(): void {
    this.#stage = 'head'
    this.#watchdog = startWatchdog(this.#idleTimeoutMs, () =>
      this.#fail(idleTimeout(this.#context(), this.#idleTimeoutMs)),
    )
  }

  onHead(head: ResponseHead): void {
    this.#stage = 'body'
    this.statusCode = head.statusCode
    this.headers = head.headers
    this.#watchdog?.pause()
    this.#head.resolve(this)
  }

  onData(chunk: Uint8Array): void {
    if (this.#isOver || !this.#sink) return
    this.#watchdog?.beat()
    this.#receivedBytes += chunk.byteLength
    let goesOn: boolean
    try {
      goesOn = this.#sink(chunk)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (goesOn || this.#isOver) return
    this.#watchdog?.pause()
    this.#http?.pause()
  }

  onEnd(end: { readonly isReset: boolean }): void {
    if (!this.#finish()) return
    this.#body.resolve({ receivedBytes: this.#receivedBytes, isReset: end.isReset })
  }

  onError(error: unknown): void {
    this.#fail(connectionFailure(error, this.#context()))
  }

  place(): Uint8Array | null {
    return this.#isOver ? null : (this.#place?.() ?? null)
  }

  read(sink: ByteSink, place?: BytePlace): Promise<BodyEnd> {
    this.#sink = sink
    this.#place = place ?? null
    this.resume()
    return this.#body.promise
  }

  resume(): void {
    if (this.#isOver || !this.#sink) return
    this.#watchdog?.resume()
    this.#http?.resume()
  }

  abort(reason: unknown): void {
    this.#fail(reason)
  }

  discard(): void {
    if (this.#isOver || this.#sink) return
    const lengthBytes = parseContentLength(this)
    // Its end is nobody's concern; the watchdog and the signal still hold.
    if (lengthBytes !== null && lengthBytes <= SMALL_BODY_BYTES) this.read(() => true).catch(() => undefined)
    else this.#fail(new Error('The body was not wanted.'))
  }

  readonly #onAbort = (): void => this.#fail(this.#signal.reason)

  #fail(reason: unknown): void {
    if (!this.#finish()) return
    this.#http?.abort(reason)
    this.#head.reject(reason)
    this.#body.reject(reason)
  }

  /** True the first time. */
  #finish(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#watchdog?.stop()
    this.#signal.removeEventListener('abort', this.#onAbort)
    return true
  }

  #context(): ExchangeContext {
    return { url: this.url, stage: this.#stage, receivedBytes: this.#receivedBytes }
  }
}
