'use client'

import { ArrowLeftRight, SearchX } from 'lucide-react'
import Link from 'next/link'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { type ListParams, type ListTab, listHref } from './list-params.ts'

/** Rows of the size they will have. */
export function ListSkeleton({ rows = 12 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading transfers">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: these rows are all alike.
        <div key={index} className="flex h-16 items-center gap-4 border-b px-4 md:h-9 md:px-6">
          <Skeleton className="h-3 w-1/4" />
          <Skeleton className="h-3 w-1/3" />
          <Skeleton className="ml-auto h-3 w-16 max-md:hidden" />
        </div>
      ))}
    </div>
  )
}

const NOTHING: Record<Exclude<ListTab, 'all'>, string> = {
  running: 'Nothing is running.',
  queued: 'Nothing is waiting.',
  paused: 'Nothing is paused.',
  failed: 'Nothing has failed.',
  completed: 'Nothing is done yet.',
  cancelled: 'Nothing was cancelled.',
}

/** Why there are no rows, and the one action that helps. */
export function ListEmpty({ params }: { params: ListParams }) {
  if (params.search)
    return (
      <EmptyState
        icon={<SearchX />}
        title={`Nothing matches “${params.search}”`}
        description="The search looks in keys, source URLs and bucket names."
        action={
          <Button asChild variant="outline">
            <Link href={listHref({ ...params, search: '' })}>Clear the search</Link>
          </Button>
        }
      />
    )
  if (params.tab !== 'all')
    return (
      <EmptyState
        icon={<ArrowLeftRight />}
        title={NOTHING[params.tab]}
        action={
          <Button asChild variant="outline">
            <Link href={listHref({ tab: 'all', search: '' })}>Show all transfers</Link>
          </Button>
        }
      />
    )
  return (
    <EmptyState
      icon={<ArrowLeftRight />}
      title="No transfers yet"
      description="Paste a link to a file and Sluice streams it into a bucket. It will be listed here with its progress, and stay as history."
      action={
        <Button asChild>
          <Link href="/transfers/new">New transfer</Link>
        </Button>
      }
    />
  )
}
