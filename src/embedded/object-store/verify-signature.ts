import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalRequest, type SignedRequest, stringToSign } from './canonical-request.ts'
import { S3Error } from './s3-error.ts'

/** Clocks may differ by this much (S3: 15 minutes). */
const MAX_SKEW_MS = 15 * 60_000
/** A presigned address lives at most a week. */
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

/** A request whose signature holds. What is needed to verify the chunks of its body rests on it. */
export interface VerifiedSignature {
  /** The declared x-amz-content-sha256: a hash, UNSIGNED-PAYLOAD or one of the STREAMING forms. */
  readonly payloadHash: string
  readonly signature: string
  readonly amzDate: string
  readonly scope: string
  readonly signingKey: Buffer
}

interface Claim {
  readonly credential: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly amzDate: string
  readonly payloadHash: string
  readonly presigned: boolean
}

/**
 * Verifies AWS Signature Version 4 in the Authorization header or in the query (presigned). Throws S3's errors: AccessDenied
 * (unsigned, expired), InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, AuthorizationHeaderMalformed,
 * AuthorizationQueryParametersError.
 */
export function verifySignature(request: SignedRequest, keys: Keys, nowMs: number): VerifiedSignature {
  const header = request.headers.get('authorization')
  const inQuery = queryValue(request, 'X-Amz-Algorithm') !== undefined
  if (header && inQuery)
    throw new S3Error('InvalidArgument', 'Only one authentication mechanism is allowed: a header, or the query.')
  const claim = header ? readHeader(request, header) : readQuery(request)
  const malformed = claim.presigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed'

  const scopeParts = claim.credential.split('/')
  const [date, region, service, terminator] = scopeParts.slice(-4)
  const accessKeyId = scopeParts.slice(0, -4).join('/')
  if (scopeParts.length < 5 || service !== 's3' || terminator !== 'aws4_request' || !/^\d{8}$/.test(date ?? ''))
    throw new S3Error(malformed, 'The credential is not of the form KEY/YYYYMMDD/REGION/s3/aws4_request.')
  if (accessKeyId !== keys.accessKeyId)
    throw new S3Error('InvalidAccessKeyId', 'The access key id does not exist in this store.')
  if (region !== keys.region)
    throw new S3Error(malformed, `The region '${region}' is wrong; expecting '${keys.region}'.`, {
      details: { Region: keys.region },
    })
  const signedMs = parseAmzDate(claim.amzDate)
  if (signedMs === null || claim.amzDate.slice(0, 8) !== date)
    throw new S3Error(malformed, 'X-Amz-Date is missing, not of the form YYYYMMDDTHHMMSSZ, or of another day.')
  checkTime(request, claim, signedMs, nowMs)
  checkSignedHeaders(request, claim, malformed)

  const scope = `${date}/${region}/s3/aws4_request`
  const signingKey = deriveSigningKey(keys.secretAccessKey, date ?? '', keys.region)
  const canonical = canonicalRequest(
    request,
    claim.signedHeaders,
    claim.payloadHash,
    claim.presigned ? { omitQuery: 'X-Amz-Signature' } : {},
  )
  const expected = hmacHex(signingKey, stringToSign(claim.amzDate, scope, canonical))
  if (!equalText(expected, claim.signature))
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The signature does not match. Check the secret access key and how the request is signed.',
    )
  return { payloadHash: claim.payloadHash, signature: claim.signature, amzDate: claim.amzDate, scope, signingKey }
}

/** HMAC-SHA256 in lower-case hex, as signatures are written. */
export function hmacHex(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

/** Compares without telling by time how much was right. */
export function equalText(a: string, b: string): boolean {
  const bytesA = Buffer.from(a)
  const bytesB = Buffer.from(b)
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB)
}

/** The key that signs everything of one day and region. */
export function deriveSigningKey(secretAccessKey: string, date: string, region: string): Buffer {
  const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest()
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date), region), 's3'), 'aws4_request')
}

function readHeader(request: SignedRequest, header: readonly string[]): Claim {
  const value = header.length === 1 ? (header[0] ?? '').trim() : ''
  const [algorithm, ...rest] = value.split(/\s+/)
  if (algorithm !== 'AWS4-HMAC-SHA256')
    throw new S3Error('InvalidRequest', 'This store takes AWS Signature Version 4 only (AWS4-HMAC-SHA256).')
  const fields = new Map<string, string>()
  for (const field of rest.join('').split(',')) {
    const at = field.indexOf('=')
    if (at > 0) fields.set(field.slice(0, at), field.slice(at + 1))
  }
  const credential = fields.get('Credential')
  const signedHeaders = fields.get('SignedHeaders')
  const signature = fields.get('Signature')
  if (!credential || !signedHeaders || !signature)
    throw new S3Error('AuthorizationHeaderMalformed', 'Authorization needs Credential, SignedHeaders and Signature.')
  const payloadHash = single(request, 'x-amz-content-sha256')
  if (!payloadHash) throw new S3Error('InvalidRequest', 'The header x-amz-content-sha256 is missing.')
  return {
    credential,
    signedHeaders: signedHeaders.split(';'),
    signature,
    amzDate: single(request, 'x-amz-date') ?? amzDateOf(single(request, 'date')),
    payloadHash,
    presigned: false,
  }
}

