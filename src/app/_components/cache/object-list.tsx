'use client'

import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Layers, Search } from 'lucide-react'
import Link from 'next/link'
import { useDeferredValue, useState } from 'react'
import type { CachedObjectView } from '../../../server/domain/cache.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Input } from '../ui/input.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { ObjectColumns, ObjectRow } from './object-row.tsx'

const PER_PAGE = 50

/** What is cached, the latest used first, with the slices of each as a map. */
export function ObjectList(props: { hasDisk: boolean; onPurge: (object: CachedObjectView) => void }) {
  const trpc = useTRPC()
  const [text, setText] = useState('')
  const search = useDeferredValue(text.trim())
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage } = useInfiniteQuery(
    trpc.cache.objects.infiniteQueryOptions(
      { search, limit: PER_PAGE },
      {
        getNextPageParam: (page) => page.nextCursor,
        placeholderData: keepPreviousData,
        refetchInterval: 5_000,
      },
    ),
  )
  const seen = new Set<string>()
  // Between two pages something may have moved up: it is shown where it was first.
  const objects = (data?.pages ?? []).flatMap(({ items }) =>
    items.filter(({ objectId }) => !seen.has(objectId) && seen.add(objectId)),
  )
  const first = data?.pages[0]
  return (
    <section aria-label="Cached objects">
      <div className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b px-4 py-2 md:px-6">
        <h2 className="font-medium">
          Objects{' '}
          {first && first.total > 0 && (
            <span className="num font-normal text-dim">{first.total.toLocaleString('en-US')}</span>
          )}
        </h2>
        {objects.length > 0 && (
          <span className="flex gap-4 text-dim text-xs max-md:hidden" aria-hidden>
            <span className="flex items-center gap-1.5">
              <span className="h-1 w-3 bg-chart-source" /> in memory
            </span>
            {props.hasDisk && (
              <span className="flex items-center gap-1.5">
                <span className="h-1 w-3 bg-chart-bucket" /> on disk
              </span>
            )}
          </span>
        )}
        <search className="relative w-full sm:w-64">
          <Search
            className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-dim"
            aria-hidden
          />
          <Input
            aria-label="Search cached objects"
            autoComplete="off"
            className="pl-8"
            onChange={(event) => setText(event.target.value)}
            placeholder="Origin or path"
            spellCheck={false}
            type="search"
            value={text}
          />
        </search>
      </div>
      {error && !data ? (
        <div className="p-4 md:px-6">
          <Callout tone="destructive">{failureOf(error).message}</Callout>
        </div>
      ) : !data ? (
        <Skeleton className="m-6 h-24" />
      ) : objects.length === 0 ? (
        <EmptyState
          icon={<Layers />}
          title={search ? 'Nothing cached matches' : 'Nothing is cached yet'}
          description={
            search
              ? 'Try a part of a path, or the name of an origin.'
              : 'What readers ask for of a published origin is kept here, slice by slice.'
          }
          action={
            search ? undefined : (
              <Button asChild variant="outline">
                <Link href="/origins">Origins</Link>
              </Button>
            )
          }
        />
      ) : (
        <>
          <ObjectColumns />
          <ul>
            {objects.map((object) => (
              <ObjectRow
                key={object.objectId}
                object={object}
                hasDisk={props.hasDisk}
                onPurge={() => props.onPurge(object)}
              />
            ))}
          </ul>
          {hasNextPage && (
            <div className="flex justify-center py-3">
              <Button variant="outline" disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
                Show more
              </Button>
            </div>
          )}
        </>
      )}
      {first && first.enginesSilent > 0 && (
        <p className="px-4 py-2 text-warning md:px-6">
          {first.enginesSilent === 1 ? 'One engine' : `${first.enginesSilent} engines`} did not answer in time; what{' '}
          {first.enginesSilent === 1 ? 'it has' : 'they have'} is not shown.
        </p>
      )}
    </section>
  )
}
