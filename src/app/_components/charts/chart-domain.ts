import { GIB, KIB, MIB, TIB } from '../../../server/domain/bytes.ts'

/** One step of a throughput chart: a moment in milliseconds since 1970 and the rates around it. */
export interface ThroughputPoint {
  at: number
  sourceBytesPerSecond: number
  bucketBytesPerSecond: number
  cacheBytesPerSecond?: number
}

/** A moment worth a mark: a retry or a pause. */
export interface ChartMark {
  at: number
  kind: 'retry' | 'pause'
  label: string
}

/** A stretch of time, [from, to) in milliseconds. */
export interface TimeWindow {
  from: number
  to: number
}

/** The most points that are drawn; more would not be told apart on any screen. */
export const MAX_DRAWN_POINTS = 600

const UNITS = [
  { unit: 'B/s', factor: 1 },
  { unit: 'KiB/s', factor: KIB },
  { unit: 'MiB/s', factor: MIB },
  { unit: 'GiB/s', factor: GIB },
  { unit: 'TiB/s', factor: TIB },
] as const

/** What a scale reaches at least: with nothing to draw it has whole bytes, and no fractions of a unit. */
const LEAST_BYTES_PER_SECOND = 100

const NICE_STEPS = [0.25, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500] as const

/** An axis of rates: its end, its ticks in bytes per second, and how a tick is written. */
export interface RateScale {
  maxBytesPerSecond: number
  ticks: number[]
  unit: string
  label: (bytesPerSecond: number) => string
}

/**
 * A scale from 0 to just above the largest rate, whose ticks are round numbers of one binary unit. Chart libraries round in
 * tens, which gives ticks such as 95.4 MiB/s.
 */
export function rateScale(largestBytesPerSecond: number, mostTicks = 5): RateScale {
  const largest = Math.max(largestBytesPerSecond, LEAST_BYTES_PER_SECOND)
  const { unit, factor } = UNITS.findLast((candidate) => largest >= candidate.factor) ?? UNITS[0]
  const value = largest / factor
  const step = NICE_STEPS.find((candidate) => Math.ceil(value / candidate) <= mostTicks - 1) ?? 500
  const count = Math.max(1, Math.ceil(value / step))
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step * factor)
  const digits = step < 0.5 ? 2 : step < 1 ? 1 : 0
  return {
    maxBytesPerSecond: count * step * factor,
    ticks,
    unit,
    label: (bytesPerSecond) => (bytesPerSecond === 0 ? '0' : `${(bytesPerSecond / factor).toFixed(digits)} ${unit}`),
  }
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 30].map((days) => days * DAY),
]

/** Round moments of [from, to], counted from `originMs` (a transfer's first second, or midnight), at most `mostTicks`. */
export function timeTicks(window: TimeWindow, originMs: number, mostTicks: number): number[] {
  const length = window.to - window.from
  if (length <= 0) return [window.from]
  const step = TIME_STEPS.find((candidate) => length / candidate <= Math.max(1, mostTicks)) ?? 30 * DAY
  const first = originMs + Math.ceil((window.from - originMs) / step) * step
  const ticks: number[] = []
  for (let at = first; at <= window.to; at += step) ticks.push(at)
  return ticks
}

const two = (value: number) => String(value).padStart(2, '0')

/** Elapsed time as people read a stopwatch: `0:11`, `4:05`, `1:02:03`, `2 d 03:04:05`. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const hours = Math.floor(seconds / 3600)
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${two(hours % 24)}:${rest}`
  return hours > 0 ? `${hours}:${rest}` : `${Math.floor(seconds / 60)}:${two(seconds % 60)}`
}

/** Elapsed time on an axis: as on a stopwatch, and for days, where ticks are whole hours, in short: `6 h`, `1 d 6 h`. */
export function formatElapsedTick(milliseconds: number, shownMs: number): string {
  if (shownMs < DAY) return formatElapsed(milliseconds)
  const hours = Math.round(milliseconds / HOUR)
  const [days, rest] = [Math.floor(hours / 24), hours % 24]
  return days === 0 ? `${rest} h` : rest === 0 ? `${days} d` : `${days} d ${rest} h`
}

/** A clock time in the viewer's zone, 24 hours: with seconds, with minutes, or with the day, by how much time is shown. */
export function formatClock(at: number, shownMs: number): string {
  const date = new Date(at)
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`
  if (shownMs > 2 * DAY) return `${two(date.getDate())}.${two(date.getMonth() + 1)}. ${clock}`
  return shownMs > 10 * MINUTE ? clock : `${clock}:${two(date.getSeconds())}`
}

/** The point nearest to a moment, or null where there is none. Points are in order of time. */
export function nearestPoint(points: readonly ThroughputPoint[], at: number): ThroughputPoint | null {
  let low = 0
  let high = points.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((points[middle]?.at ?? 0) < at) low = middle + 1
    else high = middle
  }
  const right = points[low]
  const left = points[low - 1]
  if (!right) return null
  return left && at - left.at < right.at - at ? left : right
}

/** A selection made by dragging, put in order and kept inside the data; null where it is too short to mean a zoom. */
export function zoomWindow(a: number, b: number, bounds: TimeWindow): TimeWindow | null {
  const from = Math.max(bounds.from, Math.min(a, b))
  const to = Math.min(bounds.to, Math.max(a, b))
  return to - from >= 2 * SECOND ? { from, to } : null
}
