'use client'

import { type KeyboardEvent, type PointerEvent, useId, useMemo, useState } from 'react'
import type { TransferDetail } from '../../../server/domain/transfer.ts'
import { isTerminal } from '../../../server/domain/transfer-state.ts'
import { useElementWidth } from '../charts/use-element-width.ts'
import { cellBox, layOutParts, partAt, partPaths } from './part-map-layout.ts'
import { partStory } from './part-story.ts'

const ENGINE_COLOURS = ['var(--water)', 'var(--chart-bucket)', 'var(--success)', 'var(--chart-cache)'] as const
const engineColour = (index: number) => ENGINE_COLOURS[index % ENGINE_COLOURS.length]

interface PartMapProps {
  transfer: Pick<
    TransferDetail,
    'parts' | 'movingParts' | 'partsTotal' | 'partsDone' | 'partSizeBytes' | 'sizeBytes' | 'status'
  >
  engineNames: ReadonlyMap<string, string>
}

/**
 * Every part of the upload: finished ones solid, moving ones hatched, waiting ones empty. Pointer or arrow keys pick one, and the
 * line below tells its story.
 */
export function PartMap({ transfer, engineNames }: PartMapProps) {
  const { ref, widthPx } = useElementWidth<HTMLDivElement>()
  const hatch = useId()
  const [picked, setPicked] = useState<number | null>(null)
  const partsTotal = transfer.partsTotal ?? 0
  const grid = useMemo(() => layOutParts(partsTotal, widthPx), [partsTotal, widthPx])
  const partByNumber = useMemo(() => new Map(transfer.parts.map((part) => [part.number, part])), [transfer.parts])
  const paths = useMemo(
    () =>
      partPaths(
        grid,
        new Map(transfer.parts.map((part) => [part.number, part.engineId])),
        new Set(transfer.movingParts),
      ),
    [grid, transfer.parts, transfer.movingParts],
  )
  // By name, so that a colour stays with its engine whichever of them finishes a part first.
  const engines = useMemo(
    () =>
      [...new Set(transfer.parts.map((part) => part.engineId))].sort((a, b) =>
        (engineNames.get(a ?? '') ?? a ?? '').localeCompare(engineNames.get(b ?? '') ?? b ?? ''),
      ),
    [transfer.parts, engineNames],
  )
  const moving = transfer.movingParts.filter((number) => !partByNumber.has(number)).length
  const done = transfer.parts.length
  const ended = isTerminal(transfer.status) && transfer.status !== 'completed'
  const left = ended ? 'not moved' : 'waiting'
  const number = picked === null ? null : Math.min(Math.max(1, picked), Math.max(1, partsTotal))
  const part = number === null ? undefined : partByNumber.get(number)
  const story =
    number === null
      ? null
      : partStory({
          number,
          partsTotal,
          partSizeBytes: transfer.partSizeBytes,
          sizeBytes: transfer.sizeBytes,
          part,
          moving: transfer.movingParts.includes(number),
          engineName: part?.engineId ? (engineNames.get(part.engineId) ?? part.engineId.slice(-4)) : null,
        })
  const summary = `${count(done)} of ${count(partsTotal)} parts done, ${count(moving)} moving, ${count(partsTotal - done - moving)} ${left}`

  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    setPicked(partAt(grid, event.clientX - box.left, event.clientY - box.top))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const jumps: Record<string, number> = {
      ArrowRight: grid.partsPerCell,
      ArrowLeft: -grid.partsPerCell,
      ArrowDown: grid.columns * grid.partsPerCell,
      ArrowUp: -grid.columns * grid.partsPerCell,
      Home: -partsTotal,
      End: partsTotal,
    }
    const jump = jumps[event.key]
    if (event.key === 'Escape') setPicked(null)
    else if (jump === undefined) return
    else setPicked(number === null ? 1 : Math.min(partsTotal, Math.max(1, number + jump)))
    event.preventDefault()
  }

  const marked = number === null ? null : cellBox(grid, Math.floor((number - 1) / grid.partsPerCell))
  return (
    <div>
      <div
        aria-label={`Map of parts: ${summary}`}
        aria-valuemax={partsTotal}
        aria-valuemin={1}
        aria-valuenow={number ?? 1}
        aria-valuetext={story?.join(', ') ?? summary}
        className="focus-ring relative touch-pan-y rounded-xs"
        onBlur={() => setPicked(null)}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerMove}
        onPointerLeave={() => setPicked(null)}
        onPointerMove={onPointerMove}
        ref={ref}
        role="slider"
        style={{ height: grid.heightPx }}
        tabIndex={0}
      >
        {widthPx > 0 && (
          <svg aria-hidden="true" className="block" height={grid.heightPx} width={widthPx}>
            <defs>
              <pattern height="4" id={hatch} patternTransform="rotate(45)" patternUnits="userSpaceOnUse" width="4">
                <rect fill="var(--water-soft)" height="4" width="4" />
                <line stroke="var(--water)" strokeWidth="3" x1="0" x2="0" y1="0" y2="4" />
              </pattern>
            </defs>
            <path d={paths.ground} fill="var(--track)" fillOpacity="0.75" />
            <path d={paths.moving} fill={`url(#${hatch})`} />
            {paths.done.map(({ engineId, path }) => (
              <path d={path} fill={engineColour(engines.indexOf(engineId))} key={engineId ?? 'unknown'} />
            ))}
            {marked && (
              <rect
                fill="none"
                height={marked.height + 1}
                stroke="var(--foreground)"
                strokeWidth="1.5"
                width={marked.width + 1}
                x={marked.x - 0.5}
                y={marked.y - 0.5}
              />
            )}
          </svg>
        )}
      </div>
      <div className="mt-2 min-h-10 text-muted-foreground text-xs leading-5 sm:min-h-5">
        {story ? (
          <p className="num">{story.join(' · ')}</p>
        ) : (
          <p className="flex flex-wrap gap-x-4">
            {engines.length > 1 ? (
              engines.map((engineId, index) => (
                <Key colour={engineColour(index)} key={engineId ?? 'unknown'}>
                  done by {engineId ? (engineNames.get(engineId) ?? engineId.slice(-4)) : 'an engine'}
                </Key>
              ))
            ) : (
              <Key colour="var(--water)">{count(done)} done</Key>
            )}
            {done < partsTotal && (
              <>
                {!ended && <Key colour={`url(#${hatch})`}>{count(moving)} moving</Key>}
                <Key colour="var(--track)">
                  {count(Math.max(0, partsTotal - done - moving))} {left}
                </Key>
              </>
            )}
            {grid.partsPerCell > 1 && <span>a square is {grid.partsPerCell} parts</span>}
          </p>
        )}
      </div>
    </div>
  )
}

function Key({ colour, children }: { colour: string | undefined; children: React.ReactNode }) {
  return (
    <span className="num inline-flex items-center gap-1.5">
      <svg aria-hidden="true" height="10" width="10">
        <rect fill={colour} height="10" width="10" />
      </svg>
      <span>{children}</span>
    </span>
  )
}

const count = (value: number) => value.toLocaleString('en-US')
