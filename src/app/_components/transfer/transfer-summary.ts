import { formatBytes, formatRate } from '../../../server/domain/bytes.ts'
import { tookText } from '../../../server/domain/duration.ts'
import type { TransferView } from '../../../server/domain/transfer.ts'

/** How much of the file is in the bucket, 0 to 1; null where its size is not known. Never 1 before the transfer is done. */
export function doneFraction(transfer: Pick<TransferView, 'status' | 'sizeBytes' | 'transferredBytes'>): number | null {
  if (transfer.status === 'completed') return 1
  if (transfer.sizeBytes === null) return null
  if (transfer.sizeBytes === 0) return 0
  return Math.min(1, transfer.transferredBytes / transfer.sizeBytes)
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
  transfer: Pick<TransferView, 'sizeBytes' | 'partsTotal' | 'partSizeBytes' | 'acceptsRanges'>,
): string {
  const { partsTotal, partSizeBytes } = transfer
  if (transfer.sizeBytes === null && partSizeBytes === null) return 'not planned yet'
  const pieces = [transfer.sizeBytes === null ? 'size not known' : formatBytes(transfer.sizeBytes)]
  if (partsTotal === 1) pieces.push('1 part')
  else if (partsTotal !== null && partSizeBytes !== null)
    pieces.push(`${partsTotal.toLocaleString('en-US')} parts of ${formatBytes(partSizeBytes)}`)
  else if (partSizeBytes !== null) pieces.push(`parts of ${formatBytes(partSizeBytes)}`)
  if (transfer.acceptsRanges === false) pieces.push('one stream')
  return pieces.join(' · ')
}

/** The one sentence that a finished transfer leads with. */
export function completedSentence(transfer: TransferView): string {
  if (transfer.warnings.some((warning) => warning.code === 'skipped_existing'))
    return 'The key was taken, and you chose to skip: nothing was moved.'
  const bytes = transfer.sizeBytes ?? transfer.transferredBytes
  const milliseconds = elapsedMs(transfer, Date.now())
  if (milliseconds === null || milliseconds === 0) return `${formatBytes(bytes)} arrived.`
  const seconds = milliseconds / 1000
  return `${formatBytes(bytes)} in ${tookText(milliseconds)}, ${formatRate(bytes / seconds)} on average.`
}
