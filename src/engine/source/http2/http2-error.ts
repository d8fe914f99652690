/**
 * What can be wrong with an HTTP/2 exchange besides what the operating system and node:http2 say. `RESET`: the server ended the stream
 * before the answer was whole; `CLOSED`: the connection ended; `SILENT`: it did not answer a PING; `SHARED`: the connection broke, which
 * another request that was on it has said already.
 */
export type Http2ErrorCode = 'HTTP2_RESET' | 'HTTP2_CLOSED' | 'HTTP2_SILENT' | 'HTTP2_SHARED' | 'HTTP2_INVALID_REQUEST'

/** Thrown by the HTTP/2 client. Its message quotes nothing of what was received; source-failure.ts makes a sentence of its code. */
export class Http2Error extends Error {
  override readonly name = 'Http2Error'
  readonly code: Http2ErrorCode
  constructor(code: Http2ErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
