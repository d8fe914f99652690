import { initTRPC, TRPCError } from '@trpc/server'
import superjson from 'superjson'
import { authenticate } from '../auth/authenticate.ts'
import { guardContentType, guardRequest } from '../auth/request-guard.ts'
import { findToken } from '../db/tokens.ts'
import { TransferError } from '../domain/failure.ts'
import type { ApiContext } from './context.ts'
import { meaningOf, statusOf, toErrorData } from './errors.ts'

const t = initTRPC.context<ApiContext>().create({
  transformer: superjson,
  isDev: false, // Stack traces never leave the server, not even in development: the log has them.
  errorFormatter({ shape, error }) {
    const { failure, issues } = toErrorData(meaningOf(error))
    return { ...shape, message: failure.message, data: { ...shape.data, failure, issues } }
  },
  sse: {
    ping: { enabled: true, intervalMs: 5_000 },
    client: { reconnectAfterInactivityMs: 15_000 },
  },
})

/** The checks and the error shape every procedure has. The checks are here, not in proxy.ts, because a proxy can be bypassed. */
export const procedure = t.procedure.use(async ({ ctx, next, getRawInput }) => {
  const { services, headers, method } = ctx
  try {
    guardRequest(services.site, method, headers)
    guardContentType(method, headers)
    const known = { adminToken: services.adminToken, findToken: (token: string) => findToken(services.db, token) }
    const caller = await authenticate(known, headers.get('authorization'))
    refuseNul(await getRawInput().catch(refuseInput))
    const result = await next({ ctx: { ...ctx, caller } })
    if (result.ok) return result
    throw result.error
  } catch (error) {
    throw toTrpcError(error)
  }
})

/** A refusal by size has its own status; everything else that fails here is input that cannot be read. */
function refuseInput(cause: unknown): never {
  if (cause instanceof TRPCError && cause.code === 'PAYLOAD_TOO_LARGE') throw cause
  throw new TransferError('invalid_input', 'The input is not JSON that can be read.', { cause })
}

/** Postgres keeps every character but this one, so it is refused before any of them gets there. */
function refuseNul(input: unknown): void {
  if (typeof input === 'string' && input.includes('\0'))
    throw new TransferError(
      'invalid_input',
      'The input has a NUL character (U+0000), which no name or text may have. Remove it.',
    )
  if (typeof input === 'object' && input !== null) for (const value of Object.values(input)) refuseNul(value)
}

export const router = t.router
export const createCallerFactory = t.createCallerFactory

/** Any error as tRPC sends it, with the status of its failure. Subscriptions need it too: what they throw later passes no middleware. */
export function toTrpcError(error: unknown): TRPCError {
  const meaning = meaningOf(error)
  if (meaning instanceof TRPCError) return meaning
  const { failure } = toErrorData(meaning)
  return new TRPCError({ code: statusOf(failure.code), message: failure.message, cause: meaning })
}
