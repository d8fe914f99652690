'use client'

import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { FileUp, SearchX } from 'lucide-react'
import Link from 'next/link'
import { useRouter, useSearchParams } from 'next/navigation'
import { useDeferredValue, useState } from 'react'
import { useTRPC } from '../../_trpc/client.tsx'
import { Button } from '../ui/button.tsx'
import { CouldNotRead } from '../ui/could-not-read.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Input } from '../ui/input.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { compareHref, MOST_COMPARED, readCompareIds } from './compare-params.ts'
import { OpenFile, useOpenFile } from './open/open-file.tsx'
import { OpenedPage } from './open/opened-page.tsx'
import { ReportColumns, ReportRow } from './report-row.tsx'
import { reportsListOptions } from './reports-query.ts'

/** Runs to read about or to hold against each other, and files to open. */
export function ReportsPage() {
  const trpc = useTRPC()
  const router = useRouter()
  const params = useSearchParams()
  const [text, setText] = useState('')
  const search = useDeferredValue(text.trim())
  const [chosen, setChosen] = useState<readonly string[]>(() => readCompareIds(params.get('with')))
  const files = useOpenFile()
  const list = useInfiniteQuery({
    ...trpc.transfers.list.infiniteQueryOptions(...reportsListOptions(search)),
    placeholderData: keepPreviousData,
  })
  if (files.opened) return <OpenedPage onClose={files.close} opened={files.opened} />
  const items = list.data?.pages.flatMap((page) => page.items) ?? []
  const toggle = (id: string) =>
    setChosen((now) => (now.includes(id) ? now.filter((other) => other !== id) : [...now, id].slice(0, MOST_COMPARED)))
  return (
    <OpenFile files={files}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3 px-4 pt-4 md:px-6">
        <Input
          aria-label="Search runs"
          className="w-64 max-sm:w-full"
          name="search"
          onChange={(event) => setText(event.target.value)}
          placeholder="Search by key, source or bucket"
          type="search"
          value={text}
        />
        <p className="text-muted-foreground max-lg:hidden">
          Choose one to read its report, or tick 2 to {MOST_COMPARED} to hold them against each other.
        </p>
        <Button className="sm:ml-auto" onClick={files.choose} variant="outline">
          <FileUp aria-hidden /> Open a file
        </Button>
      </div>
      {items.length > 0 ? (
        <>
          <ReportColumns />
          <ul aria-label="Runs">
            {items.map((transfer) => (
              <ReportRow
                isChosen={chosen.includes(transfer.id)}
                isFull={chosen.length >= MOST_COMPARED}
                key={transfer.id}
                onToggle={toggle}
                transfer={transfer}
              />
            ))}
          </ul>
        </>
      ) : list.error ? (
        <CouldNotRead title="The runs could not be read" error={list.error} onRetry={list.refetch} />
      ) : list.isPending ? (
        <div aria-busy="true" className="grid gap-3 px-4 py-5 md:px-6">
          {[1, 2, 3, 4, 5].map((row) => (
            <Skeleton className="h-6" key={row} />
          ))}
        </div>
      ) : search ? (
        <EmptyState
          action={<Button onClick={() => setText('')}>Clear the search</Button>}
          description="It looks in keys, source links and bucket names."
          icon={<SearchX aria-hidden />}
          title={`No run matches “${search}”`}
        />
      ) : (
        <EmptyState
          action={
            <Button asChild>
              <Link href="/transfers/new">New transfer</Link>
            </Button>
          }
          description="Every transfer that has run has a report here: how fast it was, who was slow, and what would change it. A result of npm run perf or npm run bench can be opened already."
          title="No reports yet"
        />
      )}
      {list.hasNextPage && (
        <div className="px-4 py-3 md:px-6">
          <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()} variant="outline">
            Show more
          </Button>
        </div>
      )}
      {chosen.length > 0 && (
        <section
          aria-label="Comparison"
          className="fixed bottom-5 left-1/2 z-40 flex h-11 -translate-x-1/2 items-center gap-2 whitespace-nowrap rounded-md border bg-popover pr-1.5 pl-4 shadow-popover max-md:bottom-20"
        >
          <span aria-live="polite">
            <span className="num">{chosen.length}</span> chosen
            {chosen.length === 1 && <span className="text-muted-foreground">, choose another</span>}
          </span>
          <Button disabled={chosen.length < 2} onClick={() => router.push(compareHref(chosen))} size="sm">
            Compare
          </Button>
          <Button onClick={() => setChosen([])} size="sm" variant="ghost">
            Clear
          </Button>
        </section>
      )}
    </OpenFile>
  )
}
