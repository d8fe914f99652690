'use client'

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { type ListParams, tabCount } from './list-params.ts'
import { listOptions, liveInput } from './list-query.ts'
import { isOutOfDate, liveFirst, mergeLive } from './merge-live.ts'

const LIVE_MS = 1000
const IDLE_MS = 5000
/** The whole list is asked for again this often, because a change may leave all counts as they were. */
const LIST_MS = 15_000

/**
 * The transfers of a tab and a search: pages as they are scrolled to, and once a second the numbers of what runs. Nothing is
 * asked for while the page is hidden.
 */
export function useTransferList(params: ListParams) {
  const trpc = useTRPC()
  const list = useInfiniteQuery({
    ...trpc.transfers.list.infiniteQueryOptions(...listOptions(params)),
    refetchInterval: LIST_MS,
    placeholderData: keepPreviousData,
  })
  const live = useQuery(
    trpc.transfers.list.queryOptions(liveInput(params), {
      refetchInterval: ({ state }) => ((state.data?.items.length ?? 0) > 0 ? LIVE_MS : IDLE_MS),
      staleTime: LIVE_MS,
      placeholderData: keepPreviousData,
    }),
  )

  const pages = list.data?.pages
  const listed = useMemo(() => unique(pages?.flatMap((page) => page.items) ?? []), [pages])
  const items = useMemo(
    () => (params.tab === 'all' ? liveFirst : mergeLive)(listed, live.data?.items),
    [params.tab, listed, live.data],
  )
  const counts = live.data?.counts ?? pages?.[0]?.counts

  const { refetch, isFetching } = list
  const stale =
    !!pages?.[0] &&
    !!live.data &&
    !live.isPlaceholderData &&
    !list.isPlaceholderData &&
    live.dataUpdatedAt > list.dataUpdatedAt &&
    isOutOfDate({ items: listed, counts: pages[0].counts }, live.data)
  useEffect(() => {
    if (stale && !isFetching) refetch({ cancelRefetch: false })
  }, [stale, isFetching, refetch])

  return {
    items,
    counts,
    /** How many there are in the tab, loaded or not. */
    total: counts ? tabCount(params.tab, counts) : items.length,
    isPending: list.isPending,
    /** The shown rows belong to the tab or the search before this one. */
    isPrevious: list.isPlaceholderData,
    error: list.error ?? live.error ?? null,
    refetch: () => Promise.all([list.refetch(), live.refetch()]),
    hasNextPage: list.hasNextPage,
    isFetchingNextPage: list.isFetchingNextPage,
    fetchNextPage: list.fetchNextPage,
  }
}

/** A transfer may move to another page between two requests; it is shown once. */
function unique(items: readonly TransferView[]): TransferView[] {
  return [...new Map(items.map((item) => [item.id, item])).values()]
}
