import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { ComparePage } from '../../_components/reports/compare-page.tsx'
import { readCompareIds } from '../../_components/reports/compare-params.ts'
import { getQueryClient, trpc } from '../../_trpc/server.ts'

export const metadata: Metadata = { title: 'Compare' }

export default async function Page({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>
}) {
  const ids = readCompareIds([(await searchParams).ids].flat()[0] ?? null)
  const queryClient = getQueryClient()
  if (ids.length > 1)
    await queryClient.prefetchQuery({ ...trpc.reports.compare.queryOptions({ transferIds: ids }), retry: false })
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <ComparePage />
    </HydrationBoundary>
  )
}
