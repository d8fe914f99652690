import { addEvent, type TransferRow } from '../../server/db/transfer-steps.ts'
import { clearUploadStart, isStartedBeside, knownUploads } from '../../server/db/upload-starts.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { ObjectStore } from '../upload/object-store.ts'
import type { WorkContext } from './work-context.ts'

/** How far the clocks of store and database may lie apart, and stores that tell whole seconds. */
const SKEW_MS = 5_000
/** An answer that took longer than this was given up long before. */
const LONGEST_START_MS = 120_000

/**
 * Removes an upload that was started for this transfer but whose id was never saved: the engine was killed in between, or the answer
 * was lost (chaos row 2). Uploads carry no owner that can be listed, so it is told by its key, by the moment it was started in, and by
 * being nobody's in our own table. Where more than one fits, or another transfer starts one for this key just now, one of them is somebody
 * else's: then all are left alone.
 */
export async function removeOrphan(
  context: WorkContext,
  row: Pick<TransferRow, 'id' | 'bucketId' | 'key' | 'uploadStartingAt'>,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const { db, engineId, log } = context
  const startedAt = row.uploadStartingAt
  if (!startedAt) return
  const open = await openUploads(store, row.key, signal).catch((error) => {
    if (!(error instanceof TransferError) || error.retry !== 'never') throw error
    log.warn({ transferId: row.id, code: error.code }, `A lost upload cannot be looked for: ${error.message}`)
    return []
  })
  const known = await knownUploads(
    db,
    open.map((upload) => upload.uploadId),
  )
  const candidates = open.filter(({ uploadId, initiatedAt }) => {
    const afterMs = initiatedAt.getTime() - startedAt.getTime()
    return !known.has(uploadId) && afterMs >= -SKEW_MS && afterMs <= LONGEST_START_MS
  })
  const [orphan, ...others] = candidates
  const initiatedMs = orphan?.initiatedAt.getTime() ?? 0
  const [from, to] = [new Date(initiatedMs - LONGEST_START_MS), new Date(initiatedMs + SKEW_MS)]
  const isOthers = orphan !== undefined && (await isStartedBeside(db, row, from, to))
  if (orphan && others.length === 0 && !isOthers) {
    await store.abortUpload(row.key, orphan.uploadId, signal)
    const message = 'An upload that was started and then lost was removed from the bucket.'
    await addEvent(db, { transferId: row.id, engineId, code: 'orphan_removed', message })
  } else if (orphan)
    log.warn(
      { transferId: row.id, uploads: candidates.length },
      'Unknown uploads fit a lost one, and some may be of somebody else; all are left for the lifecycle rule of the bucket.',
    )
  await clearUploadStart(db, row.id, startedAt)
}

function openUploads(store: ObjectStore, key: string, signal: AbortSignal) {
  if (store.capabilities.listsUploads !== false) return store.listUploads(key, signal)
  const message = 'The store was seen not to list unfinished uploads; its lifecycle rule removes them.'
  return Promise.reject(new TransferError('bucket_error', message))
}
