import { defaultShouldDehydrateQuery, type Query, QueryClient } from '@tanstack/react-query'
import superjson from 'superjson'
import { failureOf } from './failure-of.ts'

/** What could not be read and may be later is asked for again, also where nothing else asks: no page has to be loaded anew. */
const AGAIN_MS = 5_000
const againMs = ({ state }: Query) =>
  state.status === 'error' && failureOf(state.error).retry !== 'never' ? AGAIN_MS : false

/**
 * One for the browser, one for each request on the server. What the server prefetched is handed over with superjson, so that
 * Dates stay Dates; queries still pending are handed over too and stream in.
 */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: 5_000, retry: 1, refetchInterval: againMs },
      dehydrate: {
        serializeData: superjson.serialize,
        shouldDehydrateQuery: (query) => defaultShouldDehydrateQuery(query) || query.state.status === 'pending',
      },
      hydrate: { deserializeData: superjson.deserialize },
    },
  })
}
