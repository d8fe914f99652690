import type { ParsedHead } from './head-parser.ts'
import { malformed } from './wire-error.ts'

/** How the end of a body is known. `close`: by the end of the connection alone. */
export type BodyFraming =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

/**
 * How long the body of an answer is (RFC 9112 section 6.3). Whatever two readers could understand in two ways is refused with
 * HTTP1_MALFORMED: Transfer-Encoding beside Content-Length or from HTTP/1.0, other codings, repeated or odd lengths.
 */
export function bodyFraming(head: ParsedHead, isHeadRequest: boolean): BodyFraming {
  const coding = head.headers['transfer-encoding']
  const length = head.headers['content-length']
  if (coding !== undefined && length !== undefined) throw malformed('it has both Transfer-Encoding and Content-Length')
  if (coding !== undefined && head.minorVersion === 0) throw malformed('it has Transfer-Encoding in HTTP/1.0')
  if (coding !== undefined && (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked'))
    throw malformed('it has a transfer coding other than chunked')
  const bytes = length === undefined ? null : parseLength(length)
  if (isHeadRequest || head.statusCode === 204 || head.statusCode === 304) return { kind: 'length', bytes: 0 }
  if (coding !== undefined) return { kind: 'chunked' }
  return bytes === null ? { kind: 'close' } : { kind: 'length', bytes }
}

function parseLength(value: string | string[]): number {
  if (typeof value !== 'string') throw malformed('it has more than one Content-Length')
  const bytes = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(bytes)) throw malformed('its Content-Length is no number of bytes')
  return bytes
}

/** Whether the connection may carry another request after this answer (RFC 9112 section 9.3). */
export function keepsConnection(head: ParsedHead, framing: BodyFraming): boolean {
  if (framing.kind === 'close') return false
  const value = head.headers.connection
  const options = (Array.isArray(value) ? value.join(',') : (value ?? '')).toLowerCase().split(/[ \t]*,[ \t]*/)
  if (options.includes('close')) return false
  return head.minorVersion === 1 || options.includes('keep-alive')
}

/** What `Keep-Alive: timeout=N` promises, or null: for so long the server keeps an idle connection. */
export function keepAliveHintMs(head: ParsedHead): number | null {
  const value = head.headers['keep-alive']
  const seconds = typeof value === 'string' ? /(?:^|[ ,])timeout=(\d{1,6})(?:$|[ ,])/i.exec(value)?.[1] : undefined
  return seconds === undefined ? null : Number(seconds) * 1000
}
