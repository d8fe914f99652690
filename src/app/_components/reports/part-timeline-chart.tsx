'use client'

import { type KeyboardEvent, type PointerEvent, useId, useMemo, useState } from 'react'
import { formatBytes, formatRate } from '../../../server/domain/bytes.ts'
import { tookText } from '../../../server/domain/duration.ts'
import type { PartTimeline, TimelineBar } from '../../../server/domain/report/part-timeline.ts'
import { formatElapsed, formatElapsedTick, timeTicks } from '../charts/chart-domain.ts'
import { useElementWidth } from '../charts/use-element-width.ts'
import { barAt, layOutTimeline, MARKS_PX, neighbour, retryMarksOf } from './part-timeline-layout.ts'

const ENGINE_COLOURS = ['var(--chart-source)', 'var(--chart-bucket)', 'var(--success)', 'var(--chart-cache)'] as const
const engineColour = (index: number) => ENGINE_COLOURS[index % ENGINE_COLOURS.length]
const GUTTER_PX = { wide: 78, narrow: 0 }
const AXIS_PX = 22

interface PartTimelineChartProps {
  timeline: PartTimeline
  engineNames: ReadonlyMap<string, string>
  /** When the run began, in milliseconds since 1970: the zero of the axis. */
  startMs: number
}

/** When each part was on its way, lane by lane. Pointer or arrow keys pick a bar, and the line below tells its story. */
export function PartTimelineChart({ timeline, engineNames, startMs }: PartTimelineChartProps) {
  const { ref, widthPx } = useElementWidth<HTMLDivElement>()
  const hatch = useId()
  const [picked, setPicked] = useState<number | null>(null)
  const gutter = widthPx > 600 ? GUTTER_PX.wide : GUTTER_PX.narrow
  const plotPx = Math.max(40, widthPx - gutter - (gutter > 0 ? 26 : 0))
  const layout = useMemo(() => layOutTimeline(timeline, plotPx), [timeline, plotPx])
  const marks = useMemo(() => retryMarksOf(layout), [layout])
  const nameOf = (engineId: string | null) =>
    engineId === null ? 'an engine' : (engineNames.get(engineId) ?? engineId.slice(-4))
  const origin = timeline.fromMs - startMs
  const ticks = timeTicks({ from: origin, to: origin + timeline.lengthMs }, 0, Math.max(2, Math.floor(plotPx / 90)))
  const at = picked === null ? null : layout.bars[Math.min(picked, layout.bars.length - 1)]
  const engines = layout.engines.length
  const retries = layout.bars.reduce((sum, { bar }) => sum + bar.retries, 0)
  const summary = `${count(timeline.parts, 'part')} in ${count(timeline.lanes.length, 'lane')}${engines > 1 ? ` of ${engines} engines` : ''}, ${retries === 0 ? 'none sent again' : `${count(retries, 'retry', 'retries')}`}`
  const story = at
    ? barStory(at.bar, engines > 1 ? nameOf(layout.engines[at.engineIndex]?.engineId ?? null) : null, origin)
    : null

  const onPointer = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    setPicked(barAt(layout, event.clientX - box.left - gutter, event.clientY - box.top))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') setPicked(null)
    else if (!/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(event.key)) return
    else setPicked(picked === null ? 0 : neighbour(layout, picked, event.key))
    event.preventDefault()
  }
  const height = layout.heightPx + AXIS_PX
  return (
    <div>
      <div
        aria-label={`Timeline of parts: ${summary}`}
        aria-valuemax={Math.max(1, layout.bars.length)}
        aria-valuemin={1}
        aria-valuenow={picked === null ? 1 : picked + 1}
        aria-valuetext={story?.join(', ') ?? summary}
        className="focus-ring touch-pan-y rounded-xs"
        onBlur={() => setPicked(null)}
        onKeyDown={onKeyDown}
        onPointerDown={onPointer}
        onPointerLeave={() => setPicked(null)}
        onPointerMove={onPointer}
        ref={ref}
        role="slider"
        style={{ height }}
        tabIndex={0}
      >
        {widthPx > 0 && (
          <svg aria-hidden="true" className="block" height={height} width={widthPx}>
            <defs>
              <pattern height="4" id={hatch} patternTransform="rotate(45)" patternUnits="userSpaceOnUse" width="4">
                <rect fill="var(--background)" fillOpacity="0.75" height="4" width="1.6" />
              </pattern>
            </defs>
            {gutter > 0 &&
              layout.engines.map(({ engineId, topPx }, index) => (
                <text fill="var(--muted-foreground)" fontSize="12" key={engineId ?? 'unknown'} x={0} y={topPx + 10}>
                  {engines > 1 ? clipped(nameOf(engineId)) : index === 0 ? 'lanes' : ''}
                </text>
              ))}
            <g transform={`translate(${gutter} 0)`}>
              {ticks.map((tick) => {
                const x = ((tick - origin) / Math.max(1, timeline.lengthMs)) * plotPx
                return (
                  <g key={tick}>
                    <line stroke="var(--border)" x1={x} x2={x} y1={MARKS_PX} y2={layout.heightPx} />
                    <text
                      className="num"
                      fill="var(--muted-foreground)"
                      fontSize="12"
                      textAnchor={x < 20 ? 'start' : x > plotPx - 24 ? 'end' : 'middle'}
                      x={x}
                      y={layout.heightPx + 16}
                    >
                      {formatElapsedTick(tick, timeline.lengthMs)}
                    </text>
                  </g>
                )
              })}
              {layout.engines.map(({ engineId }, index) => (
                <path
                  d={barsPath(
                    layout.bars.filter((bar) => bar.engineIndex === index),
                    layout.barPx,
                  )}
                  fill={engineColour(index)}
                  key={engineId ?? 'unknown'}
                />
              ))}
              <path
                d={barsPath(
                  layout.bars.filter(({ bar }) => bar.retries > 0),
                  layout.barPx,
                )}
                fill={`url(#${hatch})`}
              />
              {marks.map((x) => (
                <path d={`M${x.toFixed(1)} 9 l-3.5 -6 h7 z`} fill="var(--muted-foreground)" key={x} />
              ))}
              {at && (
                <rect
                  fill="none"
                  height={layout.barPx + 1}
                  stroke="var(--foreground)"
                  strokeWidth="1.5"
                  width={at.width + 1}
                  x={at.x - 0.5}
                  y={at.y - 0.5}
                />
              )}
            </g>
          </svg>
        )}
      </div>
      <p className="num mt-1 min-h-10 text-muted-foreground text-xs leading-5 sm:min-h-5">
        {story ? story.join(' · ') : `${summary}${timeline.isAggregated ? ' · neighbours are drawn as one' : ''}`}
        {!story && retries > 0 && <span> · ▾ and hatching: sent again</span>}
      </p>
    </div>
  )
}

