import { TransferError } from '../domain/failure.ts'

/**
 * Signs of a database that is away, by where they are found: Prisma's codes (P1xxx, P2024, P2037), its adapter's kinds, Node's
 * codes of a connection, Postgres' SQLSTATEs of class 08, 57P0x (shutting down, crashed, starting) and 53300 (too many).
 */
const UNAVAILABLE =
  /^(P100[0-38]|P101[017]|P2024|P2028|P2037|DatabaseNotReachable|AuthenticationFailed|DatabaseDoesNotExist|DatabaseAccessDenied|ConnectionClosed|TooManyConnections|SocketTimeout|TlsConnectionError|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|EHOSTUNREACH|08\w{3}|57P0\d|25P03|53300)$/
/** What the pool and the driver say without a code. */
const UNAVAILABLE_TEXT =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|server closed the connection/i
const SCHEMA_MISSING = /^(P2021|P2022|TableDoesNotExist|ColumnNotFound|42P01|42703)$/
const WRITE_CONFLICT = /^(P2034|TransactionWriteConflict|40001|40P01)$/

/** The failure of a database that is away, or null where the error is another. */
export function databaseFailure(error: unknown): TransferError | null {
  const away = layersOf(error).some(
    (layer) => signsOf(layer).some((sign) => UNAVAILABLE.test(sign)) || UNAVAILABLE_TEXT.test(read(layer, 'message')),
  )
  if (!away) return null
  return new TransferError(
    'database_unavailable',
    'The database does not answer right now. Transfers go on where they can; this page works again when it is back.',
    { retry: 'later', cause: error },
  )
}

/** True where a row was refused because a value that must be unique is taken. */
export function isUniqueViolation(error: unknown): boolean {
  return read(error, 'code') === 'P2002'
}

/** True where a table or column is missing: the database was never migrated, or by an older version. */
export function isSchemaMissing(error: unknown): boolean {
  return layersOf(error).some((layer) => signsOf(layer).some((sign) => SCHEMA_MISSING.test(sign)))
}

/** True where Postgres gave up a transaction because of another one (deadlock, serialization): doing it again helps. */
export function isWriteConflict(error: unknown): boolean {
  return layersOf(error).some((layer) => signsOf(layer).some((sign) => WRITE_CONFLICT.test(sign)))
}

/**
 * True where a statement failed for a reason that is the database's alone and passes: it is away, or gave a transaction up.
 * A TransferError is never that: its cause may be a broken connection too, but one to a source or a bucket.
 */
export function isDatabaseTrouble(error: unknown): boolean {
  if (error instanceof TransferError) return error.code === 'database_unavailable'
  return databaseFailure(error) !== null || isWriteConflict(error)
}

/** An error with everything it wraps: causes, members of an AggregateError, and what Prisma's adapter reported. */
function layersOf(error: unknown, depth = 0): object[] {
  if (typeof error !== 'object' || error === null || depth > 6) return []
  const { cause, errors, meta } = error as {
    cause?: unknown
    errors?: unknown
    meta?: { driverAdapterError?: unknown }
  }
  const inner = [cause, meta?.driverAdapterError, ...(Array.isArray(errors) ? errors : [])]
  return [error, ...inner.flatMap((one) => layersOf(one, depth + 1))]
}

function signsOf(layer: object): string[] {
  return ['code', 'errorCode', 'kind', 'originalCode'].map((name) => read(layer, name))
}

function read(value: unknown, name: string): string {
  const field = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  return typeof field === 'string' ? field : ''
}
