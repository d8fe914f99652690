import { forgetUpload, takeUnwantedUploads } from '../../server/db/completion.ts'
import { loadTransfer } from '../../server/db/transfer-steps.ts'
import { abortUpload, type WorkContext } from '../transfer/work-context.ts'

/**
 * Removes multipart uploads nobody wants any more: of transfers that are being cancelled, and of failed ones that cannot or
 * may no longer go on (product.md A9). Work of this engine on such a transfer is ended first. An abort that fails is tried
 * again when the lease on it has ended.
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
        const row = await loadTransfer(db, upload.id)
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
