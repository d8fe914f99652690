'use client'

import { useMemo, useState } from 'react'
import { formatRate } from '../../../server/domain/bytes.ts'
import { ChartCrosshair } from './chart-crosshair.tsx'
import {
  type ChartMark,
  formatClock,
  formatElapsed,
  formatElapsedTick,
  MAX_DRAWN_POINTS,
  nearestPoint,
  rateScale,
  type ThroughputPoint,
  type TimeWindow,
  timeTicks,
} from './chart-domain.ts'
import { ChartPlot, PLOT_MARGIN } from './chart-plot.tsx'
import {
  chartSummary,
  clusterMarks,
  fillHoles,
  largestRate,
  pointsInWindow,
  steadyBucket,
  stepOf,
  thinPoints,
} from './chart-points.ts'
import { ChartReadout } from './chart-readout.tsx'
import { useElementWidth } from './use-element-width.ts'

export type { ChartMark, ThroughputPoint } from './chart-domain.ts'

export interface ThroughputChartProps {
  /** In order of time. More than 600 are averaged. */
  points: readonly ThroughputPoint[]
  /** Height of the plot in pixels; the readout above it adds one line. */
  height: number
  state?: 'loading' | 'empty' | 'error'
  marks?: readonly ChartMark[]
  limitBytesPerSecond?: number | null
  /** `elapsed` counts from the first point (a transfer); `clock` shows the time of day (an overview). Default `clock`. */
  timeAxis?: 'elapsed' | 'clock'
  /** Whether the last step stands in the readout while nobody points at another. Default true. */
  readsLast?: boolean
  /** What the page says where there is nothing to draw. */
  emptyText?: string
  errorText?: string
}

const NO_MARKS: readonly ChartMark[] = []

/** Bytes per second over time: crosshair by pointer or arrow keys, drag to zoom, Escape or a double click to see all again. */
export function ThroughputChart(props: ThroughputChartProps) {
  const { points, height, state, timeAxis = 'clock', limitBytesPerSecond, readsLast = true } = props
  const { ref, widthPx } = useElementWidth<HTMLDivElement>()
  const [zoom, setZoom] = useState<TimeWindow | null>(null)
  const [hoverAt, setHoverAt] = useState<number | null>(null)

  const { points: whole, steps } = useMemo(() => steadyBucket(fillHoles(points)), [points])
  const averagedMs = steps > 1 ? steps * stepOf(points) : null
  const first = whole[0]?.at ?? 0
  const last = whole.at(-1)?.at ?? first
  const shown = useMemo<TimeWindow>(
    () => zoom ?? { from: first, to: Math.max(last, first + 5000) },
    [zoom, first, last],
  )
  const drawn = useMemo(() => thinPoints(zoom ? pointsInWindow(whole, zoom) : whole, MAX_DRAWN_POINTS), [whole, zoom])
  const showsCache = useMemo(() => drawn.some((point) => (point.cacheBytesPerSecond ?? 0) > 0), [drawn])
  const scale = useMemo(
    () => rateScale(Math.max(largestRate(drawn), limitBytesPerSecond ?? 0) * 1.02, height < 160 ? 4 : 5),
    [drawn, limitBytesPerSecond, height],
  )
  const ticks = useMemo(() => {
    const origin = timeAxis === 'elapsed' ? first : new Date(first).setHours(0, 0, 0, 0)
    return timeTicks(shown, origin, Math.max(2, Math.floor((widthPx - PLOT_MARGIN.left) / 90)))
  }, [shown, timeAxis, first, widthPx])
  const timeLabel = useMemo(
    () => (at: number) =>
      timeAxis === 'elapsed'
        ? formatElapsedTick(at - first, shown.to - shown.from)
        : formatClock(at, shown.to - shown.from),
    [timeAxis, first, shown],
  )
  const marks = useMemo(() => {
    const pixelMs = (shown.to - shown.from) / Math.max(1, widthPx - PLOT_MARGIN.left)
    return clusterMarks(props.marks ?? NO_MARKS, 10 * pixelMs)
  }, [props.marks, shown, widthPx])

  const hovered = hoverAt === null ? null : nearestPoint(drawn, hoverAt)
  const read = hovered ?? whole.at(-1) ?? null
  // One point is no curve.
  const nothing = state ?? (points.length < 2 ? 'empty' : undefined)

  const step = (direction: -1 | 1) => {
    const index = read ? drawn.findIndex((point) => point.at === read.at) : -1
    const next = index < 0 ? drawn.at(-1) : drawn[Math.min(drawn.length - 1, Math.max(0, index + direction))]
    if (next) setHoverAt(next.at)
  }
  const reset = () => {
    setZoom(null)
    setHoverAt(null)
  }

  return (
    <figure className="m-0 min-w-0" ref={ref}>
      <ChartReadout
        averagedMs={nothing ? null : averagedMs}
        limitBytesPerSecond={limitBytesPerSecond}
        onReset={reset}
        point={nothing || !(hovered || readsLast) ? null : read}
        showsCache={showsCache}
        timeText={nothing || !read ? '' : hovered ? readoutTime(read.at, first, timeAxis) : ''}
        zoomed={zoom !== null}
      />
      <div className="relative mt-2" style={{ height }}>
        {nothing ? (
          <ChartMessage props={props} state={nothing} />
        ) : (
          widthPx > 0 && (
            <>
              <ChartPlot
                heightPx={height}
                limitBytesPerSecond={limitBytesPerSecond}
                points={drawn}
                scale={scale}
                showsCache={showsCache}
                timeLabel={timeLabel}
                timeTicks={ticks}
                widthPx={widthPx}
                window={shown}
              />
              <ChartCrosshair
                heightPx={height}
                label={read ? `${timeLabel(read.at)}: ${formatRate(read.bucketBytesPerSecond)} to the bucket` : ''}
                marks={marks}
                maxBytesPerSecond={scale.maxBytesPerSecond}
                onHover={setHoverAt}
                onReset={reset}
                onStep={step}
                onZoom={setZoom}
                point={hovered}
                widthPx={widthPx}
                window={shown}
              />
            </>
          )
        )}
      </div>
      <figcaption className="sr-only">{nothing ? '' : chartSummary(whole)}</figcaption>
    </figure>
  )
}

function readoutTime(at: number, first: number, timeAxis: 'elapsed' | 'clock'): string {
  return timeAxis === 'elapsed' ? `${formatElapsed(at - first)} · ${formatClock(at, 0)}` : formatClock(at, 0)
}

/** The same box with three empty lines of the grid, and a sentence. */
function ChartMessage({ state, props }: { state: 'loading' | 'empty' | 'error'; props: ThroughputChartProps }) {
  const text = {
    loading: 'Reading the samples …',
    empty: props.emptyText ?? 'The curve begins with the first byte.',
    error: props.errorText ?? 'The samples could not be read. They are tried again.',
  }[state]
  return (
    <div className="absolute inset-0">
      {[0, 0.25, 0.5, 0.75, 1].map((share) => (
        <div
          className="absolute right-[26px] left-0 border-border border-t"
          key={share}
          style={{ top: PLOT_MARGIN.top + share * (props.height - PLOT_MARGIN.top - PLOT_MARGIN.bottom), opacity: 0.7 }}
        />
      ))}
      <p
        className={`absolute inset-0 m-0 grid place-items-center text-[13px] ${state === 'error' ? 'text-destructive' : 'text-muted-foreground'}`}
        role={state === 'error' ? 'alert' : undefined}
      >
        <span className="bg-background px-3">{text}</span>
      </p>
    </div>
  )
}
