import * as http2 from 'node:http2'
import type { Socket } from 'node:net'
import { startPatientTimer } from '../http1/patient-timer.ts'
import { Http2Error } from './http2-error.ts'
import { Http2Stream, type StreamListener, type StreamRequest } from './http2-stream.ts'

/** What the server may send of one answer before we have read it; also what a reader who stands still costs in memory at most. */
const STREAM_WINDOW_BYTES = 1024 * 1024
/** Requests on one connection at once. Its window is that of all of them, so that none stands still because of another. */
const MAX_STREAMS = 16
/** Streams leave something behind in node until it collects its garbage. */
const MAX_CARRIED = 1_000
const IDLE_MS = 90_000

export interface Http2Timing {
  /** A connection that owes an answer and is silent for so long is asked for a sign of life (PING, RFC 9113 section 6.7). */
  readonly silentMs: number
  /** Without an answer for so long after that, it is taken for dead. */
  readonly pingMs: number
}

/** Whom a connection belongs to. */
export interface Http2Owner {
  /** It may have room again, or has none any more. */
  onChange(): void
  /** It is over; what was on it has been told. */
  onGone(connection: Http2Connection): void
}

/**
 * One HTTP/2 session (RFC 9113) that carries several GETs at once. Nothing that sends is called from a callback of node:http2, which may
 * be inside nghttp2's reading then (nodejs/node#38964): that ended processes. Every emitter keeps a listener for errors to its end.
 */
export class Http2Connection {
  readonly #socket: Socket
  readonly #session: http2.ClientHttp2Session
  readonly #owner: Http2Owner
  readonly #timing: Http2Timing
  readonly #authority: string
  readonly #streams = new Set<Http2Stream>()
  readonly #watch: NodeJS.Timeout
  /** One until the server has said how many it allows, so that it need not refuse any. */
  #maxStreams = 1
  #carried = 0
  #lastByteMs = performance.now()
  #ping: { stop(): void } | null = null
  #idle: NodeJS.Timeout | null = null
  /** Takes no more requests: it was told to go, has carried enough, or is over. */
  #isLeaving = false
  #isEnding = false
  #isGone = false
  #error: unknown = null
  #hasToldLoss = false

  constructor(url: URL, socket: Socket, owner: Http2Owner, timing: Http2Timing) {
    this.#socket = socket.on('error', () => undefined)
    this.#owner = owner
    this.#timing = timing
    this.#authority = url.host
    this.#session = http2.connect(url.origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    })
    this.#session
      .on('connect', () => {
        if (!this.#session.destroyed) this.#session.setLocalWindowSize(MAX_STREAMS * STREAM_WINDOW_BYTES)
      })
      .on('remoteSettings', ({ maxConcurrentStreams = MAX_STREAMS }) => {
        this.#maxStreams = Math.max(1, Math.min(maxConcurrentStreams, MAX_STREAMS))
        this.#heard()
        this.#owner.onChange()
      })
      // Streams that the server has not begun are refused by node, and asked for anew.
      .on('goaway', () => this.#leave())
      .on('error', (error) => {
        this.#error = error
        this.#leave()
      })
      .on('close', () => this.#gone())
    this.#watch = setInterval(() => this.#look(), Math.max(10, timing.silentMs / 2)).unref()
    this.#rest()
  }

  /** Requests under way. */
  get load(): number {
    return this.#streams.size
  }

  /** Takes no more requests, and ends once those it has are over. */
  get isLeaving(): boolean {
    return this.#isLeaving
  }

  /** It goes on, and answers. */
  get isSound(): boolean {
    return !this.#isLeaving && this.#ping === null
  }

  get hasRoom(): boolean {
    return this.isSound && this.load < this.#maxStreams
  }

  /** Sends a GET. Where that fails at once the listener is told later. Not to be called from a callback of node:http2. */
  open(request: StreamRequest, listener: StreamListener): Http2Stream {
    this.#carried++
    if (this.#carried >= MAX_CARRIED) this.#isLeaving = true
    if (this.#idle) clearTimeout(this.#idle)
    this.#idle = null
    this.#session.ref()
    if (this.#streams.size === 0) this.#lastByteMs = performance.now()
    const isLost = () => this.#isLost
    const stream = new Http2Stream(listener, {
      heard: () => this.#heard(),
      over: () => this.#over(stream),
      get isLost() {
        return isLost()
      },
      lossOf: (error) => this.#lossOf(error),
    })
    this.#streams.add(stream)
    stream.start(this.#session, { ...request, authority: this.#authority })
    return stream
  }

  /** Ends it and what is on it. */
  destroy(error: Error): void {
    this.#isLeaving = true
    setImmediate(() => {
      if (!this.#session.destroyed) this.#session.destroy(error)
      this.#socket.destroy()
    })
  }

  #heard(): void {
    this.#lastByteMs = performance.now()
    if (!this.#ping) return
    this.#ping.stop()
    this.#ping = null
    this.#owner.onChange()
  }

  #over(stream: Http2Stream): void {
    if (!this.#streams.delete(stream)) return
    if (this.#streams.size === 0) this.#rest()
    this.#owner.onChange()
  }

  /** Nothing is on it: it waits to be used again, for a time, unless it is leaving. */
  #rest(): void {
    if (this.#isGone) return
    this.#session.unref()
    this.#idle = setTimeout(() => this.#close(), this.#isLeaving ? 0 : IDLE_MS).unref()
  }

  #close(): void {
    this.#isLeaving = true
    this.#owner.onChange()
    setImmediate(() => {
      if (!this.#session.closed && !this.#session.destroyed) this.#session.close()
    })
  }

  #leave(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    if (this.#streams.size === 0) this.#rest()
    this.#owner.onChange()
  }

  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#isLeaving = true
    clearInterval(this.#watch)
    if (this.#idle) clearTimeout(this.#idle)
    this.#ping?.stop()
    this.#socket.destroy()
    for (const stream of [...this.#streams]) stream.lost()
    this.#owner.onGone(this)
  }

  /** Node may wait for ever with the end of a session for what it cannot send any more: at the second look it is over. */
  #end(): void {
    if (this.#isEnding) {
      this.#session.destroy()
      this.#gone()
    }
    this.#isEnding = true
  }

  get #isLost(): boolean {
    return this.#isGone || this.#session.closed || this.#session.destroyed || this.#socket.destroyed
  }

  /** The reason goes to the first of the answers that it cuts; to all others it says that the loss was shared. */
  #lossOf(error: unknown): unknown {
    if (this.#hasToldLoss) return new Http2Error('HTTP2_SHARED', 'The connection broke.', error)
    this.#hasToldLoss = true
    return error ?? this.#error ?? new Http2Error('HTTP2_CLOSED', 'The connection was closed.')
  }

  /** A connection that stands still holds up all that is on it: it is told apart from a slow answer by a PING. */
  #look(): void {
    if (this.#isEnding || this.#session.destroyed || (this.#isLeaving && this.#streams.size === 0)) {
      this.#end()
      return
    }
    if (this.#ping) return
    if (![...this.#streams].some((stream) => stream.isOwed)) {
      this.#lastByteMs = performance.now()
      return
    }
    if (performance.now() - this.#lastByteMs < this.#timing.silentMs) return
    this.#ping = startPatientTimer(this.#timing.pingMs, () =>
      this.destroy(new Http2Error('HTTP2_SILENT', 'The connection stands still.')),
    )
    try {
      this.#session.ping((error) => {
        if (!error) this.#heard()
      })
    } catch {
      // It is closing; the timer or its close ends the wait.
    }
    this.#owner.onChange()
  }
}
