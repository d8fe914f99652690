import type { BucketConnection } from '../../server/domain/bucket.ts'
import { type FailureCode, type Retry, TransferError } from '../../server/domain/failure.ts'
import { parseRetryAfter } from '../source/retry-after.ts'
import { verdictOn } from './answer-verdicts.ts'
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
  /** The Server header, by which a store at any address shows its dialect. */
  readonly server: string | null
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

function failureOfAnswer(answer: StoreAnswer, context: FailureContext, cause: unknown): TransferError {
  const { endpoint, region, bucket } = context.connection
  const dialect = dialectOf(endpoint, answer.server)
  let code = answer.code === null ? null : (dialect.errorAliases[answer.code] ?? answer.code)
  if (context.ofUpload && (code === 'NoSuchKey' || (code === null && answer.status === 404))) code = 'NoSuchUpload'
  // A redirect says where; an AuthorizationHeaderMalformed without a region is a wrong key's shape, not a wrong place.
  if (code === 'AuthorizationHeaderMalformed' && (!answer.region || answer.region === region)) code = 'InvalidToken'
  const verdict = verdictOn(answer.status, code, context.ofUpload)
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
  const { region, server, retryAfterMs } = readHeaders(sdk.$response?.headers ?? {})
  const status = sdk.$metadata?.httpStatusCode ?? sdk.$response?.statusCode
  if (status === undefined) return null
  // For answers without a body the SDK makes up names of its own, which say no more than the status.
  const named = sdk.Code ?? sdk.name
  const code = /^(Unknown|UnknownError|NotFound|Forbidden|BadRequest|Error|S3ServiceException|\d+)$/.test(named)
    ? null
    : named
  return { status, code, region: sdk.Region ?? region, server, retryAfterMs }
}

/** What the headers of an answer say besides. Names in lower case. */
export function readHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Pick<StoreAnswer, 'region' | 'server' | 'retryAfterMs'> & { readonly date: string | null } {
  const one = (name: string) => {
    const value = headers[name]
    return (Array.isArray(value) ? value[0] : value) || null
  }
  const date = one('date')
  return {
    region: one('x-amz-bucket-region'),
    server: one('server'),
    retryAfterMs: parseRetryAfter(one('retry-after'), date),
    date,
  }
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
