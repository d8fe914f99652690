import { initTRPC, TRPCError } from '@trpc/server'
import superjson from 'superjson'
import { authenticate } from '../auth/authenticate.ts'
import { guardContentType, guardRequest } from '../auth/request-guard.ts'
import type { ApiContext } from './context.ts'
import { isUnexpected, statusOf, toErrorData } from './errors.ts'

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
export const procedure = t.procedure.use(async ({ ctx, next, path }) => {
  const { services, headers, method } = ctx
  try {
    guardRequest(services.site, method, headers)
    guardContentType(services.site, method, headers)
    const caller = await authenticate(services.db, services.adminToken, headers.get('authorization'))
    const result = await next({ ctx: { ...ctx, caller } })
    if (result.ok) return result
    throw result.error
  } catch (error) {
    throw withStatus(error, ctx, path)
  }
})

export const router = t.router
export const createCallerFactory = t.createCallerFactory

function withStatus(error: unknown, ctx: ApiContext, path: string): TRPCError {
  const meaning = error instanceof TRPCError ? meaningOf(error) : error
  if (meaning instanceof TRPCError) return meaning
  const data = toErrorData(meaning)
  if (isUnexpected(data)) ctx.services.log.error({ err: meaning, path }, 'A procedure failed unexpectedly')
  return new TRPCError({ code: statusOf(data.failure.code), message: data.failure.message, cause: meaning })
}

/** tRPC wraps what a procedure throws; the cause is what happened. Its own errors (no such path, ...) stand for themselves. */
function meaningOf(error: TRPCError): unknown {
  return error.cause ?? error
}
