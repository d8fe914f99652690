import { abandonVerification } from '../../server/db/completion.ts'
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
export async function settleFailure(context: WorkContext, id: string, error: unknown): Promise<void> {
  const { db, engineId, log, metrics } = context
  const failure = toFailure(error)
  if (error instanceof TransferError) log.info({ transferId: id, code: error.code, facts: error.facts }, error.message)
  else log.error({ transferId: id, err: error }, 'unexpected error in a transfer')
  const row = await loadTransfer(db, id)
  if (row?.status !== 'running' || row.cancelRequestedAt) {
    if (row?.status === 'verifying') await abandonVerification(db, engineId, id, failure.message)
    return
  }
  const cannotResume = row.acceptsRanges === false && failure.retry === 'now'
  if (
    row.uploadId &&
    (NEEDS_NEW_UPLOAD.has(failure.code) || cannotResume) &&
    (await countStartOvers(db, id)) < MAX_START_OVERS
  ) {
    await abortUpload(context, row)
    const event = { code: 'started_over', message: `Started over from the first byte: ${failure.message}` }
    if (await startOver(db, engineId, id, event)) return
  }
  const wasPlanned = row.uploadId !== null
  const mayHeal = failure.retry === 'now' || (failure.retry === 'later' && wasPlanned)
  if (mayHeal && row.attempts + 1 < MAX_ATTEMPTS) {
    const retryAfterMs = error instanceof TransferError ? error.retryAfterMs : undefined
    await requeueTransfer(db, engineId, id, backoffMs(row.attempts + 3, retryAfterMs), failure.message)
    return
  }
  if (await failTransfer(db, engineId, id, failure)) metrics.transfersEnded.inc({ outcome: 'failed' })
}
