import type { TransferRun } from './transfer-run.ts'

/** A request should last this many times as long as the wait for its first byte. */
const FIRST_BYTE_TIMES = 10
/** A shorter wait than this is mostly our own. */
const NOTABLE_FIRST_BYTE_MS = 20
/** The rest of the budget is for what waits for the bucket. */
const READING_SHARE = 0.5

/**
 * How long the next request to the source is: `limits.spanBytes`, longer where its answers begin late, shorter where there are
 * more lanes than the byte budget could feed. Whole slices, at least one.
 */
export function spanBytesNow(run: TransferRun): number {
  const { limits, origin, pool, budget, plan } = run
  const isLate = origin.firstByteMs >= NOTABLE_FIRST_BYTE_MS
  const lateBytes = isLate ? FIRST_BYTE_TIMES * (origin.firstByteMs / 1000) * origin.laneBytesPerSecond : 0
  const shareBytes = (budget.totalBytes * READING_SHARE) / origin.lanes
  const wanted = Math.min(Math.max(limits.spanBytes, lateBytes), shareBytes, plan.partSizeBytes)
  return Math.max(1, Math.floor(wanted / pool.bufferBytes)) * pool.bufferBytes
}

/** How far ahead of its upload lane a streamed part is read, so that all lanes have work between the parts that are open. */
export function aheadBytesNow(run: TransferRun, spanBytes: number): number {
  return spanBytes * Math.max(2, Math.ceil(run.origin.lanes / run.limits.uploadLanes) + 1)
}
