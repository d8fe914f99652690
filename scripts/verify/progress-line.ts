import { formatBytes, formatRate } from '../../src/server/domain/bytes.ts'
import { formatDuration } from '../../src/server/domain/duration.ts'
import type { TransferView } from '../../src/server/domain/transfer.ts'

/** How far a read-back is: `37 % · 10.0 MiB of 27.0 MiB · 4.00 MiB/s · 5 s left`; null where nothing is read back just now. */
export function progressLine(
  transfer: Pick<TransferView, 'readingBack' | 'sizeBytes' | 'bytesPerSecond' | 'etaSeconds'>,
): string | null {
  const { readingBack, sizeBytes, bytesPerSecond, etaSeconds } = transfer
  if (!readingBack || !sizeBytes) return null
  const percent = Math.min(99, Math.floor((readingBack.readBytes / sizeBytes) * 100))
  const pieces = [`${percent} %`, `${formatBytes(readingBack.readBytes)} of ${formatBytes(sizeBytes)}`]
  if (bytesPerSecond) pieces.push(formatRate(bytesPerSecond))
  if (etaSeconds !== null) pieces.push(`${formatDuration(etaSeconds)} left`)
  return pieces.join(' · ')
}
