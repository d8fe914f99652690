import { formatBytes, formatRate } from '../../../server/domain/bytes.ts'
import { tookText } from '../../../server/domain/duration.ts'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { isTerminal } from '../../../server/domain/transfer-state.ts'
import { algorithmName } from '../../../server/domain/verification-words.ts'

/** How much of the file is in the bucket, 0 to 1; null where its size is not known. Never 1 before the transfer is done. */
export function doneFraction(transfer: Pick<TransferView, 'status' | 'sizeBytes' | 'transferredBytes'>): number | null {
  if (transfer.status === 'completed') return 1
  if (transfer.sizeBytes === null) return null
  if (transfer.sizeBytes === 0) return 0
  return Math.min(1, transfer.transferredBytes / transfer.sizeBytes)
}

type Rereading = Pick<TransferView, 'status' | 'readingAgain' | 'readingBack' | 'sizeBytes'>

/** How much of the source was read again, or of the object read back, 0 to 1; null where neither is. */
export function readAgainFraction(transfer: Rereading): number | null {
  const reread = rereadOf(transfer)
  return reread && transfer.sizeBytes ? Math.min(1, reread.readBytes / transfer.sizeBytes) : null
}

/** The second read that goes on, in words: of the source before Complete, or of the object when a verification was asked for it. */
export function rereadOf({ status, readingAgain, readingBack }: Rereading) {
  if (status === 'running' && readingAgain) {
    const algorithm = algorithmName(readingAgain.algorithm)
    return {
      readBytes: readingAgain.readBytes,
      title: `Reading the source again to compare its ${algorithm}`,
      doing: `comparing ${algorithm}`,
      share: 'read again',
      note: 'The parts came in any order, and this checksum needs the bytes in theirs. Nothing is at the key before it agrees. Paused, this stops and begins anew later; no part is sent again.',
    }
  }
  if (status === 'verifying' && readingBack)
    return {
      readBytes: readingBack.readBytes,
      title: 'Reading the object back from the bucket',
      doing: 'reading back',
      share: 'read back',
      note: 'Every byte is read and compared with what is known of the source. The object stays as it is; should the engine stop, the read begins anew.',
    }
  return null
}

/** `71 %`, rounded down so that 100 % means all of it; empty where the size is not known. */
export function percentText(transfer: Pick<TransferView, 'status' | 'sizeBytes' | 'transferredBytes'>): string {
  const fraction = doneFraction(transfer)
  if (fraction === null) return ''
  const percent = Math.floor(fraction * 100)
  return `${transfer.status === 'completed' ? 100 : Math.min(99, percent)} %`
}

/** Time from the first work to the end, or to now; null where it has not begun. */
export function elapsedMs(transfer: Pick<TransferView, 'startedAt' | 'finishedAt'>, nowMs: number): number | null {
  if (!transfer.startedAt) return null
  return Math.max(0, (transfer.finishedAt?.getTime() ?? nowMs) - transfer.startedAt.getTime())
}

/** What was planned: `6.20 GiB · 64 parts of 100.0 MiB`. */
export function planText(
  transfer: Pick<TransferView, 'status' | 'sizeBytes' | 'partsTotal' | 'partSizeBytes' | 'acceptsRanges'>,
): string {
  const { partsTotal, partSizeBytes } = transfer
  if (transfer.sizeBytes === null && partSizeBytes === null)
    return isTerminal(transfer.status) ? 'never planned' : 'not planned yet'
  const pieces = [transfer.sizeBytes === null ? 'size not known' : formatBytes(transfer.sizeBytes)]
  if (partsTotal === 1) pieces.push('1 part')
  else if (partsTotal !== null && partSizeBytes !== null)
    pieces.push(`${partsTotal.toLocaleString('en-US')} parts of ${formatBytes(partSizeBytes)}`)
  else if (partSizeBytes !== null) pieces.push(`parts of ${formatBytes(partSizeBytes)}`)
  if (transfer.acceptsRanges === false) pieces.push('one stream')
  return pieces.join(' · ')
}

/** Whether nothing was moved because the key was taken; its size is that of the object that was there. */
export function isSkipped({ warnings }: Pick<TransferView, 'warnings'>): boolean {
  return warnings.some(({ code }) => code === 'skipped_existing')
}

/** The one sentence that a finished transfer leads with. */
export function completedSentence(transfer: TransferView): string {
  if (isSkipped(transfer)) return 'The key was taken, and you chose to skip: nothing was moved.'
  const bytes = transfer.sizeBytes ?? transfer.transferredBytes
  const milliseconds = elapsedMs(transfer, Date.now())
  if (bytes === 0) return 'The file is empty: there was nothing to move.'
  if (milliseconds === null || milliseconds === 0) return `${formatBytes(bytes)} arrived.`
  const seconds = milliseconds / 1000
  return `${formatBytes(bytes)} in ${tookText(milliseconds)}, ${formatRate(bytes / seconds)} on average.`
}
