import { malformed, tooManyHeaders } from './wire-error.ts'

const LF = 0x0a

/**
 * Cuts lines that end in CRLF out of bytes that come in pieces. A bare LF is refused (RFC 9112 section 2.2 allows to take
 * it, and request smuggling lives on that). All lines together have at most `limitBytes`.
 */
export class LineReader {
  /** Where in the last piece the reading stopped. */
  at = 0
  readonly #limitBytes: number
  #leftBytes: number
  #pending = ''

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#leftBytes = limitBytes
  }

  /** What has come of a line that is not whole yet. */
  get pending(): string {
    return this.#pending
  }

  /** The next line without its CRLF, or null where more bytes are needed; `at` says from where on. */
  next(bytes: Buffer, start: number, end: number): string | null {
    const found = start < end ? bytes.indexOf(LF, start) : -1
    const isWhole = found >= 0 && found < end
    const stop = isWhole ? found + 1 : end
    this.#leftBytes -= stop - start
    if (this.#leftBytes < 0) throw tooManyHeaders(`more than ${this.#limitBytes} bytes of headers`)
    this.at = stop
    this.#pending += bytes.toString('latin1', start, stop)
    if (!isWhole) return null
    const line = this.#pending
    this.#pending = ''
    if (line.charCodeAt(line.length - 2) !== 0x0d) throw malformed('a line does not end in CRLF')
    return line.slice(0, -2)
  }
}
