import type { ResponseHead } from '../http-transport.ts'
import { parseFieldLine } from './field-line.ts'
import { LineReader } from './line-reader.ts'
import { malformed, tooManyHeaders } from './wire-error.ts'

/** More header bytes than any honest source sends, those of 1xx answers included; above it the answer is refused. */
export const MAX_HEAD_BYTES = 64 * 1024
export const MAX_FIELDS = 100
/** 1xx answers before the final one. */
const MAX_INFORMATIONAL = 32

const STATUS_LINE_START = 'HTTP/1.'
// biome-ignore lint/suspicious/noControlCharactersInRegex: a tab may stand in the reason, as RFC 9112 section 4 has it.
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\x09\x20-\x7e\x80-\xff]*)?$/

/** The head of a final answer. */
export interface ParsedHead extends ResponseHead {
  readonly minorVersion: 0 | 1
}

/**
 * Reads status line and headers (RFC 9112 sections 4 and 5) from bytes that come in pieces, and skips 1xx answers
 * (RFC 9110 section 15.2). Throws WireError for what is malformed or above the bounds.
 */
export class HeadParser {
  readonly #lines = new LineReader(MAX_HEAD_BYTES)
  #status: { readonly minorVersion: 0 | 1; readonly statusCode: number } | null = null
  #headers: Record<string, string | string[]> = Object.create(null)
  #fieldCount = 0
  #informationalCount = 0

  /** Where in the last piece the reading stopped. */
  get at(): number {
    return this.#lines.at
  }

  /** The head, or null where more bytes are needed. */
  next(bytes: Buffer, start: number, end: number): ParsedHead | null {
    let at = start
    for (;;) {
      if (!this.#status) this.#checkStart(bytes, at, end)
      const line = this.#lines.next(bytes, at, end)
      at = this.#lines.at
      if (line === null) return null
      if (!this.#status) this.#status = parseStatusLine(line)
      else if (line !== '') this.#addField(line)
      else if (this.#status.statusCode >= 200) return { ...this.#status, headers: this.#headers }
      else this.#skipInformational(this.#status.statusCode)
    }
  }

  /** Says at the first wrong byte that this is not HTTP: a server of another protocol may wait for us to speak. */
  #checkStart(bytes: Buffer, start: number, end: number): void {
    const have = this.#lines.pending.length
    if (have >= STATUS_LINE_START.length) return
    const came = bytes.toString('latin1', start, Math.min(end, start + STATUS_LINE_START.length - have))
    if (!STATUS_LINE_START.startsWith(this.#lines.pending + came)) throw malformed('it has no status line')
  }

  #addField(line: string): void {
    if (++this.#fieldCount > MAX_FIELDS) throw tooManyHeaders(`more than ${MAX_FIELDS} headers`)
    const { name, value } = parseFieldLine(line)
    const known = this.#headers[name]
    if (known === undefined) this.#headers[name] = value
    else if (Array.isArray(known)) known.push(value)
    else this.#headers[name] = [known, value]
  }

  #skipInformational(statusCode: number): void {
    if (statusCode === 101) throw malformed('it changes the protocol, which nobody asked for')
    if (++this.#informationalCount > MAX_INFORMATIONAL) throw tooManyHeaders('too many 1xx answers before it')
    this.#status = null
    this.#headers = Object.create(null)
    this.#fieldCount = 0
  }
}

function parseStatusLine(line: string): { minorVersion: 0 | 1; statusCode: number } {
  const match = STATUS_LINE.exec(line)
  if (!match) throw malformed('its status line is not one')
  return { minorVersion: match[1] === '0' ? 0 : 1, statusCode: Number(match[2]) }
}
