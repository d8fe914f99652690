'use client'

import { memo, useId } from 'react'
import { Area, AreaChart, CartesianGrid, ReferenceLine, XAxis, YAxis } from 'recharts'
import type { RateScale, ThroughputPoint, TimeWindow } from './chart-domain.ts'

/** Where the plot lies in the drawing, in pixels: what is outside of it are the labels of the axes. The longest is `1000 MiB/s`. */
export const PLOT_MARGIN = { top: 10, right: 32, bottom: 24, left: 84 } as const

interface ChartPlotProps {
  points: readonly ThroughputPoint[]
  window: TimeWindow
  scale: RateScale
  timeTicks: readonly number[]
  timeLabel: (at: number) => string
  widthPx: number
  heightPx: number
  limitBytesPerSecond?: number | null
  showsCache: boolean
}

const TICK = { fill: 'var(--muted-foreground)', fontSize: 12, fontFamily: 'var(--font-mono, monospace)' } as const

/**
 * The curves and axes, and nothing that follows the pointer: drawn again only when points arrive. Curves differ in colour and
 * in stroke: source solid over its area, bucket dashed, cache dotted over hatching.
 */
export const ChartPlot = memo(function ChartPlot(props: ChartPlotProps) {
  const hatch = useId()
  const { points, window, scale, widthPx, heightPx, limitBytesPerSecond, showsCache } = props
  return (
    <AreaChart
      accessibilityLayer={false}
      data={[...points]}
      height={heightPx}
      margin={{ top: PLOT_MARGIN.top, right: PLOT_MARGIN.right, bottom: 0, left: 0 }}
      style={{ pointerEvents: 'none' }}
      width={widthPx}
    >
      <defs>
        <pattern height="5" id={hatch} patternTransform="rotate(45)" patternUnits="userSpaceOnUse" width="5">
          <line stroke="var(--chart-cache)" strokeOpacity="0.55" strokeWidth="2" x1="0" x2="0" y1="0" y2="5" />
        </pattern>
      </defs>
      <CartesianGrid stroke="var(--border)" strokeOpacity={0.7} vertical={false} />
      <XAxis
        allowDataOverflow
        axisLine={{ stroke: 'var(--border)' }}
        dataKey="at"
        domain={[window.from, window.to]}
        height={PLOT_MARGIN.bottom}
        interval={0}
        tick={TICK}
        tickFormatter={props.timeLabel}
        tickLine={false}
        tickMargin={6}
        ticks={[...props.timeTicks]}
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
      {showsCache && (
        <Area
          activeDot={false}
          dataKey="cacheBytesPerSecond"
          dot={false}
          fill={`url(#${hatch})`}
          fillOpacity={1}
          isAnimationActive={false}
          stroke="var(--chart-cache)"
          strokeDasharray="1 3"
          strokeLinecap="round"
          strokeWidth={2}
          type="linear"
        />
      )}
      <Area
        activeDot={false}
        dataKey="sourceBytesPerSecond"
        dot={false}
        fill="var(--chart-source)"
        fillOpacity={0.14}
        isAnimationActive={false}
        stroke="var(--chart-source)"
        strokeWidth={1.75}
        type="linear"
      />
      <Area
        activeDot={false}
        dataKey="bucketBytesPerSecond"
        dot={false}
        fill="none"
        isAnimationActive={false}
        stroke="var(--chart-bucket)"
        strokeDasharray="5 3"
        strokeWidth={1.75}
        type="linear"
      />
      {limitBytesPerSecond != null && limitBytesPerSecond <= scale.maxBytesPerSecond && (
        <ReferenceLine
          stroke="var(--chart-limit)"
          strokeDasharray="8 3 1 3"
          strokeWidth={1.5}
          y={limitBytesPerSecond}
        />
      )}
    </AreaChart>
  )
})
