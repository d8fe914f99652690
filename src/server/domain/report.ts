import type { PartTimeline } from './report/part-timeline.ts'
import type { ReportAdvice } from './report/report-advice.ts'
import type { TimeSplit } from './report/time-split.ts'
import type { RunSettings } from './run-settings.ts'
import type { Sample } from './sample.ts'
import type { EventView, PartView, TransferView } from './transfer.ts'

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

/** What a transfer went by. What the user left open is null; `run` has what the engine made of it, where it was recorded. */
export interface ReportSettings {
  run: RunSettings | null
  partSizing: string | null
  wantedPartSizeBytes: number | null
  wantedUploadLanes: number | null
  ifExists: string | null
  expectedChecksum: string | null
}

/** An engine by the name it has or had. */
export interface EngineName {
  id: string
  name: string
}

/** Names an exported report, so that it is known when it is opened again. */
export const REPORT_FORMAT = 'sluice-transfer-report'

/** What is recorded of a run; all else in a report follows from it. */
export interface RecordedReport {
  transfer: TransferView
  samples: Sample[]
  stepMs: number
  parts: PartView[]
  events: EventView[]
  settings: ReportSettings
  engines: EngineName[]
}

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
