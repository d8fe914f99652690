import { formatBytes } from '../../server/domain/bytes.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { redactUrl } from '../../server/domain/redact.ts'
import { headerOf, type ResponseHead } from './http-transport.ts'
import { WireError } from './http1/wire-error.ts'
import { parseRetryAfter } from './retry-after.ts'

/** Where an exchange was when it broke. */
export interface ExchangeContext {
  readonly url: URL
  /** `waiting`: no connection yet; `head`: the request is sent; `body`: the head has arrived. */
  readonly stage: 'waiting' | 'head' | 'body'
  readonly receivedBytes: number
}

/**
 * The failure for an answer that is neither the file nor a redirect. Retry: 408, 425, 429 and all 5xx later (Retry-After is
 * carried along), every other status never.
 */
export function statusFailure(head: ResponseHead, url: URL): TransferError {
  const where = redactUrl(url.href)
  const status = head.statusCode
  const facts = { url: where, status }
  const retryAfterMs = parseRetryAfter(headerOf(head, 'retry-after'), headerOf(head, 'date'))
  if (status === 401)
    return new TransferError(
      'source_unauthorized',
      `The source asks for a sign-in (401) at ${where}. Give an Authorization header or a Cookie under Options, or use a signed link.`,
      { facts },
    )
  if (status === 403)
    return new TransferError(
      'source_forbidden',
      `The source refuses access (403) at ${where}. A signed link may have expired: make a new one, or check the headers under Options.`,
      { facts },
    )
  if (status === 404)
    return new TransferError(
      'source_not_found',
      `There is no file (404) at ${where}. Check the link; it may have been moved or deleted.`,
      { facts },
    )
  if (status === 410)
    return new TransferError(
      'source_gone',
      `The file at ${where} is gone for good (410), or the link works only once. Get a new link.`,
      { facts },
    )
  if (status === 429)
    return new TransferError(
      'source_rate_limited',
      `The source asks for fewer requests (429) at ${where}. Fewer lanes may help.`,
      { retry: 'later', retryAfterMs, facts },
    )
  if (status >= 500 || status === 408 || status === 425)
    return new TransferError(
      'source_error',
      `The source has a problem of its own (${status}) at ${where}. If it stays, ask who runs it.`,
      { retry: 'later', retryAfterMs, facts },
    )
  return new TransferError(
    'source_error',
    `The source answered ${status} at ${where}, which is not the file. Open the link in a browser to see what it says.`,
    { facts },
  )
}

