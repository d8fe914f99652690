import type { TransferStatus, TransferView } from '../../../server/domain/transfer.ts'

/** States in which numbers change by themselves, so that they are asked for every second. */
export const LIVE_STATUSES: readonly TransferStatus[] = ['running', 'verifying']

/**
 * The list with the newest numbers of what runs. The list itself is asked for seldom, the few running transfers every second;
 * a row keeps its place, whatever the newest answer says.
 */
export function mergeLive(items: readonly TransferView[], live: readonly TransferView[] | undefined): TransferView[] {
  if (!live || live.length === 0) return [...items]
  const newest = new Map(live.map((transfer) => [transfer.id, transfer]))
  return items.map((item) => newest.get(item.id) ?? item)
}

/** The list with what runs first, as it is in the state-less view: what moves is what one looks for. */
export function liveFirst(items: readonly TransferView[], live: readonly TransferView[] | undefined): TransferView[] {
  if (!live || live.length === 0) return [...items]
  const running = live.filter((transfer) => LIVE_STATUSES.includes(transfer.status))
  const lifted = new Set(running.map(({ id }) => id))
  return [...running, ...items.filter(({ id }) => !lifted.has(id))]
}

/**
 * True where the two answers show that the list itself is out of date: something began or stopped to run, or the counts are
 * others.
 */
export function isOutOfDate(
  list: { items: readonly TransferView[]; counts: Readonly<Record<string, number>> },
  live: { items: readonly TransferView[]; counts: Readonly<Record<string, number>> },
): boolean {
  if (Object.entries(live.counts).some(([state, count]) => list.counts[state] !== count)) return true
  const running = new Set(live.items.map((transfer) => transfer.id))
  return list.items.some((item) => LIVE_STATUSES.includes(item.status) && !running.has(item.id))
}

/** The rows of `ids` as they are now; a row that the answer no longer holds stays as it was. Used while a menu is open. */
export function holdRows(held: readonly TransferView[], now: readonly TransferView[]): TransferView[] {
  const newest = new Map(now.map((transfer) => [transfer.id, transfer]))
  return held.map((row) => newest.get(row.id) ?? row)
}
