import { isSendableField } from './field-line.ts'
import { WireError } from './wire-error.ts'

/**
 * The head of a request (RFC 9112 section 3) as latin1 text. Host is `host` unless a header of that name is given. Throws
 * HTTP1_INVALID_REQUEST for what HTTP cannot carry: nothing of a header may become a second header, or a second request.
 */
export function requestHead(
  method: 'GET' | 'PUT',
  target: string,
  host: string,
  headers: Readonly<Record<string, string>>,
): string {
  if (!/^\/[\x21-\x7e]*$/.test(target)) throw invalid('The path has characters that HTTP cannot carry.')
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${headers.host ?? host}\r\n`
  for (const [name, value] of Object.entries(headers)) {
    if (!isSendableField(name, value)) throw invalid('A header has characters that HTTP cannot carry.')
    if (name !== 'host') head += `${name}: ${value}\r\n`
  }
  return `${head}connection: keep-alive\r\n\r\n`
}

function invalid(message: string): WireError {
  return new WireError('HTTP1_INVALID_REQUEST', message)
}
