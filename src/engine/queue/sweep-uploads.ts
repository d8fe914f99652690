import { fenceCancelled, forgetUpload, takeUnwantedUploads, type UnwantedUpload } from '../../server/db/completion.ts'
import { isDatabaseTrouble } from '../../server/db/database-failure.ts'
import { addEventOnce, loadTransfer } from '../../server/db/transfer-steps.ts'
import { findUploadStarts } from '../../server/db/upload-starts.ts'
import { toFailure } from '../../server/domain/failure.ts'
import { removeOrphan } from '../transfer/orphaned-upload.ts'
import { settleUnrecorded } from '../transfer/unrecorded-object.ts'
import { abortUpload, openStore, type WorkContext } from '../transfer/work-context.ts'

const LOOK_TIMEOUT_MS = 30_000

/** Removes uploads that were started and lost, of transfers that will not be planned again by themselves. */
export async function sweepOrphans(context: WorkContext, signal: AbortSignal): Promise<void> {
  for (const id of await findUploadStarts(context.db)) {
    const row = await loadTransfer(context.db, id)
    if (!row) continue
    const store = openStore(context, row)
    try {
      await removeOrphan(context, row, store, AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]))
    } catch (error) {
      if (signal.aborted) return
      context.log.warn({ transferId: id, err: error }, 'A lost upload could not be looked for yet; trying again later.')
    } finally {
      store.close()
    }
  }
}

/**
 * Removes multipart uploads nobody wants any more: of transfers that are being cancelled, and of failed ones that cannot or
 * may no longer go on (product.md A9). Work of this engine on such a transfer is ended first, and what a dead engine wrote for a
 * cancelled one without saying so is settled. What fails is tried again when the lease on it has ended.
 */
export async function sweepUploads(
  context: WorkContext,
  endWork: (transferId: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { db, engineId, env, log } = context
  const unwanted = await takeUnwantedUploads(db, engineId, env.SLUICE_LEASE_MS, env.SLUICE_FAILED_UPLOAD_KEEP_HOURS)
  await Promise.all(
    unwanted.map(async (upload) => {
      try {
        await endWork(upload.id)
        const isFenced = upload.cancelling && (await fenceCancelled(db, upload))
        const row = await loadTransfer(db, upload.id)
        const isFailed = row?.status === 'failed' && !upload.cancelling
        if (row && (isFenced || isFailed) && (await settleUnrecorded(context, row, upload.epoch, signal))) return
        if (row) await abortUpload(context, row, signal)
        // A Complete that was under way may have come first: then the upload was gone because it is an object now.
        if (row?.completingSince && (await settleUnrecorded(context, row, upload.epoch, signal))) return
        // What was aborted, not what was there when the work was taken: a plan may have been saved in between.
        await forgetUpload(db, engineId, { ...upload, uploadId: row?.uploadId ?? null })
      } catch (error) {
        if (signal.aborted) return
        await sayWhatHolds(context, upload, error)
        log.warn(
          { transferId: upload.id, err: error },
          'An unwanted upload could not be removed yet; trying again later.',
        )
      }
    }),
  )
}

/** Whoever cancels a transfer whose bucket cannot be reached waits for that, and is told what for: once for each reason. */
async function sayWhatHolds({ db, engineId, log }: WorkContext, upload: UnwantedUpload, error: unknown): Promise<void> {
  if (!upload.cancelling || isDatabaseTrouble(error)) return
  const message = `Not cancelled yet, because the bucket has to be cleaned up first: ${toFailure(error).message}`
  const event = { transferId: upload.id, engineId, level: 'warn' as const, code: 'cancel_waits', message }
  await addEventOnce(db, event).catch((err) => log.debug({ err }, 'an event could not be written'))
}
