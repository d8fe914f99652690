import type { FailureCode, Retry } from '../../server/domain/failure.ts'

/** What an answer means: its code, what helps, and the sentence. */
export interface Verdict {
  readonly code: FailureCode
  readonly retry: Retry
  readonly say: (words: Words) => string
}
/** What the sentences are made of. No word of the store's own is among them but its error code. */
export interface Words {
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
  say: (w) => `${w.host} asked for fewer requests while ${w.doing} (${w.answer}). Sluice slows down for it.`,
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

/** The verdict on an answer, by its code where that is known, else by its status. `ofUpload`: the request named an upload that was begun there. */
export function verdictOn(status: number, code: string | null, ofUpload = false): Verdict {
  const known = code !== null && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined
  return known ?? verdictOnStatus(status, code !== null, ofUpload)
}

function verdictOnStatus(status: number, hasCode: boolean, ofUpload: boolean): Verdict {
  // What began the upload is an S3 store. A bare 400 is a server's or proxy's word on a connection, one whose head came too late, say.
  if (status === 400 && !hasCode && ofUpload) return STORE_BROKEN
  if (status === 301 || status === 302 || status === 307 || status === 308) return WRONG_REGION
  if (status === 401 || status === 403) return DENIED
  if (status === 412) return EXISTS
  if (status === 429 || status === 503) return SLOW_DOWN
  if (status === 507) return FULL
  if (status === 408 || (status >= 500 && status !== 501)) return STORE_BROKEN
  return hasCode ? REFUSED : NOT_S3
}
