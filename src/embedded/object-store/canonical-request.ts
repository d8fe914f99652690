import { createHash } from 'node:crypto'
import { S3Error } from './s3-error.ts'

/** The parts of a request that SigV4 signs, as they came over the wire (header values as latin1, one char a byte). */
export interface SignedRequest {
  readonly method: string
  readonly rawPath: string
  readonly query: readonly QueryParameter[]
  /** Lower-case name to every value, in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>
}

/** A decoded query parameter. A name without `=` has the value ''. */
export interface QueryParameter {
  readonly name: string
  readonly value: string
}

/**
 * Encodes as SigV4 asks (RFC 3986 unreserved characters stay, all else is %XX in upper case). The slash is kept in paths.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, UriEncode().
 */
export function uriEncode(text: string, options: { keepSlash?: boolean } = {}): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return options.keepSlash ? encoded.replaceAll('%2F', '/') : encoded
}

/** Decodes %XX as UTF-8. Throws InvalidURI for broken escapes and for bytes that are no UTF-8. */
export function uriDecode(text: string): string {
  try {
    const decoded = decodeURIComponent(text)
    if (decoded.isWellFormed()) return decoded
  } catch {
    // Falls through: a broken escape and a broken character get the same answer.
  }
  throw new S3Error('InvalidURI', 'The address of the request is not percent-encoded UTF-8.')
}

/** The parameters of a raw query string, decoded; duplicates stay, in order. A plus sign is a space, as S3 reads it. */
export function parseQuery(raw: string): QueryParameter[] {
  if (raw === '') return []
  return raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      const name = at === -1 ? pair : pair.slice(0, at)
      const value = at === -1 ? '' : pair.slice(at + 1)
      return { name: uriDecode(name.replaceAll('+', ' ')), value: uriDecode(value.replaceAll('+', ' ')) }
    })
}

/**
 * The canonical request of SigV4 for S3: the path is encoded once (never normalised, `..` and `//` stay), the query is sorted by
 * encoded name and then value, headers are trimmed and their inner blanks collapsed.
 */
export function canonicalRequest(
  request: SignedRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
  options: { omitQuery?: string } = {},
): string {
  const query = request.query
    .filter((parameter) => parameter.name !== options.omitQuery)
    .map(({ name, value }) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const headers = signedHeaders
    .map((name) => `${name}:${(request.headers.get(name) ?? []).map(trimAll).join(',')}\n`)
    .join('')
  const path = uriEncode(uriDecode(request.rawPath), { keepSlash: true })
  return [request.method, path, query, headers, signedHeaders.join(';'), payloadHash].join('\n')
}

/** The string to sign of SigV4, from a canonical request. */
export function stringToSign(amzDate: string, scope: string, canonical: string): string {
  const hash = createHash('sha256').update(canonical, 'latin1').digest('hex')
  return `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${hash}`
}

function trimAll(value: string): string {
  return value.trim().replace(/[ \t]+/g, ' ')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
