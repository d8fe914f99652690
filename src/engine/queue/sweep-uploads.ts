import { fenceCancelled, forgetUpload, takeUnwantedUploads } from '../../server/db/completion.ts'
import { loadTransfer } from '../../server/db/transfer-steps.ts'
import { findUploadStarts } from '../../server/db/upload-starts.ts'
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
        if (row && isFenced && (await settleUnrecorded(context, row, upload.epoch, signal))) return
        if (row) await abortUpload(context, row, signal)
        // What was aborted, not what was there when the work was taken: a plan may have been saved in between.
        await forgetUpload(db, engineId, { ...upload, uploadId: row?.uploadId ?? null })
      } catch (error) {
        if (signal.aborted) return
        log.warn(
          { transferId: upload.id, err: error },
          'An unwanted upload could not be removed yet; trying again later.',
        )
      }
    }),
  )
}
