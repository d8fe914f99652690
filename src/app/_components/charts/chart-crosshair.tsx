'use client'

import { type KeyboardEvent, type PointerEvent, useState } from 'react'
import { type ChartMark, type ThroughputPoint, type TimeWindow, zoomWindow } from './chart-domain.ts'
import { PLOT_MARGIN } from './chart-plot.tsx'

interface ChartCrosshairProps {
  window: TimeWindow
  maxBytesPerSecond: number
  widthPx: number
  heightPx: number
  point: ThroughputPoint | null
  marks: readonly ChartMark[]
  label: string
  onHover: (at: number | null) => void
  onStep: (direction: -1 | 1) => void
  onZoom: (window: TimeWindow) => void
  onReset: () => void
}

/**
 * What follows the pointer, drawn over the plot: crosshair, selection and marks. It does its own arithmetic of pixels and time, so
 * that moving the pointer never draws the curves again.
 */
export function ChartCrosshair(props: ChartCrosshairProps) {
  const { window, widthPx, heightPx, point, marks } = props
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null)
  const plotWidth = Math.max(1, widthPx - PLOT_MARGIN.left - PLOT_MARGIN.right)
  const plotHeight = Math.max(1, heightPx - PLOT_MARGIN.top - PLOT_MARGIN.bottom)
  const length = Math.max(1, window.to - window.from)
  const xOf = (at: number) => ((at - window.from) / length) * plotWidth
  const yOf = (rate: number) => plotHeight * (1 - rate / props.maxBytesPerSecond)
  const timeOf = (event: PointerEvent) => {
    const { left } = event.currentTarget.getBoundingClientRect()
    return window.from + (Math.min(plotWidth, Math.max(0, event.clientX - left)) / plotWidth) * length
  }

  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return
    event.currentTarget.setPointerCapture(event.pointerId)
    const at = timeOf(event)
    props.onHover(at)
    if (event.pointerType === 'mouse') setDrag({ from: at, to: at })
  }
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const at = timeOf(event)
    props.onHover(at)
    if (drag) setDrag({ from: drag.from, to: at })
  }
  const onPointerUp = () => {
    const wanted = drag && zoomWindow(drag.from, drag.to, window)
    setDrag(null)
    if (wanted && Math.abs(xOf(wanted.to) - xOf(wanted.from)) > 6) props.onZoom(wanted)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft') props.onStep(-1)
    else if (event.key === 'ArrowRight') props.onStep(1)
    else if (event.key === 'Escape') props.onReset()
    else return
    event.preventDefault()
  }

  const x = point ? xOf(point.at) : 0
  const [from, to] = drag ? [xOf(Math.min(drag.from, drag.to)), xOf(Math.max(drag.from, drag.to))] : [0, 0]
  return (
    <div
      aria-label="Moment of the chart"
      aria-valuemax={window.to}
      aria-valuemin={window.from}
      aria-valuenow={point?.at ?? window.to}
      aria-valuetext={props.label}
      className="absolute cursor-crosshair touch-pan-y select-none rounded-[2px] outline-offset-2"
      onDoubleClick={props.onReset}
      onKeyDown={onKeyDown}
      onPointerCancel={() => setDrag(null)}
      onPointerDown={onPointerDown}
      onPointerLeave={() => props.onHover(null)}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      role="slider"
      style={{ left: PLOT_MARGIN.left, top: PLOT_MARGIN.top, width: plotWidth, height: plotHeight }}
      tabIndex={0}
    >
      <svg aria-hidden="true" className="overflow-visible" height={plotHeight} width={plotWidth}>
        {marks
          .filter((mark) => mark.at >= window.from && mark.at <= window.to)
          .map((mark) => (
            <Mark heightPx={plotHeight} key={`${mark.kind}${mark.at}`} mark={mark} x={xOf(mark.at)} />
          ))}
        {drag && to > from && (
          <rect fill="var(--chart-source)" fillOpacity="0.16" height={plotHeight} width={to - from} x={from} y={0} />
        )}
        {point && x >= 0 && x <= plotWidth && (
          <g>
            <line stroke="var(--muted-foreground)" strokeOpacity="0.6" x1={x} x2={x} y1={0} y2={plotHeight} />
            <Dot colour="var(--chart-source)" x={x} y={yOf(point.sourceBytesPerSecond)} />
            <Dot colour="var(--chart-bucket)" x={x} y={yOf(point.bucketBytesPerSecond)} />
          </g>
        )}
      </svg>
    </div>
  )
}

function Dot({ x, y, colour }: { x: number; y: number; colour: string }) {
  return <circle cx={x} cy={y} fill={colour} r="3.5" stroke="var(--background)" strokeWidth="1.5" />
}

/** A retry is an arrow down, a pause two bars: shapes, so that colour is not needed. */
function Mark({ mark, x, heightPx }: { mark: ChartMark; x: number; heightPx: number }) {
  const colour = mark.kind === 'retry' ? 'var(--chart-limit)' : 'var(--muted-foreground)'
  return (
    <g>
      <line stroke={colour} strokeDasharray="1 3" strokeOpacity="0.8" x1={x} x2={x} y1={10} y2={heightPx} />
      {mark.kind === 'retry' ? (
        <path d={`M${x} 9 l-4 -6 h8 z`} fill={colour} />
      ) : (
        <path d={`M${x - 3} 1 v8 M${x + 3} 1 v8`} stroke={colour} strokeWidth="2.5" />
      )}
      <title>{mark.label}</title>
    </g>
  )
}
