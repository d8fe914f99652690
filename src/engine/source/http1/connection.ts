import type { OnReadOpts, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ResponseHead } from '../http-transport.ts'
import { LEAST_PLACE_BYTES, reusedRead } from './read-buffer.ts'
import { ResponseParser } from './response-parser.ts'
import { malformed, WireError } from './wire-error.ts'

/** What a connection tells about the answer it carries, in this order; after `onEnd` or `onFailed` nothing more. */
export interface AnswerListener {
  /** The head of the final answer. The body does not flow before `resume()`. */
  onHead(head: ResponseHead): void
  /** Body bytes, transfer coding taken off. Valid during the call. Not called while paused. */
  onData(chunk: Uint8Array): void
  /**
   * Where the next bytes of the body may go without a copy; `onData` gets them there. The memory stays the listener's until it
   * has ended, or has ended the answer itself: a connection that is destroyed reads no more. Null for a buffer of the connection.
   */
  place?(): Uint8Array | null
  /** The answer was whole. The connection has been handed back before. */
  onEnd(): void
  /** `hasBegun`: a byte of the answer had come. The connection is destroyed. */
  onFailed(error: unknown, hasBegun: boolean): void
}

/** Whom a connection belongs to. */
export interface ConnectionOwner {
  /** An answer has ended and the connection may carry another request, for so long as the server said (or null). */
  onFree(connection: Connection, keepAliveHintMs: number | null): void
  onGone(connection: Connection): void
}

const NOTHING = Buffer.alloc(0)
/** The listener pauses at the head and has no place before it goes on, so what comes until then is copied: that should be little. */
const UNPLACED_READ_BYTES = 16 * 1024
/** One for all: it is empty again when a read has been handed out. */
const unplacedRead = Buffer.allocUnsafeSlow(UNPLACED_READ_BYTES)

/**
 * One keep-alive connection that carries one request at a time. Reads into a reused buffer, without an allocation of its own
 * but one view per read; what is read while the listener pauses is copied and held, and only that.
 */
export class Connection {
  /** Requests carried before the current one. */
  carriedCount = 0
  readonly onread: OnReadOpts
  readonly #owner: ConnectionOwner
  #socket: Socket | null = null
  #listener: AnswerListener | null = null
  #parser: ResponseParser | null = null
  #held: Buffer[] = []
  #isPaused = false
  #isDelivering = false
  #isEnded = false
  /** Still sending: an answer that comes now does not free the connection before `sent`. */
  #isSending = false
  /** The answer that has ended while we were sending. */
  #answered: ResponseParser | null = null
  #isGone = false

  constructor(owner: ConnectionOwner) {
    this.#owner = owner
    this.onread = reusedRead(
      (bytes, length) => this.#onRead(bytes, length),
      () => this.#place(),
    )
  }

