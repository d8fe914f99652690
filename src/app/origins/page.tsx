import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { OriginsPage } from '../_components/origins/origins-page.tsx'
import { getQueryClient, trpc } from '../_trpc/server.ts'

export const metadata: Metadata = { title: 'Origins' }

export default async function Page() {
  const queryClient = getQueryClient()
  await queryClient.prefetchQuery({ ...trpc.origins.list.queryOptions(), retry: false })
  return (
    <HydrationBoundary state={dehydrate(queryClient)}>
      <OriginsPage />
    </HydrationBoundary>
  )
}
