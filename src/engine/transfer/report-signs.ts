import type { RunSettings } from '../../server/domain/run-settings.ts'
import type { RunLimits, TransferRun } from './transfer-run.ts'
import type { WorkContext } from './work-context.ts'

/** Whether the bucket holds the run up: more waits for it than the low-water mark, or it alone is waited for at the end. */
export function isBucketBehind({ board, limits, meter }: TransferRun): boolean {
  if (board.waitingBytes > limits.lowWaterBytes) return true
  return board.isClosed && meter.readLanes + meter.pooledReads === 0 && board.bufferedBytes > 0
}

/** What the run goes by, for its report. */
export function runSettings({ env, budget }: WorkContext, limits: RunLimits): RunSettings {
  return {
    uploadLanes: limits.uploadLanes,
    readLanes: env.SLUICE_READ_LANES,
    sliceSizeBytes: env.sliceSizeBytes,
    memoryBudgetBytes: budget.totalBytes,
    highWaterBytes: limits.highWaterBytes,
    lowWaterBytes: Math.round(limits.lowWaterBytes),
    shape: limits.shape,
    httpClient: env.SLUICE_HTTP_CLIENT,
    profile: env.SLUICE_PROFILE,
  }
}
