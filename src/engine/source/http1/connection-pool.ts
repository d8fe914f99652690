import type { Socket } from 'node:net'
import { type Connecting, type ConnectOptions, connectSocket } from './connect-socket.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { OriginMemory } from './origin-memory.ts'
import { WireError } from './wire-error.ts'

/** Idle connections are closed after this, or a second before the server says it would. */
const IDLE_MS = 90_000
const HINT_MARGIN_MS = 1000
/** So many that have carried something stay for all of that time; others are closed soon. A server waits less long for the first head. */
const KEPT_IDLE = 10
const SURPLUS_IDLE_MS = 5_000

/** Somebody who waits for a connection. Exactly one of the two is called, unless cancelled. */
export interface Waiter {
  onConnection(connection: Connection): void
  onFailed(error: unknown): void
}

export interface PoolOptions extends ConnectOptions {
  readonly maxConnections: number
  /** Called with each new connection before it is used. */
  readonly prepare?: (socket: Socket) => void
}

/**
 * The connections to one origin, at most `maxConnections`. A free one is used before a new one is opened, the one that was
 * free last first; who waits is served in order, by whichever connection is ready first.
 */
export class ConnectionPool implements ConnectionOwner {
  readonly #url: URL
  readonly #options: PoolOptions
  readonly #memory: OriginMemory
  readonly #idle: Connection[] = []
  readonly #connecting = new Map<Connection, Connecting>()
  readonly #open = new Set<Connection>()
  readonly #waiters = new Set<Waiter>()
  #closedBy: unknown = null

  constructor(url: URL, options: PoolOptions, memory: OriginMemory) {
    this.#url = new URL(url.origin)
    this.#options = options
    this.#memory = memory
  }

  /** Nothing is open and nobody waits. */
  get isUnused(): boolean {
    return this.#open.size === 0 && this.#connecting.size === 0 && this.#waiters.size === 0
  }

  /** Asks for a connection. `mustBeNew`: not one that was idle, which may be as stale as the one before. */
  take(waiter: Waiter, mustBeNew = false): void {
    if (this.#closedBy) {
      waiter.onFailed(this.#closedBy)
      return
    }
    const idle = this.#idle.pop()
    if (idle && mustBeNew) idle.destroy(null)
    else if (idle) {
      this.#hand(idle, waiter)
      return
    }
    this.#waiters.add(waiter)
    this.#fill()
  }

  /** Gives up waiting; a connection that is being made for nobody then is given up too. */
  cancel(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter)) return
    if (this.#connecting.size <= this.#waiters.size) return
    const [newest] = [...this.#connecting].reverse()
    if (!newest) return
    this.#connecting.delete(newest[0])
    newest[1].cancel()
  }

  /** Destroys every connection; who uses one or waits for one gets the error. */
  close(error: Error): void {
    this.#closedBy = error
    for (const connecting of this.#connecting.values()) connecting.cancel()
    this.#connecting.clear()
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const connection of [...this.#open]) connection.destroy(error)
    for (const waiter of waiters) waiter.onFailed(error)
  }

  onFree(connection: Connection, keepAliveHintMs: number | null): void {
    const [next] = this.#waiters
    if (next) {
      this.#waiters.delete(next)
      next.onConnection(connection)
      return
    }
    const longestMs = connection.carriedCount > 0 && this.#idle.length < KEPT_IDLE ? IDLE_MS : SURPLUS_IDLE_MS
    const idleMs = keepAliveHintMs === null ? longestMs : Math.min(longestMs, keepAliveHintMs - HINT_MARGIN_MS)
    if (idleMs <= 0) {
      connection.destroy(null)
      return
    }
    this.#idle.push(connection)
    connection.socket?.setTimeout(idleMs).unref()
  }

  onGone(connection: Connection): void {
    this.#open.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#fill()
  }

  #hand(connection: Connection, waiter: Waiter): void {
    connection.socket?.setTimeout(0).ref()
    waiter.onConnection(connection)
  }

  /** Opens connections for those who wait, as far as the cap allows. */
  #fill(): void {
    const room = this.#options.maxConnections - this.#open.size - this.#connecting.size
    const wanted = this.#waiters.size - this.#connecting.size
    for (let count = Math.min(room, wanted); count > 0; count--) this.#connect()
  }

  #connect(): void {
    const connection = new Connection(this)
    const connecting = connectSocket(
      this.#url,
      this.#options,
      this.#memory,
      connection.onread,
      (socket) => {
        this.#connecting.delete(connection)
        this.#open.add(connection)
        this.#options.prepare?.(socket)
        connection.attach(socket)
        this.onFree(connection, null)
      },
      (error) => {
        this.#connecting.delete(connection)
        // Where others are still connecting for all who wait, one of those may succeed.
        const [first] = this.#waiters
        if (first && this.#waiters.size > this.#connecting.size) {
          this.#waiters.delete(first)
          first.onFailed(error)
        }
        this.#fill()
      },
    )
    this.#connecting.set(connection, connecting)
  }
}

/** Origins remembered at once; the oldest goes first. */
const MAX_MEMORIES = 512

/** The pools of all origins of one client; what was learned of an origin outlives its pool. */
export class ConnectionPools {
  readonly #options: PoolOptions
  readonly #pools = new Map<string, ConnectionPool>()
  readonly #memories = new Map<string, OriginMemory>()
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** The pool of an origin. Throws where the client is closed. */
  of(url: URL): ConnectionPool {
    if (this.#isClosed) throw new WireError('HTTP1_CLOSED', 'The client is closed.')
    const known = this.#pools.get(url.origin)
    if (known) return known
    for (const [origin, pool] of this.#pools) if (pool.isUnused) this.#pools.delete(origin)
    const pool = new ConnectionPool(url, this.#options, this.#memoryOf(url.origin))
    this.#pools.set(url.origin, pool)
    return pool
  }

  close(): void {
    this.#isClosed = true
    for (const pool of this.#pools.values()) pool.close(new WireError('HTTP1_CLOSED', 'The client was closed.'))
    this.#pools.clear()
    this.#memories.clear()
  }

  #memoryOf(origin: string): OriginMemory {
    const memory = this.#memories.get(origin) ?? { session: null, address: null }
    const [oldest] = this.#memories.keys()
    if (this.#memories.size >= MAX_MEMORIES && oldest !== undefined) this.#memories.delete(oldest)
    this.#memories.set(origin, memory)
    return memory
  }
}
