import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { BucketPace } from '../upload/bucket-pace.ts'
import { type CompleteUpload, type ObjectInfo, type ObjectStore, WRITE_TOKEN_KEY } from '../upload/object-store.ts'
import { Attempts } from './backoff.ts'
import { isOurObject } from './own-object.ts'

/** What a second Complete cannot mend: it takes a new upload. */
const NOT_TO_BE_REPEATED = new Set(['upload_lost', 'upload_conflict'])

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
      if (error instanceof TransferError && error.code === 'checksum_mismatch') throw otherChecksum(error)
      if (error instanceof TransferError && NOT_TO_BE_REPEATED.has(error.code)) throw error
      if (!isSlowDown) await attempts.failed(error, signal)
      continue
    }
    const object = await store.head(row.key, signal)
    const token = object?.metadata[WRITE_TOKEN_KEY]
    // One without a token is ours where the store drops metadata, and nowhere else.
    const mayLackToken = !store.capabilities.metadata && token === undefined
    if (object && token !== row.writeToken && !mayLackToken) throw replaced(row.key)
    if (object) return object
    throw new TransferError(
      'bucket_error',
      'The bucket completed the upload but has no object at the key. Try again.',
      { retry: 'later' },
    )
  }
}

/** It was completed, and another writer came right after: what could be said of the object now would be about theirs. */
function replaced(key: string): TransferError {
  return new TransferError(
    'key_exists',
    `Right after the upload was completed somebody else wrote another object to ${key}. What is there now is not of this transfer.`,
  )
}

/** The store has other bytes than were read, or sums them another way: the same parts are refused each time. */
function otherChecksum(error: TransferError): TransferError {
  const message =
    'The bucket finds another checksum over its parts than that of the bytes that were read. Nothing was written; retry starts over.'
  return new TransferError('checksum_mismatch', message, { retry: 'never', facts: error.facts, cause: error })
}

/** The object that this upload has made, or null where it has made none: what an earlier Complete came to, if one was sent. */
export async function findOwnObject(
  completion: Omit<Completion, 'pace'>,
  signal: AbortSignal,
): Promise<ObjectInfo | null> {
  const object = await look(completion, signal)
  return object && isOurs(completion, object) ? object : null
}

/** The object at the key, or null. Keys that may not list get 403 for what is not there. */
async function look({ row, store }: Omit<Completion, 'pace'>, signal: AbortSignal): Promise<ObjectInfo | null> {
  try {
    return await store.head(row.key, signal)
  } catch (error) {
    if (error instanceof TransferError && error.code === 'bucket_unauthorized') return null
    throw error
  }
}

const isOurs = ({ row, store, complete }: Omit<Completion, 'pace'>, object: ObjectInfo) =>
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
