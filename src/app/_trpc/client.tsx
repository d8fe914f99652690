'use client'

import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createTRPCClient, httpBatchLink, httpLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import { createTRPCContext } from '@trpc/tanstack-react-query'
import { type ReactNode, useState } from 'react'
import superjson from 'superjson'
import { z } from 'zod'
import type { AppRouter } from '../../server/api/root.ts'
import { makeQueryClient } from './query-client.ts'

// Zod probes for `new Function`, which our content security policy refuses and every browser console then shows as an error.
if (typeof window !== 'undefined') z.config({ jitless: true })

export const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>()

let browserClient: QueryClient | undefined

/** The browser keeps one client even if React throws the first render away; the server has one for each request. */
function getQueryClient(): QueryClient {
  if (typeof window === 'undefined') return makeQueryClient()
  browserClient ??= makeQueryClient()
  return browserClient
}

/** Puts the API within reach of every client component. Subscriptions go over SSE, everything else in batches. */
export function ApiProvider({ children }: { children: ReactNode }) {
  const queryClient = getQueryClient()
  const [trpcClient] = useState(() =>
    createTRPCClient<AppRouter>({
      links: [
        splitLink({
          condition: (operation) => operation.type === 'subscription',
          true: httpSubscriptionLink({ url: '/api/trpc', transformer: superjson }),
          false: splitLink({
            // These wait for engines; in a batch everything that was asked with them would wait too.
            condition: ({ path }) =>
              path.startsWith('inspections.') || path === 'cache.objects' || path === 'cache.purge',
            true: httpLink({ url: '/api/trpc', transformer: superjson }),
            false: httpBatchLink({ url: '/api/trpc', transformer: superjson, maxURLLength: 4_000 }),
          }),
        }),
      ],
    }),
  )
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  )
}
