import type { PartTimeline } from './report/part-timeline.ts'
import type { RecordedReport, ReportSettings } from './report/recorded-report.ts'
import type { ReportAdvice } from './report/report-advice.ts'
import type { ReportFigures } from './report/report-figures.ts'
import type { TimeSplit } from './report/time-split.ts'
import type { PartView, TransferView } from './transfer.ts'

/** Names an exported report, so that it is known when it is opened again. */
export const REPORT_FORMAT = 'sluice-transfer-report'

/** What a report says about a run. */
export interface ReportFindings {
  figures: ReportFigures
  timeSplit: TimeSplit
  /** The story in sentences, the first of them the result. */
  sentences: string[]
  advice: ReportAdvice[]
}

/** `reports.byTransfer`: everything that is kept of a run. */
export interface TransferReport extends RecordedReport, ReportFindings {
  format: typeof REPORT_FORMAT
  version: 1
}

/** `reports.view`: a report for a page: parts are the bars of a timeline, so that 10,000 of them stay small. */
export interface ReportView extends Omit<RecordedReport, 'parts'>, ReportFindings {
  timeline: PartTimeline
  /** The parts that took longest, slowest first. */
  slowestParts: PartView[]
}

/** One run among others: its curve is `[seconds since its start, from the source, into the bucket]`, in bytes per second. */
export interface ComparedRun extends Pick<ReportFindings, 'figures' | 'timeSplit'> {
  transfer: TransferView
  settings: ReportSettings
  curve: [seconds: number, sourceBytesPerSecond: number, bucketBytesPerSecond: number][]
}

/** `reports.compare`: runs side by side, in the order asked for. */
export interface ReportComparison {
  runs: ComparedRun[]
}

/** `reports.export`: a file to be saved. */
export interface ReportFile {
  fileName: string
  contentType: string
  content: string
}
