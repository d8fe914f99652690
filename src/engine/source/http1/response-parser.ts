import { type BodyFraming, bodyFraming, keepAliveHintMs, keepsConnection } from './body-framing.ts'
import { ChunkedDecoder } from './chunked-decoder.ts'
import { HeadParser, type ParsedHead } from './head-parser.ts'
import { WireError } from './wire-error.ts'

/**
 * `head`: `head` is there. `data`: body bytes from `dataStart` to `at`. `end`: the answer is whole, and what follows `at` is not
 * part of it. `more`: all bytes were taken and more are needed.
 */
export type ParserEvent = 'head' | 'data' | 'end' | 'more'

/**
 * Reads one answer (RFC 9112) from bytes that come in pieces; however they are cut, the events say the same. Asked for the next
 * event rather than calling back, so that a reader can stop between any two and go on later from `at`.
 */
export class ResponseParser {
  /** Where in the last piece the reading stopped. */
  at = 0
  dataStart = 0
  head: ParsedHead | null = null
  /** The connection may carry another request once this answer has ended. */
  keepsConnection = false
  /** For so long the server keeps the connection, where it said so. */
  keepAliveHintMs: number | null = null
  readonly #isHeadRequest: boolean
  readonly #headParser = new HeadParser()
  #framing: BodyFraming | null = null
  #leftBytes = 0
  #chunks: ChunkedDecoder | null = null
  #hasEnded = false
  #hasBegun = false

  constructor(method: 'GET' | 'HEAD' | 'PUT') {
    this.#isHeadRequest = method === 'HEAD'
  }

  /** True once a byte of the answer has come. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** True where nothing is missing; `end` may still have to be fetched. */
  get isComplete(): boolean {
    return this.#hasEnded || (this.#framing?.kind === 'length' && this.#leftBytes === 0)
  }

  /** Bytes of a body of known length that are still to come; 0 where there is no such body, or not yet. */
  get leftBytes(): number {
    return this.#framing?.kind === 'length' ? this.#leftBytes : 0
  }

  /** The next event in the piece `[start, end)`. Throws WireError. */
  next(bytes: Buffer, start: number, end: number): ParserEvent {
    this.at = start
    if (start < end) this.#hasBegun = true
    if (!this.#framing) return this.#nextOfHead(bytes, start, end)
    if (this.isComplete) return this.#ended()
    if (start === end) return 'more'
    if (this.#chunks) return this.#nextOfChunks(this.#chunks, bytes, start, end)
    this.dataStart = start
    this.at = this.#framing.kind === 'length' ? Math.min(end, start + this.#leftBytes) : end
    this.#leftBytes -= this.at - start
    return 'data'
  }

  /** The connection has ended cleanly. Returns where that ends the answer too; throws HTTP1_TRUNCATED or HTTP1_CLOSED else. */
  finish(): void {
    if (!this.#framing) throw new WireError('HTTP1_CLOSED', 'The connection was closed before the answer.')
    if (this.#framing.kind !== 'close' && !this.isComplete)
      throw new WireError('HTTP1_TRUNCATED', 'The connection was closed before the answer was whole.')
    this.#hasEnded = true
  }

  #nextOfHead(bytes: Buffer, start: number, end: number): ParserEvent {
    this.head = this.#headParser.next(bytes, start, end)
    this.at = this.#headParser.at
    if (!this.head) return 'more'
    this.#framing = bodyFraming(this.head, this.#isHeadRequest)
    this.keepsConnection = keepsConnection(this.head, this.#framing)
    this.keepAliveHintMs = keepAliveHintMs(this.head)
    if (this.#framing.kind === 'length') this.#leftBytes = this.#framing.bytes
    if (this.#framing.kind === 'chunked') this.#chunks = new ChunkedDecoder()
    return 'head'
  }

  #nextOfChunks(chunks: ChunkedDecoder, bytes: Buffer, start: number, end: number): ParserEvent {
    const event = chunks.next(bytes, start, end)
    this.at = chunks.at
    this.dataStart = chunks.dataStart
    return event === 'end' ? this.#ended() : event
  }

  #ended(): ParserEvent {
    this.#hasEnded = true
    return 'end'
  }
}
