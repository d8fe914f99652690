'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import type { ReportView } from '../../../server/domain/report.ts'
import { isTerminal } from '../../../server/domain/transfer-state.ts'
import { usePageVisible } from '../../_hooks/use-page-visible.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { OneOfMany } from '../ui/one-of-many.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { ReportActions } from './report-actions.tsx'
import { ReportArticle } from './report-article.tsx'

/** A report is read, not watched: while the transfer runs it is made anew every few seconds, less often when it is long. */
function pollMs(view: ReportView | undefined, visible: boolean): number | false {
  if (!visible || (view && isTerminal(view.transfer.status))) return false
  return (view?.stepMs ?? 0) > 2000 ? 10_000 : 3000
}

/** The report of one transfer, or why it cannot be shown. */
export function ReportPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const visible = usePageVisible()
  const query = useQuery(
    trpc.reports.view.queryOptions(
      { transferId: id },
      { refetchInterval: ({ state }) => pollMs(state.data, visible), retry: false },
    ),
  )
  return (
    <OneOfMany
      allHref="/reports"
      kind="report"
      missing="Its transfer may have been removed, or the address is not complete."
      outline={<ReportSkeleton />}
      query={query}
    >
      {(view, failure) => (
        <>
          {failure && (
            <Callout className="mx-4 mt-3 md:mx-6 print:hidden" tone="warning">
              {failure.message} Below is what was last read.
            </Callout>
          )}
          <ReportArticle
            actions={
              <>
                <Button asChild variant="outline">
                  <Link href={`/transfers/${id}`}>Transfer</Link>
                </Button>
                <ReportActions transferId={id} />
              </>
            }
            view={view}
          />
        </>
      )}
    </OneOfMany>
  )
}

function ReportSkeleton() {
  return (
    <div aria-busy="true" className="mx-auto grid max-w-[60rem] gap-6 px-4 py-9 md:px-8">
      <Skeleton className="h-5 w-72 max-w-full" />
      <Skeleton className="h-8 w-[36rem] max-w-full" />
      <Skeleton className="h-[280px]" />
      <Skeleton className="h-24" />
    </div>
  )
}
