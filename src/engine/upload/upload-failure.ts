import type { BucketConnection } from '../../server/domain/bucket.ts'
import { type FailureCode, type Retry, TransferError } from '../../server/domain/failure.ts'
import { dialectOf } from './s3-dialects.ts'

/** What was being done, for the sentence; the keys in the connection are never read here. */
export interface FailureContext {
  readonly connection: Pick<BucketConnection, 'endpoint' | 'region' | 'bucket'>
  /** As it ends "… while": `sending part 17`, `completing the upload`. */
  readonly doing: string
  /** True where the request named an upload ID: some stores then say NoSuchKey for NoSuchUpload. */
  readonly ofUpload?: boolean
}

/** An answer of a store that is an error: by the SDK or by the part sender. */
export interface StoreAnswer {
  readonly status: number
  /** The Code of the XML body; null where there was none (HEAD, a proxy's page). */
  readonly code: string | null
  readonly region: string | null
  readonly retryAfterMs: number | undefined
}

/** Thrown by the part sender for an answer that is not 2xx. */
export class StoreAnswerError extends Error {
  override readonly name = 'StoreAnswerError'
  readonly answer: StoreAnswer
  /** The store's clock (Date), where it gave it. */
  readonly date: Date | null
  constructor(answer: StoreAnswer, date: Date | null) {
    super(`The store answered ${answer.status} ${answer.code ?? ''}`.trim())
    this.answer = answer
    this.date = date
  }
}

/**
 * Any error of a request to a bucket as a TransferError: code, sentence, and what helps. A TransferError inside (the
 * address guard's) comes out as it is. Texts of stores are not passed on: they may quote what was signed.
 */
export function uploadFailure(error: unknown, context: FailureContext): TransferError {
  const inside = findInChain(error, (link) => link instanceof TransferError)
  if (inside instanceof TransferError) return inside
  const answer = answerOf(error)
  if (answer) return failureOfAnswer(answer, context, error)
  return failureOfNetwork(error, context)
}

interface Verdict {
  readonly code: FailureCode
  readonly retry: Retry
  readonly say: (words: Words) => string
}
interface Words {
  readonly bucket: string
  readonly host: string
  readonly region: string
  readonly rightRegion: string | null
  readonly doing: string
  readonly title: string
  readonly answer: string
}

const unauthorized = (say: Verdict['say']): Verdict => ({ code: 'bucket_unauthorized', retry: 'never', say })
const WRONG_REGION: Verdict = {
  code: 'bucket_error',
  retry: 'never',
  say: (w) =>
    w.rightRegion
      ? `Bucket ${w.bucket} is in region ${w.rightRegion}, not in ${w.region}. Set region ${w.rightRegion} and its endpoint.`
      : `${w.host} sends requests for bucket ${w.bucket} elsewhere: it is not in region ${w.region}. Set the bucket's own region and endpoint.`,
}
const SLOW_DOWN: Verdict = {
  code: 'bucket_slow_down',
  retry: 'now',
  say: (w) => `${w.host} asked for fewer requests while ${w.doing} (${w.answer}). Sluice slows down and tries again.`,
}
const STORE_BROKEN: Verdict = {
  code: 'bucket_error',
  retry: 'now',
  say: (w) => `${w.host} failed while ${w.doing} (${w.answer}). Trying again usually helps.`,
}
const DENIED = unauthorized(
  (w) =>
    `${w.host} denies these keys access to bucket ${w.bucket} while ${w.doing} (${w.answer}). Give them permission to list, read and write it.`,
)
const UPLOAD_GONE: Verdict = {
  code: 'upload_lost',
  retry: 'now',
  say: (w) =>
    `${w.host} no longer knows the multipart upload while ${w.doing} (${w.answer}). It has to be started anew.`,
}
const CORRUPTED: Verdict = {
  code: 'checksum_mismatch',
  retry: 'now',
  say: (w) =>
    `The bytes arrived at ${w.host} with another checksum while ${w.doing} (${w.answer}). They are sent again.`,
}
const FULL: Verdict = {
  code: 'bucket_error',
  retry: 'later',
  say: (w) => `The store at ${w.host} is full or over its quota (${w.answer}). Make room, then retry.`,
}
const EXISTS: Verdict = {
  code: 'key_exists',
  retry: 'never',
  say: (w) => `There is an object at this key in bucket ${w.bucket} already. Choose another key, or allow overwriting.`,
}
const NOT_S3: Verdict = {
  code: 'bucket_protocol_error',
  retry: 'never',
  say: (w) =>
    `${w.host} does not answer like an S3 store while ${w.doing} (${w.answer}). Check the endpoint and the path style.`,
}
const REFUSED: Verdict = {
  code: 'bucket_protocol_error',
  retry: 'never',
  say: (w) => `${w.title} at ${w.host} refused the request while ${w.doing} (${w.answer}).`,
}

