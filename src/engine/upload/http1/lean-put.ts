import type { Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { TLSSocket } from 'node:tls'
import type { ResponseHead } from '../../source/http-transport.ts'
import type { AnswerListener, Connection } from '../../source/http1/connection.ts'
import type { ConnectionPool, Waiter } from '../../source/http1/connection-pool.ts'
import { WireError } from '../../source/http1/wire-error.ts'
import { MAX_ERROR_BODY_BYTES, type PartAnswer, type PartRequest } from '../part-carrier.ts'

/**
 * One PUT: waiting for a connection, sending and listening at the same time, over. An answer that is an error ends it at
 * once; a success is believed when the kernel has the whole body, or at once where bytes are missing, for the caller to judge.
 */
export class LeanPut implements Waiter, AnswerListener {
  readonly #pool: ConnectionPool
  readonly #head: string
  readonly #request: PartRequest
  readonly #contentLength: number
  readonly #settled = Promise.withResolvers<PartAnswer>()
  #connection: Connection | null = null
  #answerHead: ResponseHead | null = null
  #text = ''
  /** A character may come in two pieces. */
  readonly #decoder = new StringDecoder('utf8')
  #hasAnswer = false
  #handedBytes = 0
  #isSent = false
  #isOver = false
  /** Ends the wait for the kernel. */
  #wake: () => void = () => undefined

  constructor(pool: ConnectionPool, head: string, request: PartRequest) {
    this.#pool = pool
    this.#head = head
    this.#request = request
    this.#contentLength = Number(request.headers['content-length'] ?? 0)
    request.signal.addEventListener('abort', this.#onAbort, { once: true })
    pool.take(this)
  }

  get answer(): Promise<PartAnswer> {
    return this.#settled.promise
  }

  onConnection(connection: Connection): void {
    const { body } = this.#request
    const { socket } = connection
    this.#connection = connection
    if (!socket || !body) {
      connection.begin('PUT', this.#head, false, this)
      this.#isSent = true
      return
    }
    // The head leaves with the first bytes. TLS would copy what is gathered, so there it goes alone.
    if (!(socket instanceof TLSSocket)) socket.cork()
    connection.begin('PUT', this.#head, true, this)
    void this.#send(connection, socket, body)
  }

  onHead(head: ResponseHead): void {
    this.#answerHead = head
    this.#connection?.resume()
  }

  onData(chunk: Uint8Array): void {
    if (this.#isSuccess()) return
    this.#text += this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (this.#text.length > MAX_ERROR_BODY_BYTES) this.#finish()
  }

  onEnd(): void {
    this.#hasAnswer = true
    // The kernel tells of what came before of what left: of a whole body the rest has left, and only that is not told yet.
    const waitsForKernel = !this.#isSent && this.#isSuccess() && this.#handedBytes === this.#contentLength
    if (!waitsForKernel) this.#finish()
  }

  onFailed(error: unknown): void {
    // Behind the status line of an error a broken connection says no more than that.
    if (this.#answerHead && !this.#isSuccess()) this.#finish()
    else this.#fail(error)
  }

  readonly #onAbort = (): void => this.#fail(this.#request.signal.reason)

  /** Sends piece after piece, each when the kernel has the last one. */
  async #send(connection: Connection, socket: Socket, body: NonNullable<PartRequest['body']>): Promise<void> {
    try {
      for await (const piece of body) {
        if (this.#isOver) return
        this.#handedBytes += piece.length
        if (this.#handedBytes > this.#contentLength) throw wrongLength()
        if (typeof piece !== 'string') await this.#write(connection, socket, piece)
        else {
          if (!(socket instanceof TLSSocket) && socket.writableCorked === 0) socket.cork()
          socket.write(piece, 'latin1')
        }
        if (this.#isOver) return
      }
      if (this.#handedBytes !== this.#contentLength) throw wrongLength()
      // What was gathered last, a trailer say, is small: it is copied by now.
      while (socket.writableCorked > 0) socket.uncork()
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#isSent = true
    connection.sent()
    if (this.#hasAnswer) this.#finish()
  }

  /** Resolves when the kernel has the bytes, or nothing is to be sent any more. */
  #write(connection: Connection, socket: Socket, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      socket.write(bytes, (error) => {
        if (error) this.#onWriteFailed(connection, error)
        resolve()
      })
      while (socket.writableCorked > 0) socket.uncork()
    })
  }

  /** The connection broke below a write. With the answer there already, that is what counts. */
  #onWriteFailed(connection: Connection, error: Error): void {
    if (this.#isOver) return
    if (this.#hasAnswer) this.#finish()
    else connection.destroy(error)
  }

  #isSuccess(): boolean {
    const status = this.#answerHead?.statusCode ?? 0
    return status >= 200 && status < 300
  }

  #finish(): void {
    if (!this.#answerHead || !this.#end()) return
    const { statusCode, headers } = this.#answerHead
    this.#settled.resolve({ statusCode, headers, text: this.#text })
    // Unless both directions are through, the connection is of no use any more.
    if (!this.#isSent || !this.#hasAnswer) this.#connection?.destroy(null)
    this.#wake()
  }

  #fail(error: unknown): void {
    if (!this.#end()) return
    this.#settled.reject(error)
    if (this.#connection) this.#connection.destroy(error)
    else this.#pool.cancel(this)
    this.#wake()
  }

  /** True the first time. */
  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#request.signal.removeEventListener('abort', this.#onAbort)
    return true
  }
}

function wrongLength(): WireError {
  return new WireError('HTTP1_INVALID_REQUEST', 'The body is not as long as its Content-Length.')
}
