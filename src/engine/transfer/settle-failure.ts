import { abandonVerification } from '../../server/db/completion.ts'
import { isDatabaseTrouble } from '../../server/db/database-failure.ts'
import {
  countStartOvers,
  failTransfer,
  loadTransfer,
  requeueTransfer,
  startOver,
} from '../../server/db/transfer-steps.ts'
import { TransferError, toFailure } from '../../server/domain/failure.ts'
import { backoffMs } from './backoff.ts'
import { abortUpload, type WorkContext } from './work-context.ts'

/** Attempts without a finished part in between, after which a transfer fails. */
const MAX_ATTEMPTS = 4
const MAX_START_OVERS = 5
/** Failures that need a new upload, because what is there cannot be gone on with. */
const NEEDS_NEW_UPLOAD = new Set(['source_range_refused', 'source_encoded', 'upload_lost', 'upload_conflict'])

/**
 * Decides what becomes of a transfer whose work ended with an error: start over where the upload or the reading cannot be
 * taken up again, wait and go on where time may heal it, fail where it cannot.
 */
export async function settleFailure(
  context: WorkContext,
  id: string,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { db, engineId, log, metrics } = context
  // The database's trouble is not the transfer's: its claims go back or run out, and it goes on from the ledger.
  if (isDatabaseTrouble(error))
    return log.warn({ transferId: id, err: error }, 'work stopped: the database did not answer')
  const failure = toFailure(error)
  if (error instanceof TransferError) log.info({ transferId: id, code: error.code, facts: error.facts }, error.message)
  else log.error({ transferId: id, err: error }, 'unexpected error in a transfer')
  const row = await loadTransfer(db, id)
  if (row?.status !== 'running' || row.cancelRequestedAt) {
    if (row?.status === 'verifying') await abandonVerification(db, engineId, id, failure.message)
    return
  }
  const retryAfterMs = error instanceof TransferError ? error.retryAfterMs : undefined
  // One stream cannot be taken up again in the middle; once all of it is in the bucket only the completion is left.
  const cannotResume = row.acceptsRanges === false && failure.retry !== 'never' && row.partsDone !== row.partsTotal
  const needsNewUpload = row.uploadId !== null && (NEEDS_NEW_UPLOAD.has(failure.code) || cannotResume)
  if (needsNewUpload) {
    const startOvers = await countStartOvers(db, id)
    if (startOvers < MAX_START_OVERS) {
      await abortUpload(context, row, signal)
      const event = { code: 'started_over', message: `Started over from the first byte: ${failure.message}` }
      if (await startOver(db, engineId, id, event, backoffMs(startOvers + 1, retryAfterMs))) return
    }
  }
  const wasPlanned = row.uploadId !== null
  const mayHeal = failure.retry === 'now' || (failure.retry === 'later' && wasPlanned)
  // Waiting would not help where all comes anew each time: finished parts reset the attempts, and it would never end.
  if (mayHeal && !needsNewUpload && row.attempts + 1 < MAX_ATTEMPTS) {
    await requeueTransfer(db, engineId, id, backoffMs(row.attempts + 3, retryAfterMs), failure.message)
    return
  }
  if (await failTransfer(db, engineId, id, failure)) metrics.transfersEnded.inc({ outcome: 'failed' })
}
