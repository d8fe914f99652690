/**
 * What can be wrong with an HTTP/1.1 exchange besides what the operating system says. `TRUNCATED`: the connection ended cleanly
 * before the body was whole; `CLOSED`: it ended before an answer.
 */
export type WireErrorCode =
  | 'HTTP1_CONNECT_TIMEOUT'
  | 'HTTP1_CLOSED'
  | 'HTTP1_TRUNCATED'
  | 'HTTP1_MALFORMED'
  | 'HTTP1_HEADERS_TOO_LARGE'
  | 'HTTP1_INVALID_REQUEST'

/** Thrown by the HTTP/1.1 client. Its message quotes nothing of what was received; source-failure.ts and upload-failure.ts make sentences of its code. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: WireErrorCode
  /** What is wrong with an answer that is malformed, for a sentence that says so; null else. */
  readonly what: string | null
  constructor(code: WireErrorCode, message: string, what: string | null = null) {
    super(message)
    this.code = code
    this.what = what
  }
}

/** The answer is not HTTP/1.1 as RFC 9112 has it, and is not guessed at. */
export function malformed(what: string): WireError {
  return new WireError('HTTP1_MALFORMED', `The answer is not valid HTTP/1.1: ${what}.`, what)
}

/** The answer has more header or trailer bytes than any honest server sends. */
export function tooManyHeaders(what: string): WireError {
  return new WireError('HTTP1_HEADERS_TOO_LARGE', `The answer has ${what}.`)
}
