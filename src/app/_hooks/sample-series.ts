import type { Sample } from '../../server/domain/sample.ts'
import type { ChartMark, ThroughputPoint } from '../_components/charts/chart-domain.ts'

/** The samples of a transfer as the page holds them: what the window gave, and what came live after it, by step. */
export interface SampleSeries {
  stepMs: number
  /** The id of the newest sample that is in; older ones and repeated ones are left out. */
  lastId: bigint
  steps: ReadonlyMap<number, Sample>
  /** The end of what is known, in milliseconds: the newest step may be only begun. */
  untilMs: number
}

/** What `progress.window` answers. */
export interface SampleWindow {
  samples: readonly Sample[]
  stepMs: number
  lastEventId: string | null
}

/** A series from a window: the whole life of the transfer so far. */
export function seriesFromWindow(window: SampleWindow): SampleSeries {
  const last = window.samples.at(-1)
  return {
    stepMs: window.stepMs,
    lastId: toId(window.lastEventId),
    steps: new Map(window.samples.map((sample) => [stepStart(sample.at, window.stepMs), sample])),
    untilMs: last ? last.at.getTime() + window.stepMs : 0,
  }
}

/**
 * The series with one live sample more. Several engines sample the same second, and those add up; a reconnect repeats samples, and
 * those are dropped by id.
 */
export function addSample(series: SampleSeries, eventId: string, sample: Sample): SampleSeries {
  const id = toId(eventId)
  if (id <= series.lastId) return series
  const start = stepStart(sample.at, series.stepMs)
  const before = series.steps.get(start)
  const steps = new Map(series.steps)
  steps.set(start, before ? sum(before, sample, start) : { ...sample, at: new Date(start) })
  return { ...series, lastId: id, steps, untilMs: Math.max(series.untilMs, sample.at.getTime() + 1000) }
}

/** Rates over time, in order. The newest step is measured by the time that has passed of it, so that it does not start low. */
export function seriesPoints(series: SampleSeries): ThroughputPoint[] {
  const starts = [...series.steps.keys()].sort((a, b) => a - b)
  return starts.flatMap((start, index) => {
    const sample = series.steps.get(start)
    if (!sample) return []
    const isLast = index === starts.length - 1
    const lengthMs = isLast ? Math.min(series.stepMs, Math.max(1000, series.untilMs - start)) : series.stepMs
    const rate = (bytes: number) => (bytes * 1000) / lengthMs
    return {
      at: start,
      sourceBytesPerSecond: rate(sample.sourceBytes),
      bucketBytesPerSecond: rate(sample.bucketBytes),
      cacheBytesPerSecond: rate(sample.cacheBytes),
    }
  })
}

/** A mark for every step in which something was tried again. */
export function retryMarks(series: SampleSeries): ChartMark[] {
  return [...series.steps]
    .filter(([, sample]) => sample.retries > 0)
    .map(([at, { retries }]) => ({ at, kind: 'retry', label: retries === 1 ? '1 retry' : `${retries} retries` }))
}

const stepStart = (at: Date, stepMs: number) => Math.floor(at.getTime() / stepMs) * stepMs

/** Ids of samples are ascending integers; what is none counts as before all. */
function toId(text: string | null): bigint {
  return text !== null && /^\d+$/.test(text) ? BigInt(text) : 0n
}

function sum(a: Sample, b: Sample, start: number): Sample {
  return {
    at: new Date(start),
    sourceBytes: a.sourceBytes + b.sourceBytes,
    bucketBytes: a.bucketBytes + b.bucketBytes,
    cacheBytes: a.cacheBytes + b.cacheBytes,
    bufferedBytes: b.bufferedBytes,
    readLanes: b.readLanes,
    uploadLanes: b.uploadLanes,
    retries: a.retries + b.retries,
  }
}
