import { TRPCError } from '@trpc/server'
import type { TRPC_ERROR_CODE_KEY } from '@trpc/server/rpc'
import { ZodError } from 'zod'
import { JSON_ONLY } from '../auth/request-guard.ts'
import { databaseFailure } from '../db/database-failure.ts'
import { type Failure, type FailureCode, failureCodeSchema, TransferError } from '../domain/failure.ts'

/** What an error of the API carries in `error.data`: the failure, and for bad input every issue by its path. */
export interface ErrorData {
  failure: Failure
  issues: { path: string; message: string }[]
}

const UNEXPECTED: Failure = {
  code: 'internal_error',
  message: 'Sluice hit an unexpected error. The log of the web process has the details; retrying may help.',
  retry: 'later',
}

const STATUS: Partial<Record<FailureCode, TRPC_ERROR_CODE_KEY>> = {
  invalid_input: 'BAD_REQUEST',
  invalid_url: 'BAD_REQUEST',
  unsupported_scheme: 'BAD_REQUEST',
  invalid_key: 'BAD_REQUEST',
  not_found: 'NOT_FOUND',
  not_allowed_in_state: 'CONFLICT',
  unauthorized: 'UNAUTHORIZED',
  forbidden_origin: 'FORBIDDEN',
  no_engine: 'SERVICE_UNAVAILABLE',
  timed_out: 'GATEWAY_TIMEOUT',
  database_unavailable: 'SERVICE_UNAVAILABLE',
  shutting_down: 'SERVICE_UNAVAILABLE',
  internal_error: 'INTERNAL_SERVER_ERROR',
  secret_key_changed: 'INTERNAL_SERVER_ERROR',
}

/** The HTTP status of a failure, by tRPC's name. What a source or a bucket did wrong is 422: asked for rightly, but not possible. */
export function statusOf(code: FailureCode): TRPC_ERROR_CODE_KEY {
  return STATUS[code] ?? 'UNPROCESSABLE_CONTENT'
}

/** Any error of a procedure as the caller sees it: never the text of an error that is not ours. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof ZodError) return fromZod(error)
  if (error instanceof TransferError) return { failure: error.toFailure(), issues: [] }
  if (error instanceof TRPCError) return { failure: protocolFailure(error), issues: [] }
  const database = databaseFailure(error)
  if (database) return { failure: database.toFailure(), issues: [] }
  return { failure: UNEXPECTED, issues: [] }
}

/** tRPC wraps what a procedure throws: the cause is what happened. Its own errors (no such path, ...) stand for themselves. */
export function meaningOf(error: unknown): unknown {
  return error instanceof TRPCError && error.cause !== undefined ? error.cause : error
}

/** True where the log should have the details, because the caller does not get them. */
export function isUnexpected(data: ErrorData): boolean {
  return data.failure.code === 'internal_error'
}

/** The failure of one refused input, for lists whose items fail apart. */
export function zodFailure(error: ZodError): Failure {
  return fromZod(error).failure
}

/** What tRPC itself refuses, before any procedure of ours runs. */
function protocolFailure(error: TRPCError): Failure {
  const failure = (code: FailureCode, message: string): Failure => ({ code, message, retry: 'never' })
  switch (error.code) {
    case 'NOT_FOUND':
      return failure('not_found', 'There is no such call in the API. Check the path, such as /api/trpc/transfers.list.')
    case 'METHOD_NOT_SUPPORTED':
      return failure('invalid_input', 'This call does not take that method: queries are GET, mutations are POST.')
    case 'UNSUPPORTED_MEDIA_TYPE':
      return failure('forbidden_origin', JSON_ONLY)
    case 'PARSE_ERROR':
    case 'BAD_REQUEST':
      return failure('invalid_input', 'The input is not JSON that can be read, or a batch has more than 100 calls.')
    case 'PAYLOAD_TOO_LARGE':
      return failure(
        'invalid_input',
        'The input is larger than 8 MiB, or too deep or too long a list. Send fewer items at once.',
      )
    default:
      return UNEXPECTED
  }
}

function fromZod(error: ZodError): ErrorData {
  const [first] = error.issues
  const issues = error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
  return {
    failure: {
      code: first ? issueCode(first) : 'invalid_input',
      message: first ? sentence(first) : 'The input is not what this call takes.',
      retry: 'never',
    },
    issues,
  }
}

type Issue = ZodError['issues'][number]

/** A schema may name the code (`params.failure`); a bad key has its own. */
function issueCode(issue: Issue): FailureCode {
  const named = issue.code === 'custom' ? failureCodeSchema.safeParse(issue.params?.failure).data : undefined
  if (named) return named
  return issue.path.at(-1) === 'key' ? 'invalid_key' : 'invalid_input'
}

/** Our schemas speak in sentences; zod's own short texts ("Invalid input: expected string") get their path in front. */
function sentence(issue: Issue): string {
  const path = issue.path.join('.')
  if (/received undefined$/.test(issue.message)) return `${path === '' ? 'The input' : path} is missing.`
  if (!/^(Invalid|Unrecognized|Too (big|small))/.test(issue.message)) return issue.message
  return path === '' ? `${issue.message}.` : `${path}: ${issue.message}.`
}
