import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { z } from 'zod'
import { ReportPage } from '../../../_components/reports/report-page.tsx'
import { getQueryClient, trpc } from '../../../_trpc/server.ts'

interface PageProps {
  params: Promise<{ id: string }>
}

/** Reads the report once for title and page. What cannot be read is left to the browser, which says why. */
async function prefetch(id: string) {
  const queryClient = getQueryClient()
  const options = trpc.reports.view.queryOptions({ transferId: id })
  if (z.uuid().safeParse(id).success) await queryClient.prefetchQuery({ ...options, retry: false })
  return { queryClient, view: queryClient.getQueryData(options.queryKey) }
}

export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const { view } = await prefetch((await params).id)
  return { title: view ? `Report of ${view.transfer.name}` : 'Report' }
}

export default async function Page({ params }: PageProps) {
  const { id } = await params
  const { queryClient } = await prefetch(id)
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <ReportPage id={id} />
    </HydrationBoundary>
  )
}
