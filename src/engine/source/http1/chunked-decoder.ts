import { parseFieldLine } from './field-line.ts'
import { MAX_FIELDS } from './head-parser.ts'
import { LineReader } from './line-reader.ts'
import { malformed, tooManyHeaders } from './wire-error.ts'

const MAX_SIZE_DIGITS = 12
/** Of one chunk. */
const MAX_EXTENSION_BYTES = 1024
const MAX_TRAILER_BYTES = 16 * 1024
const CR = 0x0d
const LF = 0x0a

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'end'

/**
 * Decodes the chunked coding (RFC 9112 section 7.1) without an allocation per chunk. Extensions are skipped and trailers are
 * checked and dropped, both within bounds. Throws WireError for what is malformed.
 */
export class ChunkedDecoder {
  /** Where in the last piece the reading stopped; data is from `dataStart` to here. */
  at = 0
  dataStart = 0
  #state: State = 'size'
  #sizeBytes = 0
  #digits = 0
  #extensionBytes = 0
  #trailers: LineReader | null = null
  #trailerCount = 0

  /** Goes on in the piece `[start, end)`: to the next data, to the end of the body, or until more bytes are needed. */
  next(bytes: Buffer, start: number, end: number): 'data' | 'end' | 'more' {
    let at = start
    while (at < end) {
      if (this.#state === 'data') {
        this.dataStart = at
        this.at = Math.min(end, at + this.#sizeBytes)
        this.#sizeBytes -= this.at - at
        if (this.#sizeBytes === 0) this.#state = 'data-cr'
        return 'data'
      }
      if (this.#state === 'trailer') return this.#readTrailers(bytes, at, end)
      // Framing: a few bytes a chunk.
      this.#takeByte(bytes[at] as number)
      at++
    }
    this.at = end
    return this.#state === 'end' ? 'end' : 'more'
  }

  #takeByte(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#takeSizeByte(byte)
        return
      case 'extension':
        if (byte === CR) this.#state = 'size-lf'
        else if (byte < 0x20 && byte !== 0x09) throw malformed('a chunk extension has control characters')
        else if (++this.#extensionBytes > MAX_EXTENSION_BYTES) throw tooManyHeaders('far too many chunk extensions')
        return
      case 'size-lf':
        if (byte !== LF) throw malformed('a chunk size does not end in CRLF')
        this.#state = this.#sizeBytes > 0 ? 'data' : 'trailer'
        this.#digits = 0
        this.#extensionBytes = 0
        return
      case 'data-cr':
        if (byte !== CR) throw malformed('a chunk is longer than it says')
        this.#state = 'data-lf'
        return
      default:
        if (byte !== LF) throw malformed('a chunk is longer than it says')
        this.#state = 'size'
    }
  }

  #takeSizeByte(byte: number): void {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) throw malformed('a chunk size is beyond all measure')
      this.#sizeBytes = this.#sizeBytes * 16 + digit
      return
    }
    if (this.#digits === 0) throw malformed('a chunk has no size')
    if (byte === CR) this.#state = 'size-lf'
    else if (byte === 0x3b) this.#state = 'extension'
    else throw malformed('a chunk size is no number')
  }

  #readTrailers(bytes: Buffer, start: number, end: number): 'end' | 'more' {
    this.#trailers ??= new LineReader(MAX_TRAILER_BYTES)
    for (let at = start; ; at = this.#trailers.at) {
      const line = this.#trailers.next(bytes, at, end)
      this.at = this.#trailers.at
      if (line === null) return 'more'
      if (line === '') {
        this.#state = 'end'
        return 'end'
      }
      if (++this.#trailerCount > MAX_FIELDS) throw tooManyHeaders(`more than ${MAX_FIELDS} trailers`)
      parseFieldLine(line)
    }
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
