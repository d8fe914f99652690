'use client'

import { useState } from 'react'
import type { CacheHistory } from '../../../server/domain/cache.ts'
import { percent } from '../origins/origin-words.ts'
import { Quantity } from '../ui/quantity.tsx'
import { hitBars } from './hit-bars.ts'

const HEIGHT = 100
const BAR = 10
const GAP = 2

/** Slices asked for in the last hour by minute: found ones below, missed ones on top. Pointing at a minute tells its numbers. */
export function HitChart({ history, hitRate }: { history: CacheHistory; hitRate: number | null }) {
  const [picked, setPicked] = useState<number | null>(null)
  const bars = hitBars(history)
  const bar = picked === null ? undefined : bars[picked]
  const asked = bar ? bar.hits + bar.misses : 0
  const share = bar ? (asked === 0 ? null : bar.hits / asked) : hitRate
  const width = bars.length * BAR
  const most = Math.max(0, ...bars.map(({ hits, misses }) => hits + misses))
  return (
    <figure className="min-w-0">
      <figcaption className="flex flex-wrap items-baseline gap-x-4">
        {share !== null && (
          <span className="text-xl tabular-nums tracking-tight">
            {percent(share)}
            <span className="ml-1 text-dim text-sm tracking-normal">%</span>
          </span>
        )}
        <span className="text-muted-foreground">
          {bar ? (
            <>
              at <span className="num">{bar.at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}</span>:{' '}
              <Quantity value={bar.hits} unit="found" /> · <Quantity value={bar.misses} unit="missed" />
            </>
          ) : hitRate === null ? (
            'No slice was asked for in the last hour.'
          ) : (
            'of slices found in the last hour'
          )}
        </span>
        {hitRate !== null && (
          <span className="ml-auto flex gap-4 text-dim text-xs max-sm:hidden" aria-hidden>
            <Key colour="bg-chart-source">found</Key>
            <Key colour="bg-chart-cache">missed</Key>
          </span>
        )}
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="mt-2 h-24 w-full border-b"
        role="img"
        aria-label={`Slices found and missed in the last hour${hitRate === null ? '' : `, ${percent(hitRate)} % found`}`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect()
          const at = Math.floor(((event.clientX - box.left) / box.width) * bars.length)
          setPicked(Math.min(bars.length - 1, Math.max(0, at)))
        }}
        onPointerLeave={() => setPicked(null)}
      >
        {bars.map(({ at, hitHeight, missHeight }, index) => {
          const top = Math.min(1, hitHeight + missHeight)
          return (
            <g key={at.getTime()} opacity={picked === null || picked === index ? 1 : 0.45}>
              <rect
                x={index * BAR + GAP / 2}
                y={HEIGHT * (1 - hitHeight)}
                width={BAR - GAP}
                height={HEIGHT * hitHeight}
                fill="var(--chart-source)"
              />
              <rect
                x={index * BAR + GAP / 2}
                y={HEIGHT * (1 - top)}
                width={BAR - GAP}
                height={HEIGHT * missHeight}
                fill="var(--chart-cache)"
              />
            </g>
          )
        })}
      </svg>
      <div className="num mt-1 flex justify-between text-dim text-xs" aria-hidden>
        <span>60 min ago</span>
        {most > 0 && <span>at most {most.toLocaleString('en-US')} slices a minute</span>}
        <span>now</span>
      </div>
    </figure>
  )
}

function Key({ colour, children }: { colour: string; children: string }) {
  return (
    <span className="flex items-center gap-1.5">
      <span className={`size-2 rounded-xs ${colour}`} />
      {children}
    </span>
  )
}
