import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { BucketsPage } from '../_components/buckets/buckets-page.tsx'
import { getQueryClient, trpc } from '../_trpc/server.ts'

export const metadata: Metadata = { title: 'Buckets' }

export default async function Page() {
  const queryClient = getQueryClient()
  await queryClient.prefetchQuery({ ...trpc.buckets.list.queryOptions(), retry: false })
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <BucketsPage />
    </HydrationBoundary>
  )
}
