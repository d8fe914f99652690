import { z } from 'zod'

/** What to do about a failure: try again at once, try again later, or change something first. */
const retrySchema = z.enum(['now', 'later', 'never'])
export type Retry = z.infer<typeof retrySchema>

/**
 * The closed list of failure codes. A code is a promise to programs: it never changes its meaning.
 * The sentence that goes with it is made where the facts are known.
 */
export const FAILURE_CODES = [
  // What was asked for cannot be done as asked.
  'invalid_input',
  'invalid_url',
  'unsupported_scheme',
  'invalid_key',
  'not_found',
  'not_allowed_in_state',
  'unauthorized',
  'forbidden_origin',
  // The source.
  'address_refused',
  'host_not_found',
  'connection_refused',
  'connection_lost',
  'connect_timeout',
  'idle_timeout',
  'tls_failed',
  'source_not_found',
  'source_unauthorized',
  'source_forbidden',
  'source_gone',
  'source_rate_limited',
  'source_error',
  'source_protocol_error',
  'source_changed',
  'source_truncated',
  'source_range_refused',
  'source_encoded',
  'too_many_redirects',
  'redirect_refused',
  'too_large',
  // The bucket.
  'bucket_not_found',
  'bucket_unauthorized',
  'bucket_unreachable',
  'bucket_slow_down',
  'bucket_error',
  'bucket_protocol_error',
  'key_exists',
  'upload_lost',
  'upload_conflict',
  'checksum_mismatch',
  'size_mismatch',
  'clock_skewed',
  // Us.
  'no_engine',
  'engines_died',
  'timed_out',
  'secret_key_changed',
  'database_unavailable',
  'shutting_down',
  'internal_error',
] as const
export const failureCodeSchema = z.enum(FAILURE_CODES)
export type FailureCode = z.infer<typeof failureCodeSchema>

/** A failure as the API and the pages show it. The message says what was wrong and what to do, without secrets. */
export const failureSchema = z.object({ code: failureCodeSchema, message: z.string(), retry: retrySchema })
export type Failure = z.infer<typeof failureSchema>

/** A remark that does not stop a transfer. */
export const warningSchema = z.object({ code: z.string(), message: z.string() })
export type Warning = z.infer<typeof warningSchema>

/**
 * The one error class of Sluice. Thrown at the edges (source, bucket, input) where the facts are known; code in between
 * passes it on. Nobody matches message text: `code` names what happened, `retry` says what helps.
 */
export class TransferError extends Error {
  override readonly name = 'TransferError'
  readonly code: FailureCode
  readonly retry: Retry
  /** Milliseconds the other side asked us to wait (Retry-After), if it did. */
  readonly retryAfterMs: number | undefined
  /** Numbers and names for the log; never secrets. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>

  constructor(
    code: FailureCode,
    message: string,
    options: {
      retry?: Retry
      retryAfterMs?: number
      facts?: Record<string, string | number | boolean | null>
      cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = options.retry ?? 'never'
    this.retryAfterMs = options.retryAfterMs
    this.facts = options.facts ?? {}
  }

  toFailure(): Failure {
    return { code: this.code, message: this.message, retry: this.retry }
  }
}

/** Any thrown value as a failure. What is not a TransferError is a bug of ours and says so without its text. */
export function toFailure(error: unknown): Failure {
  if (error instanceof TransferError) return error.toFailure()
  return {
    code: 'internal_error',
    message: 'Sluice hit an unexpected error. The engine log has the details; retrying may help.',
    retry: 'later',
  }
}