  get socket(): Socket | null {
    return this.#socket
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Once connected. */
  attach(socket: Socket): void {
    this.#socket = socket
    socket
      .on('error', (error) => this.destroy(error))
      .on('end', () => this.#onEnd())
      .on('close', () => this.#onClose())
      .on('timeout', () => this.destroy(new WireError('HTTP1_CLOSED', 'The connection was idle for too long.')))
  }

  /** Sends the head of a request. With `hasBody` the connection stays taken until `sent`, whatever the answer. */
  begin(method: 'GET' | 'PUT', head: string, hasBody: boolean, listener: AnswerListener): void {
    this.#listener = listener
    this.#parser = new ResponseParser(method)
    this.#isPaused = false
    this.#isSending = hasBody
    this.#answered = null
    this.#socket?.write(head, 'latin1')
  }

  /** The whole body was taken by the kernel. */
  sent(): void {
    if (!this.#isSending) return
    this.#isSending = false
    if (this.#answered) this.#handBack(this.#answered)
  }

  pause(): void {
    if (!this.#listener || this.#isPaused) return
    this.#isPaused = true
    // From inside a read it is enough to say so at its end.
    if (!this.#isDelivering) this.#socket?.pause()
  }

  resume(): void {
    if (!this.#isPaused || !this.#listener) return
    this.#isPaused = false
    if (this.#isDelivering) return
    if (this.#held.length === 0 && !this.#isEnded) this.#socket?.resume()
    // Later, so that a listener is never called from inside its own call or another's.
    else queueMicrotask(() => this.#deliverHeld())
  }

  /** Ends the answer under way with the error and closes the connection. Harmless when repeated. */
  destroy(error: unknown): void {
    if (this.#isGone) return
    this.#isGone = true
    const listener = this.#listener
    const hasBegun = this.#parser?.hasBegun ?? false
    this.#listener = null
    this.#held = []
    this.#socket?.destroy()
    this.#owner.onGone(this)
    listener?.onFailed(error, hasBegun)
  }

  /** Where the next read goes: to the listener where it is sure to be body, and nothing older waits. TLS copies anyway. */
  #place(): Buffer | null {
    if (!this.#parser?.head) return unplacedRead
    const { leftBytes } = this.#parser
    if (!this.#listener?.place || this.#isGone) return null
    if (this.#isPaused) return unplacedRead
    if (this.#held.length > 0) return null
    if (leftBytes < LEAST_PLACE_BYTES || this.#socket instanceof TLSSocket) return null
    const place = this.#listener.place()
    if (!place || place.length < LEAST_PLACE_BYTES) return null
    return Buffer.from(place.buffer, place.byteOffset, Math.min(place.length, leftBytes))
  }

  /** Returns false where reading is to stop. */
  #onRead(bytes: Buffer, length: number): boolean {
    if (this.#isGone) return false
    if (!this.#listener) {
      // Nobody asked: a late error page, or an answer that was longer than it said.
      this.destroy(malformed('bytes came that nobody asked for'))
      return false
    }
    if (this.#isPaused || this.#held.length > 0) {
      this.#held.push(Buffer.from(bytes.subarray(0, length)))
      return !this.#isPaused
    }
    const at = this.#deliver(bytes, 0, length)
    if (at < length) this.#held.push(Buffer.from(bytes.subarray(at, length)))
    return !this.#isPaused
  }

  /** Hands out what was read until the listener pauses or the answer ends; returns where it stopped. */
  #deliver(bytes: Buffer, start: number, end: number): number {
    const parser = this.#parser
    let at = start
    this.#isDelivering = true
    try {
      while (parser && this.#listener) {
        if (this.#isPaused && !parser.isComplete) return at
        const event = parser.next(bytes, at, end)
        at = parser.at
        if (event === 'more') return at
        if (event === 'end') {
          this.#finish(parser, at < end)
          return end
        }
        if (event === 'data') this.#listener.onData(bytes.subarray(parser.dataStart, at))
        else if (parser.head) {
          this.#isPaused = true
          this.#listener.onHead(parser.head)
        }
      }
    } catch (error) {
      this.destroy(error)
    } finally {
      this.#isDelivering = false
    }
    return end
  }

  #deliverHeld(): void {
    if (this.#isDelivering) return
    while (!this.#isPaused && this.#held.length > 0) {
      const bytes = this.#held.shift() as Buffer
      const at = this.#deliver(bytes, 0, bytes.length)
      if (at < bytes.length) this.#held.unshift(bytes.subarray(at))
    }
    if (this.#isPaused || this.#isGone || !this.#socket) return
    if (this.#isEnded) this.#finishByClose()
    else this.#socket.resume()
  }

  /** The peer has sent all it will send. */
  #onEnd(): void {
    this.#isEnded = true
    if (this.#held.length === 0 && !this.#isPaused) this.#finishByClose()
  }

  #onClose(): void {
    // What is held came before the end, and is handed out when the listener goes on.
    if (this.#isEnded && this.#listener) return
    this.destroy(new WireError('HTTP1_CLOSED', 'The connection was closed.'))
  }

  #finishByClose(): void {
    if (this.#isGone) return
    if (!this.#parser || !this.#listener) {
      this.destroy(new WireError('HTTP1_CLOSED', 'The server closed.'))
      return
    }
    try {
      this.#parser.finish()
    } catch (error) {
      this.destroy(error)
      return
    }
    this.#deliver(NOTHING, 0, 0)
  }

  #finish(parser: ResponseParser, isTooLong: boolean): void {
    // RFC 9112 section 6.3: more bytes may mean that the length was wrong, so what was read cannot be trusted.
    if (isTooLong) {
      this.destroy(malformed('it is longer than it says'))
      return
    }
    const listener = this.#listener
    this.#listener = null
    this.#parser = null
    this.#isPaused = false
    if (this.#isSending) this.#answered = parser
    else this.#handBack(parser)
    listener?.onEnd()
  }

  #handBack(parser: ResponseParser): void {
    if (this.#isGone) return
    if (!parser.keepsConnection || this.#isEnded) {
      this.destroy(null)
      return
    }
    this.#answered = null
    this.carriedCount++
    // A pause that the end of the answer overtook would leave a dead peer unseen.
    this.#socket?.resume()
    this.#owner.onFree(this, parser.keepAliveHintMs)
  }
}
