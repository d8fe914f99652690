import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { CachePage } from '../_components/cache/cache-page.tsx'
import { getQueryClient, trpc } from '../_trpc/server.ts'

export const metadata: Metadata = { title: 'Cache' }

export default async function Page() {
  const queryClient = getQueryClient()
  await queryClient.prefetchQuery({ ...trpc.cache.stats.queryOptions(), retry: false })
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <CachePage />
    </HydrationBoundary>
  )
}
