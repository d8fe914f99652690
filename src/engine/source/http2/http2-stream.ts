import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import { constants } from 'node:http2'
import type { ResponseHead } from '../http-transport.ts'
import { Http2Error } from './http2-error.ts'

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants

/** What a stream tells about its answer, in this order; after `onEnd` or `onFailed` nothing more. */
export interface StreamListener {
  /** The head of the final answer. The body does not flow before `resume()`. */
  onHead(head: ResponseHead): void
  onData(chunk: Uint8Array): void
  onEnd(): void
  /** `canBeSentAgain`: nothing of an answer had come, and the server refused it or the connection ended. */
  onFailed(error: unknown, canBeSentAgain: boolean): void
}

export interface StreamRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** What a stream needs of its connection. */
interface Carrier {
  /** The server has sent something. */
  heard(): void
  over(): void
  /** The connection is over, or takes no more requests and only ends those it has. */
  readonly isLost: boolean
  /** What a connection that is over says to an answer it has cut. */
  lossOf(error: unknown): unknown
}

/** One GET on an HTTP/2 connection. Starts paused. */
export class Http2Stream {
  readonly #listener: StreamListener
  readonly #carrier: Carrier
  #stream: ClientHttp2Stream | null = null
  #hasHead = false
  #isPaused = true
  /** The server has ended its answer. */
  #isWhole = false
  #isOver = false
  #error: unknown = null

  constructor(listener: StreamListener, carrier: Carrier) {
    this.#listener = listener
    this.#carrier = carrier
  }

  /** The server is to send something: an answer, or more of one that we are ready to read. */
  get isOwed(): boolean {
    return !this.#isOver && (!this.#hasHead || !this.#isPaused)
  }

  start(session: ClientHttp2Session, request: StreamRequest & { readonly authority: string }): void {
    let stream: ClientHttp2Stream
    try {
      stream = session.request(
        {
          ':method': 'GET',
          ':scheme': 'https',
          ':authority': request.authority,
          ':path': request.path,
          ...request.headers,
        },
        { endStream: true },
      )
    } catch (error) {
      setImmediate(() => this.#fail(error, false))
      return
    }
    this.#stream = stream
    stream.pause()
    // The only place that tells the end of an answer (END_STREAM) from a reset without an error: node pushes the end after that one too.
    const push = stream.push.bind(stream)
    stream.push = (chunk, encoding) => {
      if (chunk === null && !stream.closed) this.#isWhole = true
      return push(chunk, encoding)
    }
    stream
      .on('response', (headers) => this.#onResponse(headers))
      .on('headers', () => this.#carrier.heard())
      .on('data', (chunk: Uint8Array) => {
        this.#carrier.heard()
        if (!this.#isOver) this.#listener.onData(chunk)
      })
      .on('end', () => this.#onEnd())
      .on('error', (error) => {
        this.#error ??= error
      })
      .on('close', () => this.#onClose())
  }

  pause(): void {
    this.#isPaused = true
    this.#stream?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#stream?.resume()
  }

  /** Gives the answer up, and tells the server (RST_STREAM); the other streams of the connection go on. Nothing more is called. */
  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#carrier.over()
    const stream = this.#stream
    setImmediate(() => {
      if (!stream || stream.destroyed) return
      stream.close(NGHTTP2_CANCEL)
      stream.destroy()
    })
  }

  /** Its connection is gone. */
  lost(): void {
    this.#fail(this.#error, false)
  }

  #onResponse(answer: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#carrier.heard()
    if (this.#isOver) return
    this.#hasHead = true
    const headers: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries(answer))
      if (!name.startsWith(':') && value !== undefined) headers[name] = value
    this.#listener.onHead({ statusCode: Number(answer[':status']), headers })
  }

  #onEnd(): void {
    if (this.#isOver || !this.#hasHead || !this.#isWhole) return
    this.#isOver = true
    this.#carrier.over()
    this.#listener.onEnd()
  }

  #onClose(): void {
    const isRefused = this.#stream?.rstCode === NGHTTP2_REFUSED_STREAM
    this.#fail(this.#error, isRefused)
  }

  #fail(error: unknown, isRefused: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    const { isLost } = this.#carrier
    const reason = isLost && this.#hasHead ? this.#carrier.lossOf(error) : error
    this.#carrier.over()
    const canBeSentAgain = !this.#hasHead && (isRefused || isLost)
    this.#listener.onFailed(reason ?? new Http2Error('HTTP2_RESET', 'The server ended the answer.'), canBeSentAgain)
  }
}
