import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { z } from 'zod'
import { getQueryClient, trpc } from '../../_trpc/server.ts'
import { TransferPage } from './transfer-page.tsx'

interface PageProps {
  params: Promise<{ id: string }>
}

/** Reads the transfer once for title and page. What cannot be read is left to the browser, which says why. */
async function prefetch(id: string) {
  const queryClient = getQueryClient()
  const options = trpc.transfers.byId.queryOptions({ id })
  if (z.uuid().safeParse(id).success) await queryClient.prefetchQuery({ ...options, retry: false })
  return { queryClient, transfer: queryClient.getQueryData(options.queryKey) }
}

export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const { transfer } = await prefetch((await params).id)
  return { title: transfer?.name ?? 'Transfer' }
}

export default async function Page({ params }: PageProps) {
  const { id } = await params
  const { queryClient, transfer } = await prefetch(id)
  // The line that fetches the object names the bucket; without it the page would jump when the bucket comes.
  if (transfer?.status === 'completed')
    await queryClient.prefetchQuery({ ...trpc.buckets.list.queryOptions(), retry: false })
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <TransferPage id={id} />
    </HydrationBoundary>
  )
}