/** The sentence for whatever a connection or a parser threw. A TransferError passes as it is. */
export function connectionFailure(error: unknown, context: ExchangeContext): TransferError {
  if (error instanceof TransferError) return error
  const code = errorCode(error)
  const host = context.url.host
  const facts = { host, stage: context.stage, receivedBytes: context.receivedBytes, errorCode: code }
  const options = { facts, cause: error }
  if (code === 'ENOTFOUND' || code === 'EAI_NODATA' || code === 'EAI_NONAME')
    return new TransferError(
      'host_not_found',
      `There is no host named ${context.url.hostname}. Check the link for a typing mistake.`,
      { ...options, retry: 'never' },
    )
  if (code === 'EAI_AGAIN' || code.startsWith('EAI_'))
    return new TransferError(
      'host_not_found',
      `The name ${context.url.hostname} could not be looked up just now. Check the DNS of the machine Sluice runs on.`,
      { ...options, retry: 'later' },
    )
  if (code === 'ECONNREFUSED')
    return new TransferError(
      'connection_refused',
      `Nothing answers at ${host}: the connection was refused. Check the host and the port, and that the server runs.`,
      { ...options, retry: 'later' },
    )
  if (
    code === 'UND_ERR_CONNECT_TIMEOUT' ||
    code === 'HTTP1_CONNECT_TIMEOUT' ||
    (code === 'ETIMEDOUT' && context.stage === 'waiting')
  )
    return new TransferError(
      'connect_timeout',
      `${host} did not take the connection in time. Check the host and any firewall between it and Sluice.`,
      { ...options, retry: 'later' },
    )
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL')
    return new TransferError(
      'connection_refused',
      `${host} cannot be reached from here: there is no route to it. Check the network of the machine Sluice runs on.`,
      { ...options, retry: 'later' },
    )
  if (
    code === 'UND_ERR_INVALID_ARG' ||
    code === 'ERR_INVALID_CHAR' ||
    code === 'HTTP1_INVALID_REQUEST' ||
    code === 'HTTP2_INVALID_REQUEST'
  )
    return new TransferError(
      'invalid_input',
      'A header under Options has characters that HTTP cannot carry. Use plain ASCII, or encode the value.',
      { ...options, retry: 'never' },
    )
  if (isTlsCode(code)) return tlsFailure(code, host, options)
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW' || code === 'HTTP1_HEADERS_TOO_LARGE')
    return new TransferError(
      'source_protocol_error',
      `The answer of ${host} has far too many header bytes. This is not a server Sluice can read from.`,
      { ...options, retry: 'never' },
    )
  const isCleanCut =
    code === 'HTTP1_TRUNCATED' ||
    code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
    code === 'HPE_INVALID_EOF_STATE' ||
    code === 'UND_ERR_SOCKET'
  if (isCleanCut && context.stage === 'body') return truncated(context.url, context.receivedBytes, null, error)
  const what = error instanceof WireError && error.what !== null ? `: ${error.what}` : ''
  // nghttp2 found something that HTTP/2 does not allow.
  if (code.startsWith('HPE_') || code === 'HTTP1_MALFORMED' || code === 'ERR_HTTP2_ERROR')
    return new TransferError(
      'source_protocol_error',
      `The answer of ${host} is not valid HTTP${what}. Check that the link leads to a web server.`,
      { ...options, retry: 'later' },
    )
  return new TransferError(
    'connection_lost',
    `The connection to ${host} broke ${context.stage === 'body' ? `after ${formatBytes(context.receivedBytes)}` : 'before it answered'}. If it stays so, check that the server still answers.`,
    { ...options, retry: 'now' },
  )
}

/**
 * True where the failure is one of several that the loss of one HTTP/2 connection was to those who shared it, and not the one that counts:
 * the source is judged by connections, as over HTTP/1.1.
 */
export function isSharedLoss(error: TransferError): boolean {
  return error.facts.errorCode === 'HTTP2_SHARED'
}

const TLS_CODES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_PURPOSE',
  'EPROTO',
])

function isTlsCode(code: string): boolean {
  return TLS_CODES.has(code) || code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_')
}

function tlsFailure(
  code: string,
  host: string,
  options: { facts: TransferError['facts']; cause: unknown },
): TransferError {
  const problem =
    code === 'CERT_HAS_EXPIRED'
      ? 'its certificate has expired'
      : code === 'CERT_NOT_YET_VALID'
        ? 'its certificate is not valid yet (or the clock of this machine is wrong)'
        : code === 'ERR_TLS_CERT_ALTNAME_INVALID'
          ? 'its certificate is for another host name'
          : TLS_CODES.has(code) && code !== 'EPROTO'
            ? 'its certificate is not signed by an authority this machine trusts'
            : 'it does not speak TLS on this port, or none that both sides know'
  return new TransferError(
    'tls_failed',
    `No secure connection to ${host}: ${problem} (${code}). Have it repaired there; a private authority can be trusted with NODE_EXTRA_CA_CERTS.`,
    { ...options, retry: 'never' },
  )
}

/** The peer sent nothing for `idleTimeoutMs` while we were ready to read. Retry now, on a new connection. */
export function idleTimeout(context: ExchangeContext, idleTimeoutMs: number): TransferError {
  return new TransferError(
    'idle_timeout',
    `${context.url.host} has sent nothing for ${idleTimeoutMs / 1000} s ${context.stage === 'body' ? `after ${formatBytes(context.receivedBytes)}` : 'and no answer'}. If it stays so, check that the server still answers.`,
    {
      retry: 'now',
      facts: { host: context.url.host, stage: context.stage, receivedBytes: context.receivedBytes, idleTimeoutMs },
    },
  )
}

