'use client'

import { useQuery } from '@tanstack/react-query'
import type { TransferDetail } from '../../../server/domain/transfer.ts'
import { isTerminal } from '../../../server/domain/transfer-state.ts'
import { Callout } from '../../_components/ui/callout.tsx'
import { OneOfMany } from '../../_components/ui/one-of-many.tsx'
import { Skeleton } from '../../_components/ui/skeleton.tsx'
import { usePageVisible } from '../../_hooks/use-page-visible.ts'
import { useTRPC } from '../../_trpc/client.tsx'
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
  return (
    <OneOfMany
      allHref="/transfers"
      kind="transfer"
      missing="It may have been removed, or the address is not complete."
      outline={<TransferSkeleton />}
      query={query}
    >
      {(transfer, failure) => (
        <div className="px-4 py-5 md:px-6">
          {failure && (
            <Callout className="mb-3" tone="warning">
              {failure.message} Below is what was last read; it is tried again every few seconds.
            </Callout>
          )}
          <TransferView transfer={transfer} />
        </div>
      )}
    </OneOfMany>
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
