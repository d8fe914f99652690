import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { EnginesPage } from '../_components/engines/engines-page.tsx'
import { getQueryClient, trpc } from '../_trpc/server.ts'

export const metadata: Metadata = { title: 'Engines' }

export default async function Page() {
  const queryClient = getQueryClient()
  await queryClient.prefetchQuery({ ...trpc.engines.list.queryOptions(), retry: false })
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <EnginesPage />
    </HydrationBoundary>
  )
}
