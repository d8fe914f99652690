'use client'

import { splitBytes } from '../../../server/domain/bytes.ts'
import type { SystemHealth } from '../../../server/domain/engine.ts'
import { steadyBucket } from '../charts/chart-points.ts'
import { ThroughputChart } from '../charts/throughput-chart.tsx'
import { cn } from '../ui/cn.ts'
import { Rate } from '../ui/quantity.tsx'
import { hourPoints, peakBytesPerSecond } from './hour-points.ts'

const CHART_HEIGHT_PX = 220

/** The rate now, to be read across a room, and the hour behind it. */
export function Hero({ health, updatedAtMs }: { health: SystemHealth | undefined; updatedAtMs: number }) {
  const points = health ? hourPoints(health, updatedAtMs) : []
  const { value, unit } = splitBytes(health?.bytesPerSecond ?? 0)
  const quiet = points.every((point) => point.bucketBytesPerSecond === 0 && point.sourceBytesPerSecond === 0)
  // In its first second a transfer has a rate, and no sample yet.
  const isEmpty = health?.bytesPerSecond === 0
  return (
    <section aria-label="Throughput" className="grid gap-5">
      <div className="flex flex-wrap items-end justify-between gap-x-8 gap-y-2">
        <p>
          <span className="block text-muted-foreground">Into buckets now</span>
          <span className="mt-1 block whitespace-nowrap text-hero tracking-tight">
            <span className={cn('font-medium tabular-nums tracking-[-0.045em]', !health?.bytesPerSecond && 'text-dim')}>
              {health ? value : '–'}
            </span>
            <span className="ml-[0.35em] text-[0.36em] text-dim">{unit}/s</span>
          </span>
        </p>
        <p className="pb-1 text-muted-foreground">
          Peak of the last hour{' '}
          <Rate
            bytesPerSecond={
              health ? Math.max(peakBytesPerSecond(steadyBucket(points).points), health.bytesPerSecond) : null
            }
            className="ml-1 text-foreground"
          />
        </p>
      </div>
      <ThroughputChart
        points={points}
        height={CHART_HEIGHT_PX}
        timeAxis="clock"
        readsLast={false}
        {...(quiet && { state: isEmpty ? ('empty' as const) : ('loading' as const) })}
        emptyText="Nothing moved in the last hour. Throughput is drawn here as soon as a transfer runs."
      />
    </section>
  )
}
