import type { ExchangeListener, HttpExchange, HttpTransport, ResponseHead } from '../http-transport.ts'
import type { ConnectOptions } from '../http1/connect-socket.ts'
import { isSendableField } from '../http1/field-line.ts'
import type { Http2Connection, Http2Timing } from './http2-connection.ts'
import { Http2Error } from './http2-error.ts'
import { CLIENT_CLOSED, Http2Pool, type Http2Waiter } from './http2-pool.ts'
import type { Http2Stream, StreamListener, StreamRequest } from './http2-stream.ts'

/** So long a host that chose HTTP/1.1 is not asked for HTTP/2 again. */
const OTHER_PROTOCOL_MS = 600_000
/** Together as long as readers wait for a silent request before they fall back to another (SlicePool). */
const TIMING: Http2Timing = { silentMs: 2_000, pingMs: 3_000 }

export interface Http2Options extends Omit<ConnectOptions, 'protocols'> {
  /** What carries requests to hosts that do not speak HTTP/2, and to http: URLs. It is not closed here. */
  readonly fallback: HttpTransport
  readonly timing?: Http2Timing
}

/**
 * GETs over HTTP/2, where the server chooses it in the TLS handshake. A GET whose connection ends before any of its answer has come, or
 * that the server has refused, is sent once more.
 */
export function createHttp2Transport(options: Http2Options): HttpTransport {
  const hosts = new Http2Hosts(options)
  return {
    get({ url, headers }, listener) {
      const exchange = new Http2Exchange(hosts, url, headers, listener)
      exchange.start()
      return exchange
    },
    close() {
      hosts.close()
      return Promise.resolve()
    },
  }
}

/** The pools of all hosts, and which hosts have chosen something else. */
class Http2Hosts {
  readonly fallback: HttpTransport
  readonly #options: Http2Options
  readonly #pools = new Map<string, Http2Pool>()
  /** Until when a host is left to the fallback. */
  readonly #others = new Map<string, number>()
  #isClosed = false

  constructor(options: Http2Options) {
    this.#options = options
    this.fallback = options.fallback
  }

  /** Null where the fallback is to be used. Throws where the client is closed. */
  of(url: URL): Http2Pool | null {
    if (this.#isClosed) throw CLIENT_CLOSED
    const { origin, protocol } = url
    if (protocol !== 'https:' || (this.#others.get(origin) ?? 0) > performance.now()) return null
    this.#others.delete(origin)
    const known = this.#pools.get(origin)
    if (known) return known
    for (const [each, pool] of this.#pools) if (pool.isUnused) this.#pools.delete(each)
    const pool = new Http2Pool(url, { ...this.#options, timing: this.#options.timing ?? TIMING }, () => {
      for (const [each, untilMs] of this.#others) if (untilMs <= performance.now()) this.#others.delete(each)
      this.#others.set(origin, performance.now() + OTHER_PROTOCOL_MS)
    })
    this.#pools.set(origin, pool)
    return pool
  }

  close(): void {
    this.#isClosed = true
    for (const pool of this.#pools.values()) pool.close(CLIENT_CLOSED)
  }
}

/** One GET: waiting for a connection, on a stream of one, left to the fallback, or over. */
class Http2Exchange implements HttpExchange, Http2Waiter, StreamListener {
  readonly #hosts: Http2Hosts
  readonly #url: URL
  readonly #request: StreamRequest
  readonly #listener: ExchangeListener
  #pool: Http2Pool | null = null
  #stream: Http2Stream | null = null
  #other: HttpExchange | null = null
  #hasBeenSent = false
  #hasRetried = false
  #isOver = false

  constructor(hosts: Http2Hosts, url: URL, headers: Readonly<Record<string, string>>, listener: ExchangeListener) {
    this.#hosts = hosts
    this.#url = url
    this.#request = { path: `${url.pathname}${url.search}`, headers }
    this.#listener = listener
  }

  start(): void {
    try {
      for (const [name, value] of Object.entries(this.#request.headers))
        if (!isSendableField(name, value))
          throw new Http2Error('HTTP2_INVALID_REQUEST', 'A header has characters that HTTP cannot carry.')
      this.#pool = this.#hosts.of(this.#url)
    } catch (error) {
      this.onFailed(error)
      return
    }
    if (this.#pool) this.#pool.take(this)
    else this.onOtherProtocol()
  }

  onConnection(connection: Http2Connection): void {
    this.#stream = connection.open(this.#request, this)
    if (this.#hasBeenSent) return
    this.#hasBeenSent = true
    this.#listener.onSent()
  }

  onOtherProtocol(): void {
    this.#other = this.#hosts.fallback.get({ url: this.#url, headers: this.#request.headers }, this.#listener)
  }

  onHead(head: ResponseHead): void {
    this.#listener.onHead(head)
  }

  onData(chunk: Uint8Array): void {
    this.#listener.onData(chunk)
  }

  onEnd(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.onEnd({ isReset: false })
  }

  onFailed(error: unknown, canBeSentAgain = false): void {
    if (this.#isOver) return
    this.#stream = null
    if (canBeSentAgain && !this.#hasRetried && this.#pool) {
      this.#hasRetried = true
      this.#pool.take(this)
      return
    }
    this.#isOver = true
    this.#listener.onError(error)
  }

  pause(): void {
    this.#other?.pause()
    this.#stream?.pause()
  }

  resume(): void {
    this.#other?.resume()
    this.#stream?.resume()
  }

  abort(reason: unknown): void {
    if (this.#other) {
      this.#other.abort(reason)
      return
    }
    if (this.#isOver) return
    this.#isOver = true
    if (this.#stream) this.#stream.cancel()
    else this.#pool?.cancel(this)
    this.#listener.onError(reason)
  }
}
