import { type ListParams, tabStatuses } from './list-params.ts'
import { LIVE_STATUSES } from './merge-live.ts'

/** How many rows a page of the list has. */
const LIST_PAGE_SIZE = 100

/** Input and options of the list's query, the same for the server that prefetches it and the browser that shows it. */
export function listOptions(params: ListParams) {
  return [
    { status: tabStatuses(params.tab), search: params.search || undefined, limit: LIST_PAGE_SIZE },
    { getNextPageParam: (page: { nextCursor: string | null }) => page.nextCursor },
  ] as const
}

/** Input of the query for what runs, asked for every second beside the list. */
export function liveInput(params: ListParams) {
  return { status: [...LIVE_STATUSES], search: params.search || undefined, limit: 200 }
}
