import { abandonVerification } from '../../server/db/completion.ts'
import { isDatabaseTrouble } from '../../server/db/database-failure.ts'
import {
  countStartOvers,
  failTransfer,
  hasSay,
  loadTransfer,
  requeueTransfer,
  startOver,
  type TransferRow,
} from '../../server/db/transfer-steps.ts'
import { type Failure, TransferError, toFailure } from '../../server/domain/failure.ts'
import { backoffMs } from './backoff.ts'
import { isSameSource } from './pinned-identity.ts'
import { abortUpload, openTarget, type WorkContext } from './work-context.ts'

/** Attempts without a finished part in between, after which a transfer fails. */
const MAX_ATTEMPTS = 4
/** The same for a bucket, or a source at the first contact, that does nothing but ask for patience. */
const MAX_PATIENT_ATTEMPTS = 20
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
  const { db, engineId, log } = context
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
  if (
    failure.code === 'source_range_refused' &&
    row.acceptsRanges === true &&
    (await rangesAreBack(context, row, signal))
  ) {
    await requeueTransfer(db, engineId, id, backoffMs(row.attempts + 1, undefined), failure.message)
    return
  }
  const retryAfterMs = error instanceof TransferError ? error.retryAfterMs : undefined
  // One stream cannot be taken up again in the middle; once all of it is in the bucket only the completion is left.
  const cannotResume = row.acceptsRanges === false && failure.retry !== 'never' && row.partsDone !== row.partsTotal
  // Somebody took the key while bytes were moved; the new plan looks at it, and skips.
  const isToBeSkipped = failure.code === 'key_exists' && row.ifExists === 'skip'
  const needsNewUpload = row.uploadId !== null && (NEEDS_NEW_UPLOAD.has(failure.code) || cannotResume || isToBeSkipped)
  // The upload in the row may be another engine's by now, which has taken over or begun anew: that one is not to be removed.
  if (needsNewUpload && !(await hasSay(db, engineId, id))) return
  const startOvers = needsNewUpload ? await countStartOvers(db, id) : MAX_START_OVERS
  if (startOvers < MAX_START_OVERS) {
    const hindrance = await abortUpload(context, row, signal).then(() => null, toFailure)
    signal.throwIfAborted()
    // The old upload has to go first. What keeps it from that is the failure now, or it would be tried again at once and for ever.
    if (hindrance) {
      const message = `${failure.message} It cannot start over yet: ${hindrance.message}`
      return waitOrFail(context, row, { ...hindrance, message }, { mayWait: true })
    }
    const event = { code: 'started_over', message: `Started over from the first byte: ${failure.message}` }
    if (await startOver(db, engineId, id, event, backoffMs(startOvers + 1, retryAfterMs))) return
  }
  // Waiting would not help where all comes anew each time: finished parts reset the attempts, and it would never end.
  await waitOrFail(context, row, failure, { mayWait: !needsNewUpload, retryAfterMs })
}

/** Lets a transfer wait where time may heal what happened and it has not been tried too often; else it fails. */
async function waitOrFail(
  { db, engineId, metrics }: WorkContext,
  row: TransferRow,
  failure: Failure,
  { mayWait, retryAfterMs }: { readonly mayWait: boolean; readonly retryAfterMs?: number | undefined },
): Promise<void> {
  const wasPlanned = row.uploadId !== null
  // A link that does not work is to fail at once; a source that says when to come again is one that works.
  const asksForPatience = failure.code === 'source_rate_limited' || retryAfterMs !== undefined
  const mayHeal = failure.retry === 'now' || (failure.retry === 'later' && (wasPlanned || asksForPatience))
  const isBusy = failure.code === 'bucket_slow_down' || (failure.code === 'source_rate_limited' && !wasPlanned)
  const most = isBusy ? MAX_PATIENT_ATTEMPTS : MAX_ATTEMPTS
  if (mayWait && mayHeal && row.attempts + 1 < most) {
    await requeueTransfer(db, engineId, row.id, backoffMs(row.attempts + 3, retryAfterMs), failure.message)
    return
  }
  if (await failTransfer(db, engineId, row.id, withDoubt(row, failure)))
    metrics.transfersEnded.inc({ outcome: 'failed' })
}

/** What says for certain that this transfer's object is not at the key, or is a wrong one. */
const CERTAIN = new Set(['key_exists', 'checksum_mismatch', 'size_mismatch', 'upload_lost', 'upload_conflict'])

/** Where Complete may have been sent and nobody could find out what became of it, the sentence says so. */
function withDoubt(row: TransferRow, failure: Failure): Failure {
  if (row.completingSince === null || CERTAIN.has(failure.code)) return failure
  const doubt = 'The object may be at its key all the same: a retry looks, and sends no part again.'
  return { ...failure, message: `${failure.message} ${doubt}` }
}

/**
 * Range support comes and goes (correctness.md case 3): where one more guarded range is answered rightly by the same file, the
 * finished parts are kept and the transfer goes on from them. Not for ever, where no part gets through in between.
 */
async function rangesAreBack(context: WorkContext, row: TransferRow, signal: AbortSignal): Promise<boolean> {
  if (row.attempts + 1 >= MAX_ATTEMPTS) return false
  try {
    const { identity } = await context.source.probe(openTarget(context, row), signal)
    return identity.acceptsRanges && isSameSource(row, identity)
  } catch {
    signal.throwIfAborted()
    return false
  }
}
