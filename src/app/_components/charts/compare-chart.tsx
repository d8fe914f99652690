'use client'

import { type PointerEvent, useMemo, useState } from 'react'
import { CartesianGrid, Line, LineChart, XAxis, YAxis } from 'recharts'
import { formatRate } from '../../../server/domain/bytes.ts'
import { formatElapsedTick, rateScale, timeTicks } from './chart-domain.ts'
import { PLOT_MARGIN } from './chart-plot.tsx'
import { CURVE_LOOKS, curveAt, endLabels, normalised } from './compare-curves.ts'
import { useElementWidth } from './use-element-width.ts'

export interface ComparedCurve {
  letter: string
  label: string
  points: readonly (readonly [seconds: number, bytesPerSecond: number])[]
}

interface CompareChartProps {
  curves: readonly ComparedCurve[]
  height: number
  /** `seconds` puts the starts on top of each other; `share` the ends too, for runs of very different length. */
  by: 'seconds' | 'share'
  /** What the rates are of, for those who do not see the chart. */
  of: string
}

const TICK = { fill: 'var(--muted-foreground)', fontSize: 12, fontFamily: 'var(--font-mono, monospace)' } as const

/** Several runs from a common start. Each curve has a colour, a stroke and its letter at its end. */
export function CompareChart({ curves, height, by, of }: CompareChartProps) {
  const { ref, widthPx } = useElementWidth<HTMLDivElement>()
  const [hoverAt, setHoverAt] = useState<number | null>(null)
  const drawn = useMemo(() => curves.map((curve) => ({ ...curve, points: normalised(curve.points, by) })), [curves, by])
  const last = Math.max(1, ...drawn.map(({ points }) => points.at(-1)?.[0] ?? 0))
  const scale = useMemo(
    () => rateScale(Math.max(0, ...drawn.flatMap(({ points }) => points.map(([, rate]) => rate))) * 1.02),
    [drawn],
  )
  const plotPx = Math.max(1, widthPx - PLOT_MARGIN.left - PLOT_MARGIN.right)
  const plotHeight = Math.max(1, height - PLOT_MARGIN.top - PLOT_MARGIN.bottom)
  const ticks =
    by === 'share'
      ? [0, 0.25, 0.5, 0.75, 1]
      : timeTicks({ from: 0, to: last * 1000 }, 0, Math.max(2, Math.floor(plotPx / 90))).map((ms) => ms / 1000)
  const tickText = (at: number) =>
    by === 'share' ? `${Math.round(at * 100)} %` : formatElapsedTick(at * 1000, last * 1000)
  const onPointer = (event: PointerEvent) => {
    const { left } = event.currentTarget.getBoundingClientRect()
    setHoverAt((Math.min(plotPx, Math.max(0, event.clientX - left)) / plotPx) * last)
  }
  const summary = drawn
    .map(({ letter, points }) => {
      const peak = Math.max(0, ...points.map(([, rate]) => rate))
      return points.length === 0 ? `${letter} has no curve` : `${letter} at most ${formatRate(peak)}`
    })
    .join(', ')
  return (
    <figure className="m-0 min-w-0" ref={ref}>
      <ul className="flex flex-wrap gap-x-5 gap-y-1 text-xs leading-5">
        {drawn.map((curve, index) => {
          const rate = hoverAt === null ? null : curveAt(curve.points, hoverAt)
          return (
            <li className="inline-flex min-w-0 items-center gap-1.5" key={curve.letter}>
              <svg aria-hidden="true" height="8" width="22">
                <line {...strokeOf(index)} x1="1" x2="21" y1="4" y2="4" />
              </svg>
              <span className="font-medium">{curve.letter}</span>
              <span className="max-w-44 truncate text-muted-foreground" title={curve.label}>
                {curve.label}
              </span>
              <span className="num inline-block w-[11ch] text-right print:hidden">
                {rate === null ? '' : formatRate(rate)}
              </span>
            </li>
          )
        })}
      </ul>
      <div
        aria-label={`${of} of ${drawn.length} runs: ${summary}`}
        className="relative mt-2"
        role="img"
        style={{ height }}
      >
        {widthPx > 0 && (
          <>
            <LineChart
              accessibilityLayer={false}
              height={height}
              margin={{ top: PLOT_MARGIN.top, right: PLOT_MARGIN.right, bottom: 0, left: 0 }}
              style={{ pointerEvents: 'none' }}
              width={widthPx}
            >
              <CartesianGrid stroke="var(--border)" strokeOpacity={0.7} vertical={false} />
              <XAxis
                allowDataOverflow
                allowDuplicatedCategory={false}
                axisLine={{ stroke: 'var(--border)' }}
                dataKey="at"
                domain={[0, last]}
                height={PLOT_MARGIN.bottom}
                interval={0}
                tick={TICK}
                tickFormatter={tickText}
                tickLine={false}
                tickMargin={6}
                ticks={ticks}
                type="number"
              />
              <YAxis
                axisLine={false}
                domain={[0, scale.maxBytesPerSecond]}
                interval={0}
                tick={TICK}
                tickFormatter={scale.label}
                tickLine={false}
                ticks={scale.ticks}
                type="number"
                width={PLOT_MARGIN.left}
              />
              {drawn.map((curve, index) => (
                <Line
                  activeDot={false}
                  data={curve.points.map(([at, rate]) => ({ at, rate }))}
                  dataKey="rate"
                  dot={false}
                  isAnimationActive={false}
                  key={curve.letter}
                  type="linear"
                  {...strokeOf(index)}
                />
              ))}
            </LineChart>
            <svg
              aria-hidden="true"
              className="absolute overflow-visible"
              height={plotHeight}
              onPointerLeave={() => setHoverAt(null)}
              onPointerMove={onPointer}
              style={{ left: PLOT_MARGIN.left, top: PLOT_MARGIN.top }}
              width={plotPx}
            >
              <rect fill="transparent" height={plotHeight} width={plotPx} />
              {endLabels(drawn, plotPx / last, plotHeight / scale.maxBytesPerSecond, plotHeight).map(
                ({ letter, x, y }) => (
                  <text
                    fill="var(--foreground)"
                    fontSize="12"
                    fontWeight="500"
                    key={letter}
                    paintOrder="stroke"
                    stroke="var(--background)"
                    strokeWidth="3"
                    x={x + 5}
                    y={y + 4}
                  >
                    {letter}
                  </text>
                ),
              )}
              {hoverAt !== null && (
                <line
                  stroke="var(--muted-foreground)"
                  strokeOpacity="0.6"
                  x1={(hoverAt / last) * plotPx}
                  x2={(hoverAt / last) * plotPx}
                  y1={0}
                  y2={plotHeight}
                />
              )}
            </svg>
          </>
        )}
      </div>
    </figure>
  )
}

function strokeOf(index: number) {
  const { colour, dashes } = CURVE_LOOKS[index % CURVE_LOOKS.length] ?? {
    colour: 'var(--foreground)',
    dashes: undefined,
  }
  return { stroke: colour, strokeDasharray: dashes, strokeWidth: 1.75 }
}