/** By the Code of the answer ("Error responses", Amazon S3 API Reference), after the dialect's aliases. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  NoSuchBucket: {
    code: 'bucket_not_found',
    retry: 'never',
    say: (w) => `There is no bucket ${w.bucket} at ${w.host}. Check its name and endpoint, or create it.`,
  },
  InvalidBucketName: {
    code: 'bucket_not_found',
    retry: 'never',
    say: (w) => `${w.bucket} is not a name that a bucket at ${w.host} can have. Check the name.`,
  },
  InvalidAccessKeyId: unauthorized((w) => `${w.host} does not know this access key ID. Check it, and the endpoint.`),
  SignatureDoesNotMatch: unauthorized(
    (w) => `${w.host} knows the access key ID, but the secret access key does not fit it. Enter the secret again.`,
  ),
  ExpiredToken: unauthorized((w) => `The keys for ${w.host} have expired. Enter new ones.`),
  InvalidToken: unauthorized((w) => `${w.host} does not accept these keys (InvalidToken). Enter them again.`),
  AccountProblem: unauthorized((w) => `The account at ${w.host} is blocked (AccountProblem). Ask its provider.`),
  AllAccessDisabled: unauthorized(
    (w) => `All access to bucket ${w.bucket} at ${w.host} is switched off. Ask its owner.`,
  ),
  InvalidObjectState: DENIED,
  AccessDenied: DENIED,
  RequestTimeTooSkewed: {
    code: 'clock_skewed',
    retry: 'later',
    say: (w) =>
      `The clock of this machine and that of ${w.host} differ by more than 15 minutes. Set this machine's clock.`,
  },
  SlowDown: SLOW_DOWN,
  ServiceUnavailable: SLOW_DOWN,
  Throttling: SLOW_DOWN,
  ThrottlingException: SLOW_DOWN,
  RequestThrottled: SLOW_DOWN,
  RequestLimitExceeded: SLOW_DOWN,
  TooManyRequests: SLOW_DOWN,
  BandwidthLimitExceeded: SLOW_DOWN,
  InternalError: STORE_BROKEN,
  OperationAborted: STORE_BROKEN,
  RequestTimeout: STORE_BROKEN,
  IncompleteBody: STORE_BROKEN,
  NoSuchUpload: UPLOAD_GONE,
  InvalidPart: {
    ...UPLOAD_GONE,
    say: (w) =>
      `${w.host} misses a part of the upload that it had acknowledged (InvalidPart). The upload has to be started anew.`,
  },
  InvalidPartOrder: REFUSED,
  EntityTooSmall: {
    code: 'bucket_error',
    retry: 'never',
    say: (w) => `A part is smaller than ${w.title} at ${w.host} takes. Choose a larger part size.`,
  },
  EntityTooLarge: {
    code: 'too_large',
    retry: 'never',
    say: (w) => `This is larger than ${w.title} at ${w.host} takes. Use a smaller part size, or a smaller file.`,
  },
  KeyTooLongError: {
    code: 'invalid_key',
    retry: 'never',
    say: (w) => `The key is longer than ${w.host} takes. Choose a shorter one.`,
  },
  PreconditionFailed: EXISTS,
  ConditionalRequestConflict: {
    code: 'upload_conflict',
    retry: 'now',
    say: (w) =>
      `Somebody else wrote this key of bucket ${w.bucket} at the same moment. The upload has to be started anew.`,
  },
  BadDigest: CORRUPTED,
  InvalidDigest: CORRUPTED,
  XAmzContentSHA256Mismatch: CORRUPTED,
  XAmzContentChecksumMismatch: CORRUPTED,
  ChecksumMismatch: CORRUPTED,
  QuotaExceeded: FULL,
  StorageFull: FULL,
  InsufficientStorage: FULL,
  PermanentRedirect: WRONG_REGION,
  TemporaryRedirect: WRONG_REGION,
  Redirect: WRONG_REGION,
  AuthorizationHeaderMalformed: WRONG_REGION,
  IllegalLocationConstraintException: WRONG_REGION,
  InvalidRegionName: WRONG_REGION,
}

/** By status, where the code is missing or not known. */
function byStatus(status: number, hasCode: boolean): Verdict {
  if (status === 301 || status === 302 || status === 307 || status === 308) return WRONG_REGION
  if (status === 401 || status === 403) return DENIED
  if (status === 412) return EXISTS
  if (status === 429 || status === 503) return SLOW_DOWN
  if (status === 507) return FULL
  if (status === 408 || (status >= 500 && status !== 501)) return STORE_BROKEN
  return hasCode ? REFUSED : NOT_S3
}

