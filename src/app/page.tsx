import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import { OverviewPage } from './_components/overview/overview-page.tsx'
import { completedQuery, failedQuery, runningQuery } from './_components/overview/overview-queries.ts'
import { getQueryClient, trpc } from './_trpc/server.ts'

export default async function Page() {
  const queryClient = getQueryClient()
  await Promise.all([
    queryClient.prefetchQuery({ ...trpc.system.health.queryOptions(), retry: false }),
    queryClient.prefetchQuery({ ...trpc.transfers.list.queryOptions(runningQuery), retry: false }),
    queryClient.prefetchQuery({ ...trpc.transfers.list.queryOptions(failedQuery), retry: false }),
    queryClient.prefetchQuery({ ...trpc.transfers.list.queryOptions(completedQuery), retry: false }),
    queryClient.prefetchQuery({ ...trpc.engines.list.queryOptions(), retry: false }),
  ])
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <OverviewPage />
    </HydrationBoundary>
  )
}
