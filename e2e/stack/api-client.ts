import { createTRPCClient, httpLink } from '@trpc/client'
import superjson from 'superjson'
import type { AppRouter } from '../../src/server/api/root.ts'

export type ApiClient = ReturnType<typeof createApiClient>

/** A client of the API as a program outside would be one. */
export function createApiClient(webUrl: string, token?: string) {
  return createTRPCClient<AppRouter>({
    links: [
      httpLink({
        url: `${webUrl}/api/trpc`,
        transformer: superjson,
        headers: token ? { authorization: `Bearer ${token}` } : {},
      }),
    ],
  })
}
