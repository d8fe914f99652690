import type { Sample } from '../domain/sample.ts'
import { isTerminal } from '../domain/transfer-state.ts'
import type { Db } from './client.ts'
import type { Notifications } from './notifications.ts'
import { samplesAfter } from './samples.ts'
import { transferNotFound } from './transfers.ts'

/** The rows are looked at this often even if no hint comes. */
const POLL_MS = 2_000
const PAGE = 1_000

interface Following {
  db: Db
  notifications: Pick<Notifications, 'hints'>
  signal?: AbortSignal
}

/**
 * Every sample of a transfer after `afterId`, in order of its id: first what is recorded, then live. Attaches before it reads, so
 * none falls between. Ends when the transfer has ended and all is given, or when `signal` aborts. Throws `not_found`.
 */
export async function* followSamples(
  { db, notifications, signal }: Following,
  transferId: string,
  afterId: bigint,
): AsyncGenerator<{ id: bigint; sample: Sample }> {
  const flushed = notifications.hints('sluice_progress', transferId)
  try {
    let last = afterId
    while (!signal?.aborted) {
      // The state is read before the samples: what was recorded until the end is then surely among them.
      const row = await db.transfer.findUnique({ where: { id: transferId }, select: { status: true } })
      if (!row) throw transferNotFound()
      const page = await samplesAfter(db, transferId, last, PAGE)
      for (const item of page) {
        if (signal?.aborted) return
        last = item.id
        yield item
      }
      if (page.length === PAGE) continue
      if (isTerminal(row.status)) return
      await flushed.next(POLL_MS, signal)
    }
  } finally {
    flushed.close()
  }
}
