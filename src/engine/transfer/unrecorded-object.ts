import { finishTransfer, UNSETTLED } from '../../server/db/completion.ts'
import { addEventOnce, type TransferRow } from '../../server/db/transfer-steps.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { type ObjectStore, WRITE_TOKEN_KEY } from '../upload/object-store.ts'
import { collectParts, proveObject } from './complete-transfer.ts'
import { isOurObject } from './own-object.ts'
import { describeVerification } from './verification.ts'
import { openStore, type WorkContext } from './work-context.ts'

const LOOK_TIMEOUT_MS = 30_000

/**
 * A transfer is being cancelled, or failed and may not go on, whose engine may have died or lost the answer right after it wrote the
 * object. What a small file's one request wrote carries the transfer's id and replaced nothing (decision 028): of a cancelled one it is
 * removed, and only that. An upload that was completed may have replaced something: then the wish came too late, and the transfer is
 * completed under `epoch`. Returns true in that case. Nothing else at the key is touched. Throws what may be
 * mended by trying again later.
 */
export async function settleUnrecorded(
  context: WorkContext,
  row: TransferRow,
  epoch: number,
  stop: AbortSignal,
): Promise<boolean> {
  if (row.startedAt === null) return false
  const signal = AbortSignal.any([stop, AbortSignal.timeout(LOOK_TIMEOUT_MS)])
  const store = openStore(context, row)
  try {
    const object = await store.head(row.key, signal)
    if (!object) return false
    if (object.metadata[WRITE_TOKEN_KEY] === row.id) {
      if (row.cancelRequestedAt) await removeWritten(context, row, store, object.etag, signal)
      return false
    }
    if (!row.completingSince) return false
    const complete = await collectParts(context, row)
    if (!isOurObject(object, row.writeToken, complete, store.capabilities)) return false
    const verification = await proveObject(context, row, { store, object, complete }, signal)
    const before = row.cancelRequestedAt ? 'it could be cancelled' : 'it was taken for failed'
    const message = `Completed before ${before}; ${describeVerification(verification)}.`
    return await finishTransfer(context.db, context.engineId, row.id, epoch, verification, message, UNSETTLED)
  } catch (error) {
    // Keys that may not list get 403 for what is not there, and what can never be looked at must not hold the wish up for ever.
    const isFinal = error instanceof TransferError && (error.retry === 'never' || error.code === 'bucket_unauthorized')
    if (!isFinal) throw error
    context.log.warn(
      { transferId: row.id, code: error.code },
      `The key of a transfer that has ended was not settled: ${error.message}`,
    )
    return false
  } finally {
    store.close()
  }
}

/** Removes exactly this object, or says that it is left: a store that knows no conditions could remove somebody else's in its place. */
async function removeWritten(
  { db, engineId }: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  etag: string,
  signal: AbortSignal,
): Promise<void> {
  if (store.capabilities.removesIfMatch === true) return await store.removeObject(row.key, etag, signal)
  const message = `The object that was written before it could be cancelled is left at ${row.key}: the store was not seen to remove exactly one that is meant. It is whole; remove it by hand where it is not wanted.`
  await addEventOnce(db, { transferId: row.id, engineId, level: 'warn', code: 'object_left', message })
}
