import { TRANSFER_STATUSES, type TransferCounts, type TransferStatus } from '../../../server/domain/transfer.ts'

export const LIST_TABS = ['all', 'running', 'queued', 'paused', 'failed', 'completed', 'cancelled'] as const
export type ListTab = (typeof LIST_TABS)[number]

export interface ListParams {
  tab: ListTab
  search: string
}

export const TAB_NAMES: Record<ListTab, string> = {
  all: 'All',
  running: 'Running',
  queued: 'Queued',
  paused: 'Paused',
  failed: 'Failed',
  completed: 'Done',
  cancelled: 'Cancelled',
}

/** What the list shows, read from its address (`?status=failed&q=iso`). What is not understood is left out. */
export function readListParams(params: { get(name: string): string | null }): ListParams {
  const status = params.get('status')
  const tab = LIST_TABS.find((known) => known === status) ?? 'all'
  return { tab, search: (params.get('q') ?? '').trim().slice(0, 512) }
}

/** The address of the list with this tab and search. */
export function listHref({ tab, search }: ListParams): string {
  const params = new URLSearchParams()
  if (tab !== 'all') params.set('status', tab)
  if (search) params.set('q', search)
  const query = params.toString()
  return query ? `/transfers?${query}` : '/transfers'
}

/** The states behind a tab: verifying is a way of running. Undefined means every state. */
export function tabStatuses(tab: ListTab): TransferStatus[] | undefined {
  if (tab === 'all') return undefined
  if (tab === 'running') return ['running', 'verifying']
  return TRANSFER_STATUSES.filter((status) => status === tab)
}

/** How many transfers a tab holds. */
export function tabCount(tab: ListTab, counts: TransferCounts): number {
  return tab === 'running' ? counts.running + counts.verifying : counts[tab]
}
