import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { BucketPace } from '../upload/bucket-pace.ts'
import type { CompleteUpload, ObjectInfo, ObjectStore } from '../upload/object-store.ts'
import { Attempts } from './backoff.ts'
import { isOurObject } from './own-object.ts'

/** What a second Complete cannot mend: it takes a new upload. */
const NOT_TO_BE_REPEATED = new Set(['upload_lost', 'upload_conflict', 'checksum_mismatch'])

interface Completion {
  readonly row: Pick<TransferRow, 'key' | 'writeToken'>
  readonly store: ObjectStore
  readonly complete: CompleteUpload
  readonly pace: BucketPace
}

/**
 * Makes the object of its parts and looks at it (correctness.md case 36, reliability.md section 2). Whatever Complete answers, the
 * object decides: ours at the key is success, also after 404, 409, 412 or no answer at all. Else the upload decides: still listed, it
 * is completed again; gone, `upload_lost`, and the transfer starts over. Throws `key_exists` where an object must not be replaced.
 */
export async function completeUpload(completion: Completion, signal: AbortSignal): Promise<ObjectInfo> {
  const { store, complete, pace, row } = completion
  const attempts = new Attempts()
  if (complete.mustNotExist && !store.capabilities.conditionalWrites) await mustBeFree(completion, signal)
  for (;;) {
    const done = await pace.begin(signal)
    try {
      await store.completeUpload(complete, signal)
      done(null)
    } catch (error) {
      const isSlowDown = done(error)
      const found = await look(completion, signal).catch((unseen: unknown) => ({ unseen }))
      if (found && 'unseen' in found) {
        // Whether the object is ours is not known, so nothing may be given up yet.
        await attempts.failed(found.unseen, signal)
        continue
      }
      if (found && isOurs(completion, found)) return found
      if (error instanceof TransferError && NOT_TO_BE_REPEATED.has(error.code)) throw error
      if (!isSlowDown) await attempts.failed(error, signal)
      continue
    }
    const object = await store.head(row.key, signal)
    if (object) return object
    throw new TransferError(
      'bucket_error',
      'The bucket completed the upload but has no object at the key. Try again.',
      { retry: 'later' },
    )
  }
}

/** The object at the key, or null. Keys that may not list get 403 for what is not there. */
async function look({ row, store }: Completion, signal: AbortSignal): Promise<ObjectInfo | null> {
  try {
    return await store.head(row.key, signal)
  } catch (error) {
    if (error instanceof TransferError && error.code === 'bucket_unauthorized') return null
    throw error
  }
}

const isOurs = ({ row, store, complete }: Completion, object: ObjectInfo) =>
  isOurObject(object, row.writeToken, complete, store.capabilities)

/** Where the store cannot refuse to replace an object by itself, look once more right before the upload is completed. */
async function mustBeFree(completion: Completion, signal: AbortSignal): Promise<void> {
  const object = await completion.store.head(completion.row.key, signal)
  if (object && !isOurs(completion, object))
    throw new TransferError(
      'key_exists',
      `Somebody else wrote an object to ${completion.row.key} meanwhile. Choose another key, or allow it to be overwritten.`,
    )
}
