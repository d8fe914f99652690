import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import type { Services } from './context.ts'
import { isUnexpected, meaningOf, toErrorData } from './errors.ts'
import { appRouter } from './root.ts'
import { webServices } from './web-services.ts'

/** Answers `/api/trpc/*`. Responses are never kept by a cache between here and the browser. */
export function handleTrpc(request: Request, services: Services = webServices()): Promise<Response> {
  return fetchRequestHandler({
    endpoint: '/api/trpc',
    req: request,
    router: appRouter,
    createContext: () => ({ services, method: request.method, headers: request.headers }),
    onError: ({ error, path }) => {
      const meaning = meaningOf(error)
      if (isUnexpected(toErrorData(meaning)))
        services.log.error({ err: meaning, path }, 'A call of the API failed unexpectedly')
    },
    responseMeta: () => ({ headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } }),
  })
}
