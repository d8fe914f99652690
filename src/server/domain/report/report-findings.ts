import type { ReportFindings, ReportView } from '../report.ts'
import { type PartTimeline, partTimeline } from './part-timeline.ts'
import type { EngineName, RecordedReport } from './recorded-report.ts'
import { reportAdvice } from './report-advice.ts'
import { partFigures, reportFigures } from './report-figures.ts'
import { reportSentences } from './report-story.ts'
import { splitTime } from './time-split.ts'

const SLOWEST_PARTS = 12

/** What follows from what was recorded: the same on the server, and in the browser for a report that was opened from a file. */
export function reportFindings(recorded: RecordedReport, nowMs = Date.now()): ReportFindings {
  const { transfer, parts, samples, stepMs } = recorded
  const figures = reportFigures(transfer, partFigures(parts), samples, stepMs, nowMs)
  const timeSplit = splitTime(transfer, samples, stepMs)
  return {
    figures,
    timeSplit,
    sentences: reportSentences({ ...recorded, figures, timeSplit }),
    advice: reportAdvice({ ...recorded, timeSplit }),
  }
}

/** Lanes in the order of their engines' names, so that an engine keeps its place and colour from one look to the next. */
function byEngineName(timeline: PartTimeline, engines: readonly EngineName[]): PartTimeline {
  const nameOf = (engineId: string | null) => engines.find(({ id }) => id === engineId)?.name ?? engineId ?? ''
  const lanes = timeline.lanes.toSorted((a, b) => nameOf(a.engineId).localeCompare(nameOf(b.engineId)))
  return { ...timeline, lanes }
}

/** A report as its page shows it. */
export function reportView(recorded: RecordedReport, nowMs = Date.now()): ReportView {
  const { transfer, samples, stepMs, events, settings, engines, parts } = recorded
  const tookMs = (part: (typeof parts)[number]) => part.finishedAt.getTime() - part.startedAt.getTime()
  return {
    transfer,
    samples,
    stepMs,
    events,
    settings,
    engines,
    ...reportFindings(recorded, nowMs),
    timeline: byEngineName(partTimeline(parts), engines),
    slowestParts: [...parts].sort((a, b) => tookMs(b) - tookMs(a)).slice(0, SLOWEST_PARTS),
  }
}
