import type { ExchangeListener, HttpExchange, HttpTransport, ResponseHead } from '../http-transport.ts'
import type { AnswerListener, Connection } from './connection.ts'
import { type ConnectionPool, ConnectionPools, type PoolOptions, type Waiter } from './connection-pool.ts'
import { requestHead } from './request-head.ts'

/**
 * GETs over plain sockets: HTTP/1.1, one request at a time on a keep-alive connection. Costs less than half of the CPU time a
 * general client takes (npm run bench). A GET that finds its kept connection dead before a byte of an answer is sent once more.
 */
export function createLeanTransport(options: PoolOptions): HttpTransport {
  const pools = new ConnectionPools(options)
  return {
    get({ url, headers }, listener) {
      const exchange = new LeanExchange(listener)
      try {
        const head = requestHead('GET', `${url.pathname}${url.search}`, url.host, headers)
        exchange.start(pools.of(url), head)
      } catch (error) {
        exchange.onFailed(error)
      }
      return exchange
    },
    close() {
      pools.close()
      return Promise.resolve()
    },
  }
}

/** One GET: waiting for a connection, on one, over. */
class LeanExchange implements HttpExchange, Waiter, AnswerListener {
  readonly #listener: ExchangeListener
  #pool: ConnectionPool | null = null
  #head = ''
  #connection: Connection | null = null
  #hasBeenSent = false
  #hasRetried = false
  #isOver = false

  constructor(listener: ExchangeListener) {
    this.#listener = listener
  }

  start(pool: ConnectionPool, head: string): void {
    this.#pool = pool
    this.#head = head
    pool.take(this)
  }

  onConnection(connection: Connection): void {
    this.#connection = connection
    connection.begin('GET', this.#head, false, this)
    if (this.#hasBeenSent) return
    this.#hasBeenSent = true
    this.#listener.onSent()
  }

  onHead(head: ResponseHead): void {
    this.#listener.onHead(head)
  }

  onData(chunk: Uint8Array): void {
    this.#listener.onData(chunk)
  }

  place(): Uint8Array | null {
    return this.#isOver ? null : (this.#listener.place?.() ?? null)
  }

  onEnd(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#connection = null
    this.#listener.onEnd({ isReset: false })
  }

  onFailed(error: unknown, hasBegun = false): void {
    if (this.#isOver) return
    const wasKept = (this.#connection?.carriedCount ?? 0) > 0
    this.#connection = null
    // The server closed an idle connection just when it was used again (RFC 9112 section 9.3.1): a new one will do.
    if (wasKept && !hasBegun && !this.#hasRetried && this.#pool) {
      this.#hasRetried = true
      this.#pool.take(this, true)
      return
    }
    this.#isOver = true
    this.#listener.onError(error)
  }

  pause(): void {
    this.#connection?.pause()
  }

  resume(): void {
    this.#connection?.resume()
  }

  abort(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    const connection = this.#connection
    this.#connection = null
    if (connection) connection.destroy(reason)
    else this.#pool?.cancel(this)
    this.#listener.onError(reason)
  }
}