function failureOfAnswer(answer: StoreAnswer, context: FailureContext, cause: unknown): TransferError {
  const { endpoint, region, bucket } = context.connection
  const dialect = dialectOf(endpoint)
  let code = answer.code === null ? null : (dialect.errorAliases[answer.code] ?? answer.code)
  if (context.ofUpload && (code === 'NoSuchKey' || (code === null && answer.status === 404))) code = 'NoSuchUpload'
  // A redirect says where; an AuthorizationHeaderMalformed without a region is a wrong key's shape, not a wrong place.
  if (code === 'AuthorizationHeaderMalformed' && (!answer.region || answer.region === region)) code = 'InvalidToken'
  const verdict = (code && Object.hasOwn(BY_CODE, code) && BY_CODE[code]) || byStatus(answer.status, code !== null)
  const message = verdict.say({
    bucket,
    host: hostOf(endpoint),
    region,
    rightRegion: answer.region && answer.region !== region ? answer.region : null,
    doing: context.doing,
    title: dialect.title,
    answer: [answer.status, answer.code].filter(Boolean).join(' '),
  })
  return new TransferError(verdict.code, message, {
    retry: verdict.retry,
    retryAfterMs: answer.retryAfterMs,
    facts: { status: answer.status, s3Code: answer.code, doing: context.doing },
    cause,
  })
}

const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO|ERR_OSSL)/

function failureOfNetwork(error: unknown, context: FailureContext): TransferError {
  const host = hostOf(context.connection.endpoint)
  const link = findInChain(error, (candidate) => typeof (candidate as { code?: unknown }).code === 'string')
  const code = String((link as { code?: unknown } | undefined)?.code ?? (error as Error | undefined)?.name ?? 'unknown')
  const make = (failureCode: FailureCode, retry: Retry, message: string) =>
    new TransferError(failureCode, message, { retry, facts: { network: code, doing: context.doing }, cause: error })
  if (isUnreadableAnswer(error))
    return make(
      'bucket_protocol_error',
      'never',
      `${host} does not answer like an S3 store. Check the endpoint and the path style.`,
    )
  if (TLS_CODES.test(code))
    return make(
      'tls_failed',
      'never',
      `No secure connection to ${host} (${code}). Check the endpoint, http or https, and its certificate.`,
    )
  if (code === 'ENOTFOUND')
    return make(
      'bucket_unreachable',
      'later',
      `There is no host named ${host}. Check the endpoint, and with virtual-host style the bucket's name.`,
    )
  if (code === 'ECONNREFUSED')
    return make(
      'bucket_unreachable',
      'now',
      `${host} refused the connection. Check the endpoint's host and port, and that the store runs.`,
    )
  if (/TIME(D)?_?OUT/i.test(code))
    return make(
      'bucket_unreachable',
      'now',
      `${host} did not answer in time while ${context.doing}. Check the endpoint and the network.`,
    )
  return make(
    'bucket_unreachable',
    'now',
    `The connection to ${host} broke while ${context.doing} (${code}). Trying again usually helps.`,
  )
}

/** The facts of an answer out of the part sender's error or the SDK's; null where there was no answer. */
function answerOf(error: unknown): StoreAnswer | null {
  if (error instanceof StoreAnswerError) return error.answer
  if (!(error instanceof Error) || !('$fault' in error)) return null
  const sdk = error as Error & {
    $metadata?: { httpStatusCode?: number }
    $response?: { statusCode?: number; headers?: Record<string, string> }
    Code?: string
    Region?: string
  }
  const headers = sdk.$response?.headers ?? {}
  const status = sdk.$metadata?.httpStatusCode ?? sdk.$response?.statusCode
  if (status === undefined) return null
  // For answers without a body the SDK makes up names of its own, which say no more than the status.
  const named = sdk.Code ?? sdk.name
  const code = /^(Unknown|UnknownError|NotFound|Forbidden|BadRequest|Error|S3ServiceException|\d+)$/.test(named)
    ? null
    : named
  return {
    status,
    code,
    region: sdk.Region ?? headers['x-amz-bucket-region'] ?? null,
    retryAfterMs: retryAfterMs(headers),
  }
}

/** Retry-After in seconds or as a date (RFC 9110 section 10.2.3), in milliseconds from now. */
export function retryAfterMs(headers: Readonly<Record<string, string | string[] | undefined>>): number | undefined {
  const value = headers['retry-after']
  if (typeof value !== 'string') return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

/** A 2xx whose body the SDK could not read: an HTML page, most of the time. */
function isUnreadableAnswer(error: unknown): boolean {
  return error instanceof Error && !('$fault' in error) && '$response' in error && error.$response !== undefined
}

function findInChain(error: unknown, wanted: (link: object) => boolean): object | undefined {
  let links: unknown[] = [error]
  for (let depth = 0; depth < 6 && links.length > 0; depth++) {
    const found = links.find((link) => typeof link === 'object' && link !== null && wanted(link))
    if (found) return found as object
    links = links.flatMap((link) =>
      link instanceof AggregateError ? [...link.errors, link.cause] : link instanceof Error ? [link.cause] : [],
    )
  }
  return undefined
}

function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).host : 'the endpoint'
}
