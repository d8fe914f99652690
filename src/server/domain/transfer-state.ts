import type { TransferStatus } from './transfer.ts'

/*
 * The life of a transfer: what each state guarantees, and where it goes from there.
 *
 * queued     waits for an engine, or for `startAt`; no byte moves. → running, completed, paused, failed, cancelled
 * running    engines hold claims on its parts; while `completingSince` is set, one of them completes the upload, and
 *            it cannot be paused: Complete may have been sent. What is proven before that can be paused like anything else.
 *            → queued, completed, paused, failed, cancelled
 * verifying  the object is there; its bytes are being proven once more. Stopped, it is what it was before. → completed
 * completed  the object at the key is the whole file; which proof it rests on is in `verification`. → verifying
 * paused     nothing moves; the upload and its finished parts are kept. → queued, cancelled
 * failed     nothing moves; `failure` says why. The upload is kept while a retry could use it, and is aborted after that. Where Complete
 *            may have been sent, the key is looked at before it is cancelled or its upload goes. → queued, completed, cancelled
 * cancelled  nothing moves and no multipart upload of ours is left. → queued
 */

/** True where nothing happens to the transfer any more unless somebody asks. */
export function isTerminal(status: TransferStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** The actions of the API and the pages. */
export const TRANSFER_ACTIONS = ['pause', 'resume', 'cancel', 'retry', 'remove', 'verify', 'stopVerifying'] as const
export type TransferAction = (typeof TRANSFER_ACTIONS)[number]

const ACTION_STATES: Record<TransferAction, readonly TransferStatus[]> = {
  pause: ['queued', 'running'],
  resume: ['paused'],
  cancel: ['queued', 'running', 'paused', 'failed'],
  retry: ['failed', 'cancelled'],
  remove: ['completed', 'failed', 'cancelled'],
  verify: ['completed'],
  stopVerifying: ['verifying'],
}

/** Whether an action makes sense in a state; the API refuses it otherwise, and the pages do not offer it. */
export function allows(status: TransferStatus, action: TransferAction): boolean {
  return ACTION_STATES[action].includes(status)
}
