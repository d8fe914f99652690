import type { Sample } from '../sample.ts'
import type { PartView, TransferView } from '../transfer.ts'
import { movedSamples } from './time-split.ts'

/** The figures of one run that reports show and compare. Null where nothing was measured. */
export interface ReportFigures {
  /** From the first byte of work to the end (or to now). */
  durationSeconds: number | null
  /** transferredBytes / durationSeconds. */
  averageBytesPerSecond: number | null
  /** The best step into the bucket. */
  peakBytesPerSecond: number | null
  /** The best step from the source (and the cache), which has none of the bursts in which parts reach a bucket. */
  peakSourceBytesPerSecond: number | null
  averagePartSeconds: number | null
  medianPartSeconds: number | null
  slowestPartSeconds: number | null
  partRetries: number
}

/** What is told of the parts as a whole. */
export type PartFigures = Pick<
  ReportFigures,
  'averagePartSeconds' | 'medianPartSeconds' | 'slowestPartSeconds' | 'partRetries'
>

export function partFigures(parts: readonly PartView[]): PartFigures {
  const partSeconds = parts
    .map((part) => (part.finishedAt.getTime() - part.startedAt.getTime()) / 1000)
    .sort((a, b) => a - b)
  return {
    averagePartSeconds:
      partSeconds.length > 0 ? partSeconds.reduce((sum, seconds) => sum + seconds, 0) / partSeconds.length : null,
    medianPartSeconds: partSeconds[partSeconds.length >> 1] ?? null,
    slowestPartSeconds: partSeconds.at(-1) ?? null,
    partRetries: parts.reduce((sum, part) => sum + part.retries, 0),
  }
}

/** Figures from what was recorded; a peak is the best step of the curve, so over long runs it is an average of some seconds. */
export function reportFigures(
  transfer: TransferView,
  parts: PartFigures,
  samples: readonly Sample[],
  stepMs: number,
  nowMs = Date.now(),
): ReportFigures {
  const durationMs = runMs(transfer, samples, stepMs, nowMs)
  const durationSeconds = durationMs === null ? null : durationMs / 1000
  const moved = samples.slice(0, movedSamples(transfer, samples))
  const peak = (bytesOf: (sample: Sample) => number) =>
    moved.length > 1 ? moved.reduce((most, one) => Math.max(most, bytesOf(one)), 0) / (stepMs / 1000) : null
  return {
    durationSeconds,
    averageBytesPerSecond:
      durationSeconds && transfer.transferredBytes > 0 ? transfer.transferredBytes / durationSeconds : null,
    peakBytesPerSecond: peak((sample) => sample.bucketBytes),
    peakSourceBytesPerSecond: peak((sample) => sample.sourceBytes + sample.cacheBytes),
    ...parts,
  }
}

/** How long a run took: to its end, to now while it runs, and to its last sample where it stands still without an end. */
function runMs(
  transfer: Pick<TransferView, 'status' | 'startedAt' | 'finishedAt'>,
  samples: readonly Sample[],
  stepMs: number,
  nowMs: number,
): number | null {
  if (!transfer.startedAt) return null
  const runs = transfer.status === 'running' || transfer.status === 'verifying'
  const last = samples.at(-1)
  const endMs = transfer.finishedAt?.getTime() ?? (runs || !last ? nowMs : last.at.getTime() + stepMs)
  return Math.max(0, endMs - transfer.startedAt.getTime())
}
