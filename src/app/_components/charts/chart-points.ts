import { formatRate } from '../../../server/domain/bytes.ts'
import { type ChartMark, formatElapsed, type ThroughputPoint, type TimeWindow } from './chart-domain.ts'

/** The usual distance of two points: the median, so that pauses and one late sample do not count. */
export function stepOf(points: readonly ThroughputPoint[]): number {
  const steps: number[] = []
  for (let index = 1; index < points.length; index++) {
    const step = (points[index]?.at ?? 0) - (points[index - 1]?.at ?? 0)
    if (step > 0) steps.push(step)
  }
  steps.sort((a, b) => a - b)
  return steps[steps.length >> 1] ?? 1000
}

/** What there is to draw of a run that has ended: nothing where no byte moved, however long it tried. */
export function pointsOfEnded(points: readonly ThroughputPoint[]): readonly ThroughputPoint[] {
  const hasMoved = points.some(
    ({ sourceBytesPerSecond, bucketBytesPerSecond, cacheBytesPerSecond = 0 }) =>
      sourceBytesPerSecond + bucketBytesPerSecond + cacheBytesPerSecond > 0,
  )
  return hasMoved ? points : []
}

/**
 * Puts zeros into holes. While a transfer is paused or no engine lives, no sample is written: nothing moved, and a line drawn
 * straight across the hole would say otherwise.
 */
export function fillHoles(points: readonly ThroughputPoint[]): ThroughputPoint[] {
  const stepMs = stepOf(points)
  const filled: ThroughputPoint[] = []
  for (const point of points) {
    const before = filled.at(-1)
    if (before && point.at - before.at > 2.5 * stepMs) {
      filled.push({ at: before.at + stepMs, sourceBytesPerSecond: 0, bucketBytesPerSecond: 0, cacheBytesPerSecond: 0 })
      filled.push({ at: point.at - stepMs, sourceBytesPerSecond: 0, bucketBytesPerSecond: 0, cacheBytesPerSecond: 0 })
    }
    filled.push(point)
  }
  return filled
}

const STEADY_STEPS = [1, 5, 9, 15, 31, 61, 121] as const
/** A bucket that takes this much more than the source gave in the same time tells of buffers, not of a speed. */
const BURST_RATIO = 1.5
/** So few bursts may stay: a start, an end, a pause. */
const BURSTS_LEFT_SHARE = 0.03

/**
 * Bytes reach a bucket in bursts, since slices are sent when there are enough of them: drawn by the second it is a row of needles
 * that hides the real speed. So the bucket's rate is the mean of the steps before it, of as many as it takes for it to stay near
 * the source's. Says how many steps that is; 1 where nothing was changed.
 */
export function steadyBucket(points: readonly ThroughputPoint[]): {
  points: readonly ThroughputPoint[]
  steps: number
} {
  const read = trailingMeans(points.map((point) => point.sourceBytesPerSecond + (point.cacheBytesPerSecond ?? 0)))
  const sent = trailingMeans(points.map((point) => point.bucketBytesPerSecond))
  const burstsLeft = 1 + points.length * BURSTS_LEFT_SHARE
  const isSteady = (steps: number) =>
    points.filter((_, index) => sent(index, steps) > BURST_RATIO * read(index, steps)).length <= burstsLeft
  const fitting = STEADY_STEPS.filter((steps) => steps <= Math.max(1, points.length >> 1))
  const steps = fitting.find(isSteady) ?? fitting.at(-1) ?? 1
  if (steps === 1) return { points, steps }
  return { points: points.map((point, index) => ({ ...point, bucketBytesPerSecond: sent(index, steps) })), steps }
}

/** Of each index the mean over that many values up to it; over fewer at the beginning. */
function trailingMeans(values: readonly number[]): (index: number, steps: number) => number {
  const sums = [0]
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value)
  return (index, steps) => {
    const from = Math.max(0, index + 1 - steps)
    return ((sums[index + 1] ?? 0) - (sums[from] ?? 0)) / (index + 1 - from)
  }
}

/** The points of a window and one beyond each end, so that lines run to the edge of the plot. */
export function pointsInWindow(points: readonly ThroughputPoint[], window: TimeWindow): ThroughputPoint[] {
  return points.filter((point, index) => {
    const next = points[index + 1]?.at ?? point.at
    const before = points[index - 1]?.at ?? point.at
    return next >= window.from && before <= window.to
  })
}

/**
 * At most `most` points: neighbours are averaged over equal stretches of time, so that the area under the curve stays what was
 * moved. The stretches are fixed to the first point, so that old ones do not flicker while new points arrive.
 */
export function thinPoints(points: readonly ThroughputPoint[], most: number): ThroughputPoint[] {
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last || points.length <= most) return [...points]
  let widthMs = stepOf(points)
  while ((last.at - first.at) / widthMs >= most) widthMs *= 2
  const groups = new Map<number, ThroughputPoint[]>()
  for (const point of points) {
    const index = Math.floor((point.at - first.at) / widthMs)
    const group = groups.get(index)
    if (group) group.push(point)
    else groups.set(index, [point])
  }
  return [...groups.values()].map((group) => ({
    at: mean(group, (point) => point.at),
    sourceBytesPerSecond: mean(group, (point) => point.sourceBytesPerSecond),
    bucketBytesPerSecond: mean(group, (point) => point.bucketBytesPerSecond),
    cacheBytesPerSecond: mean(group, (point) => point.cacheBytesPerSecond ?? 0),
  }))
}

const mean = (group: readonly ThroughputPoint[], read: (point: ThroughputPoint) => number) =>
  group.reduce((sum, point) => sum + read(point), 0) / group.length

/** The largest rate of any curve, for the scale. */
export function largestRate(points: readonly ThroughputPoint[]): number {
  return points.reduce(
    (most, { sourceBytesPerSecond, bucketBytesPerSecond, cacheBytesPerSecond = 0 }) =>
      Math.max(most, sourceBytesPerSecond, bucketBytesPerSecond, cacheBytesPerSecond),
    0,
  )
}

/** The chart as sentences, for those who do not see it. */
export function chartSummary(points: readonly ThroughputPoint[]): string {
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last) return 'No throughput has been recorded yet.'
  const average = mean(points, (point) => point.bucketBytesPerSecond)
  const peak = points.reduce((best, point) => (point.bucketBytesPerSecond > best.bucketBytesPerSecond ? point : best))
  return [
    `Throughput over ${formatElapsed(last.at - first.at)}.`,
    `To the bucket ${formatRate(average)} on average, at most ${formatRate(peak.bucketBytesPerSecond)} after ${formatElapsed(peak.at - first.at)}.`,
    `Last from the source ${formatRate(last.sourceBytesPerSecond)}, to the bucket ${formatRate(last.bucketBytesPerSecond)}.`,
  ].join(' ')
}

/** Marks that would lie on top of each other, as one with all of their words. `minimumMs` is the width of a mark in time. */
export function clusterMarks(marks: readonly ChartMark[], minimumMs: number): ChartMark[] {
  const clusters: (ChartMark & { count: number })[] = []
  for (const mark of [...marks].sort((a, b) => a.at - b.at)) {
    const near = clusters.findLast((cluster) => cluster.kind === mark.kind && mark.at - cluster.at < minimumMs)
    if (near) near.count++
    else clusters.push({ ...mark, count: 1 })
  }
  return clusters.map(({ at, kind, label, count }) => ({
    at,
    kind,
    label: count === 1 ? label : `${label}, and ${count - 1} more about then`,
  }))
}
