import type { ReportComparison, ReportFigures, TransferReport } from '../domain/report.ts'
import type { Sample } from '../domain/sample.ts'
import type { PartView, TransferView } from '../domain/transfer.ts'
import type { DbOrTx } from './client.ts'
import { sampleWindow } from './samples.ts'
import { getTransfer, getTransfers, listParts } from './transfers.ts'

/** A report keeps a finer curve than the chart of a page. */
const REPORT_POINTS = 600

/** Everything kept of one run. Throws `not_found`. */
export async function reportByTransfer(db: DbOrTx, transferId: string): Promise<TransferReport> {
  const [detail, window] = await Promise.all([getTransfer(db, transferId), sampleWindow(db, transferId, REPORT_POINTS)])
  const { parts, events, movingParts: _, ...transfer } = detail
  return {
    transfer,
    figures: reportFigures(transfer, parts, window.samples, window.stepMs),
    samples: window.samples,
    stepMs: window.stepMs,
    parts,
    events,
  }
}

/** The figures of several runs side by side, in the order asked for. Throws `not_found` where one is missing. */
export async function compareReports(db: DbOrTx, transferIds: readonly string[]): Promise<ReportComparison> {
  const transfers = await getTransfers(db, transferIds)
  const runs = await Promise.all(
    transfers.map(async (transfer) => {
      const [parts, window] = await Promise.all([
        listParts(db, transfer.id),
        sampleWindow(db, transfer.id, REPORT_POINTS),
      ])
      return { transfer, figures: reportFigures(transfer, parts, window.samples, window.stepMs) }
    }),
  )
  return { runs }
}

/** Figures from what was recorded; a peak is the best step of the curve, so over long runs it is an average of some seconds. */
export function reportFigures(
  transfer: TransferView,
  parts: readonly PartView[],
  samples: readonly Sample[],
  stepMs: number,
  nowMs = Date.now(),
): ReportFigures {
  const endMs = transfer.finishedAt?.getTime() ?? nowMs
  const durationSeconds = transfer.startedAt ? Math.max(0, endMs - transfer.startedAt.getTime()) / 1000 : null
  const partSeconds = parts.map((part) => (part.finishedAt.getTime() - part.startedAt.getTime()) / 1000)
  return {
    durationSeconds,
    averageBytesPerSecond: durationSeconds ? transfer.transferredBytes / durationSeconds : null,
    peakBytesPerSecond:
      samples.length > 0
        ? samples.reduce((peak, sample) => Math.max(peak, sample.bucketBytes), 0) / (stepMs / 1000)
        : null,
    averagePartSeconds:
      partSeconds.length > 0 ? partSeconds.reduce((sum, seconds) => sum + seconds, 0) / partSeconds.length : null,
    slowestPartSeconds: partSeconds.length > 0 ? partSeconds.reduce((a, b) => Math.max(a, b), 0) : null,
    partRetries: parts.reduce((sum, part) => sum + part.retries, 0),
  }
}
