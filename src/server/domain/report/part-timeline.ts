import type { PartView } from '../transfer.ts'

/** One part, or neighbours of one lane drawn as one: [startMs, endMs) since `fromMs` of the timeline. */
export interface TimelineBar {
  startMs: number
  endMs: number
  firstPart: number
  lastPart: number
  parts: number
  sizeBytes: number
  retries: number
}

/** Bars that do not overlap: what one engine did in one of its lanes. */
export interface TimelineLane {
  engineId: string | null
  bars: TimelineBar[]
}

/** The parts of a run over its time. */
export interface PartTimeline {
  /** Milliseconds since 1970: the start of the first part. */
  fromMs: number
  lengthMs: number
  parts: number
  lanes: TimelineLane[]
  /** True where neighbours were put together, because there are more parts than can be told apart. */
  isAggregated: boolean
}

/** More bars than these are no longer seen as bars. */
const MOST_BARS = 1500

/**
 * Lays parts out over time: by engine, and in each engine so that a part goes to the first lane that is free. With more parts than
 * `mostBars`, neighbours in a lane are put together until there are about so many bars; counts, bytes and retries stay exact.
 */
export function partTimeline(parts: readonly PartView[], mostBars = MOST_BARS): PartTimeline {
  const ordered = [...parts].sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || a.number - b.number)
  const fromMs = ordered[0]?.startedAt.getTime() ?? 0
  const lengthMs = ordered.reduce((most, part) => Math.max(most, part.finishedAt.getTime() - fromMs), 0)
  const engines = new Map<string | null, TimelineBar[][]>()
  for (const part of ordered) {
    const lanes = engines.get(part.engineId) ?? []
    engines.set(part.engineId, lanes)
    const bar = barOf(part, fromMs)
    const free = lanes.find((bars) => (bars.at(-1)?.endMs ?? 0) <= bar.startMs)
    if (free) free.push(bar)
    else lanes.push([bar])
  }
  const isAggregated = parts.length > mostBars
  const laneCount = [...engines.values()].reduce((sum, lanes) => sum + lanes.length, 0)
  const leastMs = isAggregated ? (lengthMs * laneCount) / mostBars : 0
  const lanes = [...engines].flatMap(([engineId, lists]) =>
    lists.map((bars) => ({ engineId, bars: isAggregated ? joined(bars, leastMs) : bars })),
  )
  return { fromMs, lengthMs, parts: parts.length, lanes, isAggregated }
}

function barOf(part: PartView, fromMs: number): TimelineBar {
  return {
    startMs: part.startedAt.getTime() - fromMs,
    endMs: Math.max(part.startedAt.getTime(), part.finishedAt.getTime()) - fromMs,
    firstPart: part.number,
    lastPart: part.number,
    parts: 1,
    sizeBytes: part.sizeBytes,
    retries: part.retries,
  }
}

/** Puts neighbours together that begin within one stretch of time; a gap longer than the stretch stays a gap. */
function joined(bars: readonly TimelineBar[], leastMs: number): TimelineBar[] {
  const out: TimelineBar[] = []
  for (const bar of bars) {
    const last = out.at(-1)
    const isSame =
      last &&
      Math.floor(last.startMs / leastMs) === Math.floor(bar.startMs / leastMs) &&
      bar.startMs - last.endMs <= leastMs
    if (!isSame) {
      out.push({ ...bar })
      continue
    }
    last.endMs = bar.endMs
    last.firstPart = Math.min(last.firstPart, bar.firstPart)
    last.lastPart = Math.max(last.lastPart, bar.lastPart)
    last.parts += bar.parts
    last.sizeBytes += bar.sizeBytes
    last.retries += bar.retries
  }
  return out
}
