import type { TransferStatus } from '../../../server/domain/transfer.ts'

/** What has run, or runs. */
const WITH_REPORT: readonly TransferStatus[] = ['completed', 'failed', 'running', 'verifying', 'paused']

/** Input and options of the list of runs, the same for the server that prefetches it and the browser that shows it. */
export function reportsListOptions(search: string) {
  const status = [...WITH_REPORT]
  return [
    { status, search: search || undefined, limit: 50 },
    { getNextPageParam: (page: { nextCursor: string | null }) => page.nextCursor },
  ] as const
}
