import { TransferError } from '../domain/failure.ts'

/** Prisma's codes for a server that is away or a pool that got no connection in time. */
const UNAVAILABLE_CODES = new Set([
  'P1000',
  'P1001',
  'P1002',
  'P1003',
  'P1008',
  'P1010',
  'P1011',
  'P1017',
  'P2024',
  'P2037',
])
/** Node's and Postgres' own: class 08 (connection), 57P0x (shutting down, crashed, starting), 53300 (too many). */
const UNAVAILABLE_CAUSES =
  /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|EHOSTUNREACH|08\d{3}|57P0\d|53300)$|^(DatabaseNotReachable|ConnectionClosed|TooManyConnections|SocketTimeout|TlsConnectionError)$/
const UNAVAILABLE_TEXTS =
  /Can't reach database server|Connection terminated|connection timeout|timeout exceeded when trying to connect|server closed the connection/i

/** The failure of a database that is away, or null where the error is another. */
export function databaseFailure(error: unknown): TransferError | null {
  if (!isUnavailable(error, 0)) return null
  return new TransferError(
    'database_unavailable',
    'The database does not answer right now. Transfers go on where they can; this page works again when it is back.',
    { retry: 'later', cause: error },
  )
}

/** True where a row was refused because a value that must be unique is taken (P2002). */
export function isUniqueViolation(error: unknown): boolean {
  return readText(error, 'code') === 'P2002'
}

function isUnavailable(error: unknown, depth: number): boolean {
  if (typeof error !== 'object' || error === null || depth > 5) return false
  const code = readText(error, 'code')
  const errorCode = readText(error, 'errorCode')
  if (UNAVAILABLE_CODES.has(code) || UNAVAILABLE_CODES.has(errorCode) || UNAVAILABLE_CAUSES.test(code)) return true
  if (UNAVAILABLE_CAUSES.test(readText(error, 'kind')) || UNAVAILABLE_CAUSES.test(readText(error, 'originalCode')))
    return true
  if (error instanceof Error && UNAVAILABLE_TEXTS.test(error.message)) return true
  if (error instanceof AggregateError && error.errors.some((inner) => isUnavailable(inner, depth + 1))) return true
  return isUnavailable((error as { cause?: unknown }).cause, depth + 1)
}

function readText(value: unknown, name: string): string {
  const field = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  return typeof field === 'string' ? field : ''
}
