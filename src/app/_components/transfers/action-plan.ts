import type { TransferView } from '../../../server/domain/transfer.ts'
import { allows, type TransferAction } from '../../../server/domain/transfer-state.ts'

/** The actions of the list, in the order of its buttons. */
export const LIST_ACTIONS = ['pause', 'resume', 'retry', 'cancel', 'remove'] as const
export type ListAction = (typeof LIST_ACTIONS)[number]

export const ACTION_NAMES: Record<TransferAction, string> = {
  pause: 'Pause',
  resume: 'Resume',
  retry: 'Retry',
  cancel: 'Cancel',
  remove: 'Remove',
  verify: 'Verify again',
  stopVerifying: 'Stop verifying',
}

const DONE: Record<TransferAction, string> = {
  pause: 'Paused',
  resume: 'Resumed',
  retry: 'Retrying',
  cancel: 'Cancelled',
  remove: 'Removed',
  verify: 'Verifying',
  stopVerifying: 'Stopped verifying',
}

/** Which of the transfers an action can be applied to now. What is being cancelled takes no further action. */
export function idsFor(action: TransferAction, transfers: readonly TransferView[]): string[] {
  return transfers.filter(({ status, cancelling }) => !cancelling && allows(status, action)).map(({ id }) => id)
}

export interface Question {
  title: string
  description: string
  confirmLabel: string
}

/** What to ask before an action that cannot be taken back; null for the others. */
export function questionFor(action: TransferAction, transfers: readonly Pick<TransferView, 'name'>[]): Question | null {
  const [first] = transfers
  const what = transfers.length === 1 && first ? `“${first.name}”` : countTransfers(transfers.length)
  if (action === 'cancel')
    return {
      title: `Cancel ${what}?`,
      description: 'Parts that are already in the bucket are deleted. A retry later starts from the beginning.',
      confirmLabel: transfers.length === 1 ? 'Cancel transfer' : `Cancel ${countTransfers(transfers.length)}`,
    }
  if (action === 'remove')
    return {
      title: `Remove ${what} from the list?`,
      description: 'The history, samples and events go. Objects in buckets stay where they are.',
      confirmLabel: transfers.length === 1 ? 'Remove transfer' : `Remove ${countTransfers(transfers.length)}`,
    }
  return null
}

/** What is said after an action went through for `count` transfers. */
export function doneSentence(action: TransferAction, count: number): string {
  return `${DONE[action]} ${countTransfers(count)}.`
}

/** Each different reason once, with how many transfers it holds for where they are several. */
export function refusalSentences(refused: readonly { failure: { message: string } }[]): string[] {
  const counts = new Map<string, number>()
  for (const { failure } of refused) counts.set(failure.message, (counts.get(failure.message) ?? 0) + 1)
  return [...counts].map(([message, count]) => (count === 1 ? message : `${countTransfers(count)}: ${message}`))
}

export function countTransfers(count: number): string {
  return count === 1 ? '1 transfer' : `${count.toLocaleString('en-US')} transfers`
}
