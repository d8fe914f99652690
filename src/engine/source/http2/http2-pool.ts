import type { TLSSocket } from 'node:tls'
import { type Connecting, type ConnectOptions, connectSocket } from '../http1/connect-socket.ts'
import type { OriginMemory } from '../http1/origin-memory.ts'
import { Http2Connection, type Http2Timing } from './http2-connection.ts'
import { Http2Error } from './http2-error.ts'

/**
 * Connections to one host. One alone would hide the parallelism of ranged reads (correctness.md case 23), and hold up all of them where it
 * stands still; more than this is what HTTP/1.1 is for.
 */
const MAX_CONNECTIONS = 8

const ENOUGH_MS = 30_000

/** One who waits for a connection. Exactly one of the three is called, unless cancelled, and never from a callback of node:http2. */
export interface Http2Waiter {
  onConnection(connection: Http2Connection): void
  /** The server does not speak HTTP/2 (ALPN). */
  onOtherProtocol(): void
  onFailed(error: unknown): void
}

export interface Http2PoolOptions extends ConnectOptions {
  readonly timing: Http2Timing
}

/**
 * The HTTP/2 connections to one host. A request gets one of its own as long as there are fewer than MAX_CONNECTIONS, else the one with the
 * fewest. One that is silent is passed over, and does not count: another takes its place.
 */
export class Http2Pool {
  readonly #url: URL
  readonly #options: Http2PoolOptions
  readonly #onOtherProtocol: () => void
  readonly #memory: OriginMemory = { session: null, address: null }
  readonly #open = new Set<Http2Connection>()
  readonly #connecting = new Set<Connecting>()
  readonly #waiters = new Set<Http2Waiter>()
  /** The host has refused one more connection; until then those it has granted are shared. */
  #enoughUntilMs = 0
  #isServing = false
  #closedBy: Error | null = null

  /** `onOtherProtocol` is called before those who wait are told. */
  constructor(url: URL, options: Http2PoolOptions, onOtherProtocol: () => void) {
    this.#url = new URL(url.origin)
    this.#options = { ...options, protocols: ['h2', 'http/1.1'] }
    this.#onOtherProtocol = onOtherProtocol
  }

  /** Nothing is open and nobody waits. */
  get isUnused(): boolean {
    return this.#open.size === 0 && this.#connecting.size === 0 && this.#waiters.size === 0
  }

  take(waiter: Http2Waiter): void {
    this.#waiters.add(waiter)
    this.#serveSoon()
  }

  /** Gives up waiting; what is connecting for nobody then is given up too. */
  cancel(waiter: Http2Waiter): void {
    if (!this.#waiters.delete(waiter) || this.#waiters.size > 0) return
    this.#cancelConnecting()
  }

  /** Destroys every connection; what is on one or waits for one gets the error. */
  close(error: Error): void {
    this.#closedBy = error
    this.#cancelConnecting()
    for (const connection of this.#open) connection.destroy(error)
    this.#tell((waiter) => waiter.onFailed(error))
  }

  /** Later, because what asks may be called by node:http2. */
  #serveSoon(): void {
    if (this.#isServing) return
    this.#isServing = true
    setImmediate(() => {
      this.#isServing = false
      this.#serve()
    })
  }

  #serve(): void {
    if (this.#closedBy) this.close(this.#closedBy)
    for (const waiter of [...this.#waiters]) {
      const connection = this.#leastLoaded()
      if (!connection || (connection.load > 0 && (this.#room > 0 || connection.load >= this.#fairShare))) break
      this.#waiters.delete(waiter)
      waiter.onConnection(connection)
    }
    const wanted = this.#waiters.size - this.#connecting.size
    for (let count = Math.min(this.#room, wanted); count > 0; count--) this.#connect()
  }

  get #sound(): number {
    let sound = 0
    for (const { isSound } of this.#open) if (isSound) sound++
    return sound
  }

  /** Connections that may be opened now. */
  get #room(): number {
    const sound = this.#sound
    if (sound > 0 && performance.now() < this.#enoughUntilMs) return 0
    let staying = 0
    for (const { isLeaving } of this.#open) if (!isLeaving) staying++
    const most = Math.min(MAX_CONNECTIONS - sound, 2 * MAX_CONNECTIONS - staying)
    return Math.max(0, most - this.#connecting.size)
  }

  /** What each connection has to carry once those that are coming are there; others wait for these. */
  get #fairShare(): number {
    if (this.#connecting.size === 0) return Number.POSITIVE_INFINITY
    let load = this.#waiters.size
    for (const connection of this.#open) load += connection.load
    return Math.ceil(load / (this.#sound + this.#connecting.size))
  }

  #leastLoaded(): Http2Connection | null {
    let least: Http2Connection | null = null
    for (const connection of this.#open)
      if (connection.hasRoom && (least === null || connection.load < least.load)) least = connection
    return least
  }

  #connect(): void {
    const connecting = connectSocket(
      this.#url,
      this.#options,
      this.#memory,
      null,
      (socket) => {
        this.#connecting.delete(connecting)
        if ((socket as TLSSocket).alpnProtocol !== 'h2') {
          socket.on('error', () => undefined).destroy()
          this.#cancelConnecting()
          this.#onOtherProtocol()
          this.#tell((waiter) => waiter.onOtherProtocol())
          return
        }
        const owner = {
          onChange: () => this.#serveSoon(),
          onGone: (gone: Http2Connection) => {
            this.#open.delete(gone)
            this.#serveSoon()
          },
        }
        this.#open.add(new Http2Connection(this.#url, socket, owner, this.#options.timing))
        this.#serveSoon()
      },
      (error) => {
        this.#connecting.delete(connecting)
        this.#enoughUntilMs = performance.now() + ENOUGH_MS
        const [first] = this.#waiters
        // Others that are connecting may succeed, and those that are open can be shared.
        if (first && this.#waiters.size > this.#connecting.size && this.#leastLoaded() === null) {
          this.#waiters.delete(first)
          first.onFailed(error)
        }
        this.#serveSoon()
      },
    )
    this.#connecting.add(connecting)
  }

  #cancelConnecting(): void {
    for (const connecting of this.#connecting) connecting.cancel()
    this.#connecting.clear()
  }

  #tell(say: (waiter: Http2Waiter) => void): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) say(waiter)
  }
}

/** What a client that was closed says. */
export const CLIENT_CLOSED = new Http2Error('HTTP2_CLOSED', 'The client was closed.')