/** The answer ended early: case 19. Retry now, from the byte that was reached. */
export function truncated(
  url: URL,
  receivedBytes: number,
  expectedBytes: number | null,
  cause?: unknown,
): TransferError {
  const of = expectedBytes === null ? '' : ` of ${expectedBytes}`
  return new TransferError(
    'source_truncated',
    `The source ended its answer after ${receivedBytes}${of} bytes, before it was whole (${redactUrl(url.href)}). If it stays so, ask who runs it.`,
    { retry: 'now', facts: { url: redactUrl(url.href), receivedBytes, expectedBytes }, cause },
  )
}

/** More bytes than the answer or the file can have. Retry later: some caches repair themselves. */
export function tooLong(url: URL, expectedBytes: number): TransferError {
  return new TransferError(
    'source_protocol_error',
    `The source sent more than the ${expectedBytes} bytes it should at ${redactUrl(url.href)}. Its answers cannot be trusted; ask who runs it.`,
    { retry: 'later', facts: { url: redactUrl(url.href), expectedBytes } },
  )
}

/**
 * A ranged GET was not answered with that range. Deterministic more often than not, so a caller should not spend retries on
 * it but read the source as one stream; `later`, because range support can come back (cases 2 and 3).
 */
export function rangeRefused(url: URL, reason: string): TransferError {
  return new TransferError(
    'source_range_refused',
    `The source did not send the range it was asked for but ${reason} (${redactUrl(url.href)}). It can be read as one stream instead.`,
    { retry: 'later', facts: { url: redactUrl(url.href), reason } },
  )
}

/** The file is not the one that was pinned. Both validators are shown side by side (case 14). Retry never: start over. */
export function sourceChanged(
  url: URL,
  difference: { readonly validator: string; readonly pinned: string; readonly seen: string },
): TransferError {
  const { validator, pinned, seen } = difference
  return new TransferError(
    'source_changed',
    `The file at ${redactUrl(url.href)} changed while it was read: its ${validator} was ${pinned} and is now ${seen}. Start the transfer over to get the new file${validator === 'ETag' ? '; where only the ETag varies (nodes of a CDN), trust length and Last-Modified under Options' : ''}.`,
    { facts: { url: redactUrl(url.href), validator, pinned, seen } },
  )
}

/** A compressed answer where only the bytes of the file will do. */
export function encoded(url: URL, encoding: string): TransferError {
  return new TransferError(
    'source_encoded',
    `The source compresses its answer (${encoding}) although it was asked not to, so ranges of it are not ranges of the file (${redactUrl(url.href)}). It can be read as one stream instead.`,
    { retry: 'later', facts: { url: redactUrl(url.href), encoding } },
  )
}

/** More than S3 can hold in one object. */
export function tooLarge(sizeBytes: number, maxBytes: number): TransferError {
  return new TransferError(
    'too_large',
    `The file has ${formatBytes(sizeBytes)}; an S3 object has at most ${formatBytes(maxBytes)}. Split it where it is made.`,
    { facts: { sizeBytes, maxBytes } },
  )
}

/** The whole answer contradicts itself or the probe in a way that more tries may cure. */
export function protocolError(url: URL, what: string): TransferError {
  return new TransferError(
    'source_protocol_error',
    `The source's answer cannot be used: ${what} (${redactUrl(url.href)}). If it stays, ask who runs it.`,
    { retry: 'later', facts: { url: redactUrl(url.href), what } },
  )
}

/** The code of an error, of its cause, or of the first of several attempts (autoSelectFamily). */
function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  // undici's parser errors come without their code; at the end of the stream there is no text left to complain about.
  if ('name' in error && error.name === 'HTTPParserError')
    return 'data' in error && error.data === '' ? 'HPE_INVALID_EOF_STATE' : 'HPE_INVALID'
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0])
  return 'cause' in error ? errorCode(error.cause) : ''
}
