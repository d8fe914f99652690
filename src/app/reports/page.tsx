import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { ReportsPage } from '../_components/reports/reports-page.tsx'
import { reportsListOptions } from '../_components/reports/reports-query.ts'
import { getQueryClient, trpc } from '../_trpc/server.ts'

export const metadata: Metadata = { title: 'Reports' }

export default async function Page() {
  const queryClient = getQueryClient()
  await queryClient.prefetchInfiniteQuery({
    ...trpc.transfers.list.infiniteQueryOptions(...reportsListOptions('')),
    retry: false,
  })
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <ReportsPage />
    </HydrationBoundary>
  )
}
