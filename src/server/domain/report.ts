import type { Sample } from './sample.ts'
import type { EventView, PartView, TransferView } from './transfer.ts'

/** The figures of one run that reports show and compare. Null where nothing was measured. */
export interface ReportFigures {
  /** From the first byte of work to the end (or to now). */
  durationSeconds: number | null
  /** transferredBytes / durationSeconds. */
  averageBytesPerSecond: number | null
  /** The best second seen. */
  peakBytesPerSecond: number | null
  averagePartSeconds: number | null
  slowestPartSeconds: number | null
  partRetries: number
}

/** `reports.byTransfer`: everything that is kept of a run. */
export interface TransferReport {
  transfer: TransferView
  figures: ReportFigures
  samples: Sample[]
  stepMs: number
  parts: PartView[]
  events: EventView[]
}

/** `reports.compare`: runs side by side, in the order asked for. */
export interface ReportComparison {
  runs: { transfer: TransferView; figures: ReportFigures }[]
}

/** `reports.export`: a file to be saved. */
export interface ReportFile {
  fileName: string
  contentType: string
  content: string
}
