'use client'

import { useQuery } from '@tanstack/react-query'
import { useSearchParams } from 'next/navigation'
import { useCallback, useMemo, useRef, useState } from 'react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import type { TransferAction } from '../../../server/domain/transfer-state.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { SearchBox } from '../shell/search-box.tsx'
import { Callout } from '../ui/callout.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { cn } from '../ui/cn.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { CouldNotRead } from '../ui/could-not-read.tsx'
import { idsFor, questionFor } from './action-plan.ts'
import { BulkBar } from './bulk-bar.tsx'
import { readListParams } from './list-params.ts'
import { ListEmpty, ListSkeleton } from './list-states.tsx'
import { holdRows } from './merge-live.ts'
import { selectionState } from './selection.ts'
import { StatusTabs } from './status-tabs.tsx'
import { TransferList } from './transfer-list.tsx'
import { useSelection } from './use-selection.ts'
import { useTransferActions } from './use-transfer-actions.ts'
import { useTransferList } from './use-transfer-list.ts'

/** The most ids that one action takes. */
const MAX_SELECTED = 1000

/** The list of transfers: states with counts, search, rows, and what can be done with them. */
export function TransfersPage() {
  const params = readListParams(useSearchParams())
  const list = useTransferList(params)
  const { apply, isPending } = useTransferActions()
  const s3Path = useS3Path()
  const [asked, setAsked] = useState<{ action: TransferAction; transfers: readonly TransferView[] } | null>(null)

  // While a menu is open rows keep their places: a list that moves closes it or puts another row under the pointer.
  const [held, setHeld] = useState<readonly TransferView[] | null>(null)
  const items = held ? holdRows(held, list.items) : list.items
  const itemsRef = useRef(items)
  itemsRef.current = items
  const onMenu = useCallback((open: boolean) => setHeld(open ? itemsRef.current : null), [])

  const order = useMemo(() => items.map(({ id }) => id), [items])
  const { selected, toggle, select } = useSelection(order, `${params.tab} ${params.search}`)
  const selectedItems = items.filter(({ id }) => selected.has(id))

  const act = (action: TransferAction, transfers: readonly TransferView[]) => {
    if (questionFor(action, transfers)) setAsked({ action, transfers })
    else apply(action, idsFor(action, transfers))
  }
  const latestAct = useRef(act)
  latestAct.current = act
  const onRowAction = useCallback((action: TransferAction, one: TransferView) => latestAct.current(action, [one]), [])

  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  const onNearEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])

  const selectAll = async () => {
    let pages = list.hasNextPage ? await fetchNextPage() : null
    while (pages?.hasNextPage && countOf(pages.data) < MAX_SELECTED) pages = await fetchNextPage()
    const all = pages?.data ? pages.data.pages.flatMap((page) => page.items) : items
    select(new Set(all.slice(0, MAX_SELECTED).map(({ id }) => id)))
  }

  const question = asked ? questionFor(asked.action, asked.transfers) : null
  return (
    <>
      <div className="sticky top-13 z-20 border-b bg-background">
        <SearchBox className="px-4 pt-3 md:hidden" />
        <div className="flex items-center gap-3 px-4 md:px-6">
          <Checkbox
            checked={selectionState(selected, order)}
            disabled={items.length === 0}
            aria-label="Select all shown transfers"
            className="max-md:hidden"
            onCheckedChange={(checked) => select(checked === true ? new Set(order) : new Set())}
          />
          <StatusTabs params={params} counts={list.counts} />
        </div>
      </div>
      {list.error && items.length > 0 && (
        <Callout tone="warning" className="mx-4 my-2 md:mx-6" title="These rows may be out of date.">
          {failureOf(list.error).message}
        </Callout>
      )}
      <div className={cn(list.isPrevious && 'opacity-60')}>
        {items.length > 0 ? (
          <TransferList
            items={items}
            total={list.total}
            s3Path={s3Path}
            selected={selected}
            onToggle={toggle}
            onAction={onRowAction}
            onMenu={onMenu}
            onNearEnd={onNearEnd}
          />
        ) : list.error ? (
          <CouldNotRead title="The list could not be read" error={list.error} onRetry={list.refetch} />
        ) : list.isPending ? (
          <ListSkeleton />
        ) : (
          <ListEmpty params={params} />
        )}
      </div>
      {isFetchingNextPage && <ListSkeleton rows={3} />}
      <BulkBar
        selected={selectedItems}
        selectable={list.total > items.length && list.total <= MAX_SELECTED ? list.total : null}
        onSelectAll={selectAll}
        onClear={() => select(new Set())}
        onAction={act}
        busy={isPending}
      />
      <ConfirmDialog
        open={asked !== null}
        onOpenChange={(open) => !open && setAsked(null)}
        title={question?.title ?? ''}
        description={question?.description ?? ''}
        confirmLabel={question?.confirmLabel ?? ''}
        destructive
        onConfirm={() => {
          if (asked) apply(asked.action, idsFor(asked.action, asked.transfers))
        }}
      />
    </>
  )
}

function countOf(data: { pages: readonly { items: readonly unknown[] }[] } | undefined): number {
  return data?.pages.reduce((sum, page) => sum + page.items.length, 0) ?? 0
}

/** `s3://BUCKET/KEY` of a transfer: the store's name of the bucket, which may differ from the one it has in Sluice. */
function useS3Path(): (transfer: TransferView) => string {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.buckets.list.queryOptions(undefined, { staleTime: 60_000 }))
  const byId = useMemo(() => new Map(data?.map((bucket) => [bucket.id, bucket.bucket])), [data])
  return useCallback((transfer) => `s3://${byId.get(transfer.bucketId) ?? transfer.bucketName}/${transfer.key}`, [byId])
}