function barsPath(bars: readonly { x: number; y: number; width: number }[], height: number): string {
  let path = ''
  for (const { x, y, width } of bars)
    path += `M${x.toFixed(1)} ${y}h${width.toFixed(1)}v${height}h-${width.toFixed(1)}z`
  return path
}

function barStory(bar: TimelineBar, engine: string | null, originMs: number): string[] {
  const tookMs = bar.endMs - bar.startMs
  const which =
    bar.parts === 1
      ? `Part ${bar.firstPart.toLocaleString('en-US')}`
      : `${bar.parts.toLocaleString('en-US')} parts, ${bar.firstPart.toLocaleString('en-US')} to ${bar.lastPart.toLocaleString('en-US')}`
  const pieces = [which, `${formatBytes(bar.sizeBytes)} in ${tookText(tookMs)}`]
  if (tookMs > 0) pieces.push(formatRate((bar.sizeBytes * 1000) / tookMs))
  pieces.push(`from ${formatElapsed(originMs + bar.startMs)}`)
  pieces.push(bar.retries === 0 ? 'no retry' : count(bar.retries, 'retry', 'retries'))
  if (engine) pieces.push(`by ${engine}`)
  return pieces
}

const clipped = (name: string) => (name.length > 11 ? `${name.slice(0, 10)}…` : name)
const count = (value: number, one: string, many = `${one}s`) =>
  `${value.toLocaleString('en-US')} ${value === 1 ? one : many}`
