'use client'

import { useQuery } from '@tanstack/react-query'
import { GitCompareArrows, Plus, Unplug } from 'lucide-react'
import Link from 'next/link'
import { useSearchParams } from 'next/navigation'
import { usePageVisible } from '../../_hooks/use-page-visible.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { CompareArticle } from './compare-article.tsx'
import { readCompareIds } from './compare-params.ts'
import { PrintButton } from './report-actions.tsx'

/** Runs side by side. The address has all of it, so that it can be passed on. */
export function ComparePage() {
  const trpc = useTRPC()
  const visible = usePageVisible()
  const ids = readCompareIds(useSearchParams().get('ids'))
  const query = useQuery(
    trpc.reports.compare.queryOptions(
      { transferIds: ids },
      {
        enabled: ids.length > 1,
        retry: false,
        refetchInterval: ({ state }) =>
          visible && state.data?.runs.some(({ transfer }) => transfer.status === 'running') ? 10_000 : false,
      },
    ),
  )
  const choose = (
    <Button asChild>
      <Link href="/reports">Choose runs</Link>
    </Button>
  )
  if (ids.length < 2)
    return (
      <EmptyState
        action={choose}
        description="A comparison needs at least two runs, and its address names fewer."
        icon={<GitCompareArrows aria-hidden />}
        isPage
        title="Nothing to compare"
      />
    )
  if (query.data)
    return (
      <CompareArticle
        actions={
          <>
            <Button asChild variant="outline">
              <Link href={`/reports?with=${ids.join(',')}`}>
                <Plus aria-hidden /> Add or remove
              </Link>
            </Button>
            <PrintButton />
          </>
        }
        runs={query.data.runs}
      />
    )
  if (!query.error) return <Skeleton className="mx-auto mt-9 h-96 max-w-[60rem]" />
  const failure = failureOf(query.error)
  return (
    <EmptyState
      action={failure.code === 'not_found' ? choose : <Button onClick={() => void query.refetch()}>Try again</Button>}
      description={
        failure.code === 'not_found' ? 'One of the runs is gone: its transfer may have been removed.' : failure.message
      }
      icon={<Unplug aria-hidden />}
      title="The runs could not be compared"
    />
  )
}
