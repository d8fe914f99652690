import { abandonVerification } from '../../server/db/completion.ts'
import { failTransfer, type TransferRow } from '../../server/db/transfer-steps.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { WorkContext } from './work-context.ts'

/** Engines that died one after the other without a finished part in between, after which a transfer is given up. */
export const MAX_CRASHES = 8

/** True where so many engines died of it in a row that none may be risked any more. */
export function isCrashLoop(row: Pick<TransferRow, 'crashes'>): boolean {
  return row.crashes >= MAX_CRASHES
}

/**
 * Gives up a transfer whose engines keep dying: it may be what kills them (out of memory, say), and it must not take down one
 * after the other for ever. True where it did. The finished parts are kept, as after any failure that a retry may mend; a completed
 * transfer that was being verified stays completed. Where Complete may have been sent, `completingSince` says so still.
 */
export async function endCrashLoop(context: WorkContext, row: TransferRow): Promise<boolean> {
  if (!isCrashLoop(row)) return false
  const { db, engineId, metrics } = context
  const many = `${row.crashes} engines in a row ended abruptly while they`
  const look = 'Look at their logs and memory (a smaller SLUICE_MEMORY_BUDGET helps)'
  if (row.status === 'verifying') {
    await abandonVerification(db, engineId, row.id, `${many} read or looked at the object. ${look}, then verify again.`)
    return true
  }
  const isWhole = row.partsTotal !== null && row.partsDone === row.partsTotal
  const message = isWhole
    ? `${many} completed this transfer or read its source again for a checksum. All parts are in the bucket and are kept. ${look}, then retry: it looks at the key first, and sends no part again.`
    : `${many} worked on this transfer, and finished no part of it. ${look}, then retry.`
  const failure = new TransferError('engines_died', message, { retry: 'later' }).toFailure()
  const isEnded = await failTransfer(db, engineId, row.id, failure)
  if (isEnded) metrics.transfersEnded.inc({ outcome: 'failed' })
  return isEnded
}
