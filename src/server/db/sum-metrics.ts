import type { TransferMetrics } from '../domain/transfer.ts'

const NONE: TransferMetrics = {
  buffersAllocated: 0,
  bufferReuses: 0,
  bufferCopies: 0,
  bytesCopied: 0,
  pauses: 0,
  resumes: 0,
  pausedMs: 0,
  averagePauseMs: 0,
  activePercent: 0,
  peakBufferedBytes: 0,
  peakReadLanes: 0,
  peakUploadLanes: 0,
  progressCalculations: 0,
  progressUpdates: 0,
  progressCallbacks: 0,
  progressUpdateRatio: 0,
  sourceRequests: 0,
  bucketRequests: 0,
  sourceRetries: 0,
  partRetries: 0,
  sourceBytes: 0,
  bucketBytes: 0,
  cacheBytes: 0,
  timeToFirstByteMs: null,
  activeMs: 0,
}

const PEAKS = ['peakBufferedBytes', 'peakReadLanes', 'peakUploadLanes'] as const
const SUMS = [
  'buffersAllocated',
  'bufferReuses',
  'bufferCopies',
  'bytesCopied',
  'pauses',
  'resumes',
  'pausedMs',
  'progressCalculations',
  'progressUpdates',
  'progressCallbacks',
  'sourceRequests',
  'bucketRequests',
  'sourceRetries',
  'partRetries',
  'sourceBytes',
  'bucketBytes',
  'cacheBytes',
  'activeMs',
] as const

/**
 * The counters of one transfer over all engines that worked on it: counts are added, of peaks the highest is taken (they need
 * not have come at the same moment), averages and ratios are made anew from the sums.
 */
export function sumMetrics(entries: readonly TransferMetrics[]): TransferMetrics {
  const [only] = entries
  if (only === undefined) return { ...NONE }
  if (entries.length === 1) return only
  const total = { ...NONE }
  for (const name of SUMS) total[name] = entries.reduce((sum, entry) => sum + entry[name], 0)
  for (const name of PEAKS) total[name] = Math.max(...entries.map((entry) => entry[name]))
  total.averagePauseMs = ratio(total.pausedMs, total.pauses)
  total.progressUpdateRatio = ratio(total.progressUpdates, total.progressCalculations)
  total.activePercent = ratio(
    entries.reduce((sum, entry) => sum + entry.activePercent * entry.activeMs, 0),
    total.activeMs,
  )
  const firstBytes = entries.flatMap((entry) => entry.timeToFirstByteMs ?? [])
  total.timeToFirstByteMs = firstBytes.length > 0 ? Math.min(...firstBytes) : null
  return total
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
