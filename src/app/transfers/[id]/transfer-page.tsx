'use client'

import { useQuery } from '@tanstack/react-query'
import { SearchX, Unplug } from 'lucide-react'
import Link from 'next/link'
import type { TransferDetail } from '../../../server/domain/transfer.ts'
import { isTerminal } from '../../../server/domain/transfer-state.ts'
import { Button } from '../../_components/ui/button.tsx'
import { Callout } from '../../_components/ui/callout.tsx'
import { EmptyState } from '../../_components/ui/empty-state.tsx'
import { Skeleton } from '../../_components/ui/skeleton.tsx'
import { usePageVisible } from '../../_hooks/use-page-visible.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { TransferView } from './transfer-view.tsx'

/** How often the row is read. Thousands of parts come with it, so the many-part ones are read less often. */
function pollMs(transfer: TransferDetail | undefined, visible: boolean): number {
  if (!transfer) return 5000
  if (!visible) return 15_000
  if (transfer.status === 'running' || transfer.status === 'verifying')
    return transfer.parts.length > 1000 ? 3000 : 1000
  return isTerminal(transfer.status) ? 15_000 : 2000
}

/** One transfer, or why it cannot be shown. */
export function TransferPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const visible = usePageVisible()
  const query = useQuery(
    trpc.transfers.byId.queryOptions(
      { id },
      {
        refetchInterval: ({ state }) => pollMs(state.data, visible),
        // The tab's title shows the percentage, which is read when the page is not seen.
        refetchIntervalInBackground: true,
        retry: false,
      },
    ),
  )
  const failure = query.error ? failureOf(query.error) : null
  if (failure && (failure.code === 'not_found' || failure.code === 'invalid_input'))
    return (
      <EmptyState
        action={
          <Button asChild>
            <Link href="/transfers">All transfers</Link>
          </Button>
        }
        description="It may have been removed, or the address is not complete."
        icon={<SearchX aria-hidden />}
        title="There is no such transfer"
      />
    )
  if (!query.data)
    return failure ? (
      <EmptyState
        action={<Button onClick={() => void query.refetch()}>Try again</Button>}
        description={failure.message}
        icon={<Unplug aria-hidden />}
        title="The transfer could not be read"
      />
    ) : (
      <TransferSkeleton />
    )
  return (
    <div className="px-4 py-5 md:px-6">
      {failure && (
        <Callout className="mb-3" tone="warning">
          {failure.message} Below is what was last read; it is tried again every few seconds.
        </Callout>
      )}
      <TransferView transfer={query.data} />
    </div>
  )
}

function TransferSkeleton() {
  return (
    <div aria-busy="true" className="grid gap-5 px-4 py-5 md:px-6">
      <div className="grid gap-2">
        <Skeleton className="h-8 w-72 max-w-full" />
        <Skeleton className="h-5 w-[32rem] max-w-full" />
      </div>
      <Skeleton className="h-[296px]" />
      <Skeleton className="h-8" />
    </div>
  )
}