function readQuery(request: SignedRequest): Claim {
  const algorithm = queryValue(request, 'X-Amz-Algorithm')
  if (algorithm === undefined)
    throw new S3Error('AccessDenied', 'The request is not signed. This store answers signed requests only.')
  const credential = queryValue(request, 'X-Amz-Credential')
  const signedHeaders = queryValue(request, 'X-Amz-SignedHeaders')
  const signature = queryValue(request, 'X-Amz-Signature')
  const amzDate = queryValue(request, 'X-Amz-Date')
  if (algorithm !== 'AWS4-HMAC-SHA256' || !credential || !signedHeaders || !signature || !amzDate)
    throw new S3Error(
      'AuthorizationQueryParametersError',
      'A presigned address has X-Amz-Algorithm=AWS4-HMAC-SHA256, X-Amz-Credential, X-Amz-Date, X-Amz-Expires, X-Amz-SignedHeaders and X-Amz-Signature.',
    )
  return {
    credential,
    signedHeaders: signedHeaders.split(';'),
    signature,
    amzDate,
    payloadHash:
      queryValue(request, 'X-Amz-Content-Sha256') ?? single(request, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
    presigned: true,
  }
}

function checkTime(request: SignedRequest, claim: Claim, signedMs: number, nowMs: number): void {
  if (claim.presigned) {
    const expires = queryValue(request, 'X-Amz-Expires') ?? ''
    if (!/^\d{1,7}$/.test(expires) || Number(expires) > MAX_EXPIRES_SECONDS)
      throw new S3Error('AuthorizationQueryParametersError', 'X-Amz-Expires is a number of seconds, at most 604800.')
    if (signedMs - nowMs > MAX_SKEW_MS) throw new S3Error('AccessDenied', 'The request is not yet valid.')
    if (nowMs >= signedMs + Number(expires) * 1000) throw new S3Error('AccessDenied', 'Request has expired')
    return
  }
  if (Math.abs(nowMs - signedMs) > MAX_SKEW_MS)
    throw new S3Error('RequestTimeTooSkewed', 'The clocks of client and store differ by more than 15 minutes.', {
      details: {
        RequestTime: claim.amzDate,
        ServerTime: new Date(nowMs).toISOString(),
        MaxAllowedSkewMilliseconds: MAX_SKEW_MS,
      },
    })
}

function checkSignedHeaders(
  request: SignedRequest,
  claim: Claim,
  malformed: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError',
): void {
  const signed = new Set(claim.signedHeaders)
  if (!signed.has('host')) throw new S3Error(malformed, 'The host header has to be signed.')
  if (claim.signedHeaders.some((name, index) => index > 0 && name <= (claim.signedHeaders[index - 1] ?? '')))
    throw new S3Error(malformed, 'SignedHeaders are lower-case names in order, without duplicates.')
  for (const name of request.headers.keys()) {
    // An unsigned x-amz header could be added on the way and would change what the request does.
    if (!name.startsWith('x-amz-') || signed.has(name)) continue
    if (claim.presigned && name === 'x-amz-content-sha256') continue
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      details: { HeadersNotSigned: name },
    })
  }
  if (request.headers.has('x-amz-security-token') || queryValue(request, 'X-Amz-Security-Token') !== undefined)
    throw new S3Error('InvalidToken', 'This store has no session tokens. Use its access key and secret alone.')
}

/** Milliseconds of YYYYMMDDTHHMMSSZ, or null. */
function parseAmzDate(text: string): number | null {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text)
  if (!match) return null
  const [, year, month, day, hour, minute, second] = match
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) ? null : ms
}

function amzDateOf(date: string | undefined): string {
  const ms = Date.parse(date ?? '')
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

function single(request: SignedRequest, name: string): string | undefined {
  const values = request.headers.get(name)
  return values?.length === 1 ? values[0]?.trim() : undefined
}

function queryValue(request: SignedRequest, name: string): string | undefined {
  return request.query.find((parameter) => parameter.name === name)?.value
}

/** The payload hash of a request without a body. */
export { EMPTY_SHA256 }
