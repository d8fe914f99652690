import { failTransfer, type TransferRow } from '../../server/db/transfer-steps.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { WorkContext } from './work-context.ts'

/** Engines that died one after the other without a finished part in between, after which a transfer is given up. */
export const MAX_CRASHES = 8

/**
 * Gives up a transfer whose engines keep dying: it may be what kills them (out of memory, say), and it must not take down one
 * after the other for ever. True where it did. The finished parts are kept, as after any failure that a retry may mend.
 */
export async function endCrashLoop(context: WorkContext, row: TransferRow): Promise<boolean> {
  if (row.crashes < MAX_CRASHES || row.status === 'verifying') return false
  const failure = new TransferError(
    'engines_died',
    `${row.crashes} engines in a row ended abruptly while they worked on this transfer, and finished no part of it. Look at their logs and memory (a smaller SLUICE_MEMORY_BUDGET helps), then retry.`,
    { retry: 'later' },
  ).toFailure()
  const isEnded = await failTransfer(context.db, context.engineId, row.id, failure)
  if (isEnded) context.metrics.transfersEnded.inc({ outcome: 'failed' })
  return isEnded
}
