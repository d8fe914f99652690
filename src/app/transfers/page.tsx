import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { readListParams } from '../_components/transfers/list-params.ts'
import { listOptions, liveInput } from '../_components/transfers/list-query.ts'
import { TransfersPage } from '../_components/transfers/transfers-page.tsx'
import { getQueryClient, trpc } from '../_trpc/server.ts'

export const metadata: Metadata = { title: 'Transfers' }

export default async function Page({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>
}) {
  const query = await searchParams
  const params = readListParams({ get: (name) => [query[name]].flat()[0] ?? null })
  const queryClient = getQueryClient()
  await Promise.all([
    queryClient.prefetchInfiniteQuery({
      ...trpc.transfers.list.infiniteQueryOptions(...listOptions(params)),
      retry: false,
    }),
    queryClient.prefetchQuery({ ...trpc.transfers.list.queryOptions(liveInput(params)), retry: false }),
  ])
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <TransfersPage />
    </HydrationBoundary>
  )
}
