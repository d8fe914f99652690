import { createHash, type Hash } from 'node:crypto'
import { S3Error } from './s3-error.ts'
import { EMPTY_SHA256, equalText, hmacHex, type VerifiedSignature } from './verify-signature.ts'

const MAX_LINE_BYTES = 1024
const MAX_TRAILER_BYTES = 16 * 1024
const CR = 13
const LF = 10

/**
 * Decodes aws-chunked bodies as they arrive, cut anywhere: `size[;chunk-signature=…]CRLF bytes CRLF … 0 CRLF trailers CRLF`.
 * Data is handed on without copying. Each chunk's signature is checked when its last byte is in, so what was handed on counts only
 * once `finish` has passed. Throws SignatureDoesNotMatch, InvalidRequest, MalformedTrailerError, IncompleteBody.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
 */
export class AwsChunkedDecoder {
  /** Trailer headers, lower-case names, once `finish` has passed. */
  readonly trailers = new Map<string, string>()
  readonly #options: DecoderOptions
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size'
  #line: Buffer = Buffer.alloc(0)
  #remaining = 0
  #chunkSignature = ''
  #previousSignature: string
  #hash: Hash | null = null
  #trailerBytes = 0
  #trailerLines: string[] = []

  constructor(options: DecoderOptions) {
    this.#options = options
    this.#previousSignature = options.signing?.signature ?? ''
  }

  /** Takes what has arrived; calls `onData` for each run of decoded bytes. */
  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#state === 'done') throw new S3Error('InvalidRequest', 'There are bytes behind the last chunk.')
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#remaining)
        const data = bytes.subarray(at, end)
        this.#hash?.update(data)
        this.#options.onData(data)
        this.#remaining -= data.length
        at = end
        if (this.#remaining === 0) this.#state = 'data-end'
        continue
      }
      const newline = bytes.indexOf(LF, at)
      const end = newline === -1 ? bytes.length : newline + 1
      this.#line =
        this.#line.length === 0 ? bytes.subarray(at, end) : Buffer.concat([this.#line, bytes.subarray(at, end)])
      at = end
      const limit = this.#state === 'trailer' ? MAX_TRAILER_BYTES : MAX_LINE_BYTES
      if (this.#line.length > limit) throw new S3Error('InvalidRequest', 'A chunk header or trailer is too long.')
      if (newline === -1) {
        // A copy, so that a few bytes of a line do not hold the whole read buffer.
        this.#line = Buffer.from(this.#line)
        return
      }
      const line = this.#line
      this.#line = Buffer.alloc(0)
      this.#takeLine(line)
    }
  }

  /** The body has ended: throws IncompleteBody where it ended early, and checks what only the end can show. */
  finish(): void {
    // Some clients leave the last empty line out; the final chunk itself has to be there.
    if (this.#state === 'trailer' && this.#line.length === 0) this.#endTrailer()
    if (this.#state !== 'done') throw new S3Error('IncompleteBody', 'The body ended before its last chunk.')
  }

  #takeLine(line: Buffer): void {
    if (line.length < 2 || line[line.length - 2] !== CR)
      throw new S3Error('InvalidRequest', 'A line of the chunked body does not end in CRLF.')
    const text = line.toString('latin1', 0, line.length - 2)
    if (this.#state === 'size') this.#beginChunk(text)
    else if (this.#state === 'data-end') {
      if (text !== '') throw new S3Error('InvalidRequest', 'A chunk is longer than its header says.')
      this.#endChunk()
      this.#state = 'size'
    } else this.#takeTrailer(text)
  }

  #beginChunk(text: string): void {
    const match = /^([0-9a-fA-F]{1,13})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(text)
    if (!match) throw new S3Error('InvalidRequest', 'A chunk header is not of the form SIZE;chunk-signature=SIGNATURE.')
    this.#remaining = Number.parseInt(match[1] ?? '', 16)
    this.#chunkSignature = match[2] ?? ''
    if (this.#options.signing) this.#hash = createHash('sha256')
    if (this.#remaining > 0) {
      this.#state = 'data'
      return
    }
    this.#endChunk()
    this.#state = 'trailer'
  }

  #endChunk(): void {
    const { signing } = this.#options
    if (!signing || !this.#hash) return
    const expected = hmacHex(
      signing.signingKey,
      `AWS4-HMAC-SHA256-PAYLOAD\n${signing.amzDate}\n${signing.scope}\n${this.#previousSignature}\n${EMPTY_SHA256}\n${this.#hash.digest('hex')}`,
    )
    if (!equalText(expected, this.#chunkSignature))
      throw new S3Error('SignatureDoesNotMatch', 'The signature of a chunk does not match its bytes.')
    this.#previousSignature = expected
    this.#hash = null
  }

  #takeTrailer(text: string): void {
    if (text === '') {
      this.#endTrailer()
      return
    }
    this.#trailerBytes += text.length
    if (!this.#options.trailer || this.#trailerBytes > MAX_TRAILER_BYTES)
      throw new S3Error('MalformedTrailerError', 'The body has a trailer that was not announced, or a very long one.')
    const at = text.indexOf(':')
    if (at < 1) throw new S3Error('MalformedTrailerError', 'A trailer is not of the form NAME:VALUE.')
    const name = text.slice(0, at).trim().toLowerCase()
    const value = text.slice(at + 1).trim()
    if (name !== 'x-amz-trailer-signature') this.#trailerLines.push(`${name}:${value}\n`)
    this.trailers.set(name, value)
  }

  #endTrailer(): void {
    this.#state = 'done'
    const { signing, trailer } = this.#options
    if (!signing || !trailer) return
    const hash = createHash('sha256').update(this.#trailerLines.join(''), 'latin1').digest('hex')
    const expected = hmacHex(
      signing.signingKey,
      `AWS4-HMAC-SHA256-TRAILER\n${signing.amzDate}\n${signing.scope}\n${this.#previousSignature}\n${hash}`,
    )
    if (!equalText(expected, this.trailers.get('x-amz-trailer-signature') ?? ''))
      throw new S3Error('SignatureDoesNotMatch', 'The signature of the trailer does not match.')
  }
}

interface DecoderOptions {
  readonly onData: (data: Buffer) => void
  /** The request's signature where its chunks are signed, else null. */
  readonly signing: VerifiedSignature | null
  readonly trailer: boolean
}
