import type { PartTimeline, TimelineBar } from '../../../server/domain/report/part-timeline.ts'

/** Where the bars of a timeline lie, in pixels. */
export interface TimelineLayout {
  heightPx: number
  rowPx: number
  barPx: number
  /** The first row of each engine, for its name; rows of one engine stand together. */
  engines: { engineId: string | null; topPx: number; rows: number }[]
  bars: { bar: TimelineBar; engineIndex: number; lane: number; x: number; y: number; width: number }[]
}

const MOST_HEIGHT_PX = 260
const ENGINE_GAP_PX = 6
/** Above the bars: the marks of retries. */
export const MARKS_PX = 12

/** Rows as high as the room allows, at most 14 px and at least 3; bars at least 1 px wide. */
export function layOutTimeline(timeline: PartTimeline, widthPx: number): TimelineLayout {
  const engineIds = [...new Set(timeline.lanes.map((lane) => lane.engineId))]
  const rowPx = Math.min(14, Math.max(3, Math.floor(MOST_HEIGHT_PX / Math.max(1, timeline.lanes.length))))
  const barPx = Math.max(2, rowPx - (rowPx > 6 ? 2 : 1))
  const scale = widthPx / Math.max(1, timeline.lengthMs)
  const bars: TimelineLayout['bars'] = []
  const engines: TimelineLayout['engines'] = []
  let top = MARKS_PX
  let lane = 0
  for (const [engineIndex, engineId] of engineIds.entries()) {
    const rows = timeline.lanes.filter((one) => one.engineId === engineId)
    engines.push({ engineId, topPx: top, rows: rows.length })
    for (const { bars: row } of rows) {
      for (const bar of row)
        bars.push({
          bar,
          engineIndex,
          lane,
          x: bar.startMs * scale,
          y: top,
          width: Math.max(1, (bar.endMs - bar.startMs) * scale - (timeline.isAggregated ? 0 : 1)),
        })
      top += rowPx
      lane++
    }
    top += ENGINE_GAP_PX
  }
  return { heightPx: Math.max(MARKS_PX + rowPx, top - ENGINE_GAP_PX), rowPx, barPx, engines, bars }
}

/** The bar under a point, or null beside all of them. */
export function barAt(layout: TimelineLayout, xPx: number, yPx: number): number | null {
  let nearest: number | null = null
  let distance = 4
  for (const [index, { x, y, width }] of layout.bars.entries()) {
    if (yPx < y || yPx >= y + layout.rowPx) continue
    const away = Math.max(0, x - xPx, xPx - (x + width))
    if (away < distance) {
      distance = away
      nearest = index
    }
  }
  return nearest
}

/** The bar a key leads to: the neighbour in its lane, or the one at about the same time in the lane above or below. */
export function neighbour(layout: TimelineLayout, from: number, key: string): number {
  const here = layout.bars[from]
  if (!here) return 0
  if (key === 'Home') return 0
  if (key === 'End') return layout.bars.length - 1
  if (key === 'ArrowLeft' || key === 'ArrowRight') {
    const next = from + (key === 'ArrowLeft' ? -1 : 1)
    return Math.min(layout.bars.length - 1, Math.max(0, next))
  }
  const lane = here.lane + (key === 'ArrowUp' ? -1 : 1)
  let best = from
  let distance = Number.POSITIVE_INFINITY
  for (const [index, bar] of layout.bars.entries()) {
    const away = Math.abs(bar.x - here.x)
    if (bar.lane === lane && away < distance) {
      distance = away
      best = index
    }
  }
  return best
}

/** The x of each mark of a retry; those that would lie on top of each other are one. */
export function retryMarksOf(layout: TimelineLayout, leastPx = 7): number[] {
  const marks: number[] = []
  const retried = layout.bars.filter(({ bar }) => bar.retries > 0).map(({ x, width }) => x + width / 2)
  for (const x of retried.sort((a, b) => a - b)) if (x - (marks.at(-1) ?? -leastPx) >= leastPx) marks.push(x)
  return marks
}
