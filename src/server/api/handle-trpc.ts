import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { boundedJson } from './bounded-json.ts'
import type { Services } from './context.ts'
import { isUnexpected, meaningOf, toErrorData } from './errors.ts'
import { appRouter } from './root.ts'
import { webServices } from './web-services.ts'

/** Calls in one request: pages send a handful at once. */
const MAX_BATCH_CALLS = 100

/** Answers `/api/trpc/*`. Responses are never kept by a cache between here and the browser. */
export async function handleTrpc(request: Request, services: Services = webServices()): Promise<Response> {
  const response = await fetchRequestHandler({
    endpoint: '/api/trpc',
    req: boundedJson(request),
    router: appRouter,
    maxBatchSize: MAX_BATCH_CALLS,
    createContext: () => ({ services, method: request.method, headers: request.headers }),
    onError: ({ error, path }) => {
      const meaning = meaningOf(error)
      if (isUnexpected(toErrorData(meaning)))
        services.log.error({ err: meaning, path }, 'A call of the API failed unexpectedly')
    },
  })
  response.headers.set('cache-control', 'no-store')
  response.headers.set('x-content-type-options', 'nosniff')
  // A stopping server waits for its connections, and an open page uses them again and again; so they end with their answer.
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  if (isStream || services.stopping.aborted) response.headers.set('connection', 'close')
  return response
}
