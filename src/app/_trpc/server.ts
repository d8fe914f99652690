import 'server-only'

import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { headers } from 'next/headers'
import { cache } from 'react'
import type { ApiContext } from '../../server/api/context.ts'
import { appRouter, createCaller } from '../../server/api/root.ts'
import { webServices } from '../../server/api/web-services.ts'
import { makeQueryClient } from './query-client.ts'

/** The page request as the API sees it: the same checks apply as to a call over HTTP. */
const createContext = cache(async (): Promise<ApiContext> => {
  const sent = new Headers(await headers())
  return { services: webServices(), method: 'GET', headers: sent }
})

/** One query client for each request, to prefetch into and to hand over with HydrationBoundary. */
export const getQueryClient = cache(makeQueryClient)

/** Query options for prefetching: `getQueryClient().prefetchQuery(trpc.transfers.list.queryOptions({}))`. */
export const trpc = createTRPCOptionsProxy({ ctx: createContext, router: appRouter, queryClient: getQueryClient })

/** Calls a procedure from a server component, for what the page itself needs (title, not found). */
export async function api() {
  return createCaller(await createContext())
}
