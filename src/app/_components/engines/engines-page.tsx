'use client'

import { useQuery } from '@tanstack/react-query'
import { Cpu } from 'lucide-react'
import type { EngineView } from '../../../server/domain/engine.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { cn } from '../ui/cn.ts'
import { CouldNotRead } from '../ui/could-not-read.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Bytes, Duration, Quantity, Rate } from '../ui/quantity.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useNow } from '../ui/use-now.ts'
import { EngineLimit } from './engine-limit.tsx'
import { EngineState } from './engine-state.tsx'

/** Every engine that was seen in a day, with what it does and what it costs. */
export function EnginesPage() {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(trpc.engines.list.queryOptions(undefined, { refetchInterval: 2000 }))
  if (error && !data) return <CouldNotRead title="The engines could not be read" error={error} onRetry={refetch} />
  if (!data) return <Skeleton className="m-6 h-28" />
  if (data.length === 0)
    return (
      <EmptyState
        icon={<Cpu />}
        title="No engine runs"
        description="Engines read the sources and write the buckets; without one nothing moves. Start one on this machine, or as many as you like on others with the same DATABASE_URL."
        action={<code className="num select-all rounded-md border bg-muted px-3 py-1.5 text-sm">npm run engine</code>}
      />
    )
  const alone = data.every((engine) => engine.state !== 'healthy')
  return (
    <div className="px-4 py-4 md:px-6">
      {alone && (
        <p className="mb-4 rounded-md bg-destructive-soft px-3 py-2" role="alert">
          No engine is healthy, so nothing moves. Start one with <code className="num">npm run engine</code>.
        </p>
      )}
      <ul className="grid gap-3">
        {data.map((engine) => (
          <Engine key={engine.id} engine={engine} />
        ))}
      </ul>
      <p className="mt-4 max-w-2xl text-muted-foreground">
        More engines work on the same transfers and make them faster: start another with{' '}
        <code className="num">npm run engine</code>. When one stops answering, the others take over its parts within
        SLUICE_LEASE_MS, half a minute unless you set it.
      </p>
    </div>
  )
}

function Engine({ engine }: { engine: EngineView }) {
  const nowMs = useNow()
  const stats = engine.state === 'healthy' ? engine.stats : null
  const uptime = nowMs === null || engine.state !== 'healthy' ? null : (nowMs - engine.startedAt.getTime()) / 1000
  const held = stats && stats.memoryBudgetBytes > 0 ? stats.bufferedBytes / stats.memoryBudgetBytes : 0
  return (
    <li className="rounded-md border">
      <div className={cn('flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5', stats && 'border-b')}>
        <h2 className={cn('font-medium', engine.state === 'stopped' && 'text-muted-foreground')}>{engine.name}</h2>
        <EngineState state={engine.state} />
        <span className="order-last text-dim text-xs max-sm:basis-full sm:order-none sm:ml-auto">
          <span className="num">{engine.url.replace(/^https?:\/\//, '')}</span> · version {engine.version} · process{' '}
          <span className="num">{engine.pid}</span>
          {engine.state !== 'healthy' && (
            <>
              {' · last heard '}
              <RelativeTime at={engine.heartbeatAt} />
            </>
          )}
        </span>
        {stats && (
          <span className="max-sm:ml-auto">
            <EngineLimit engine={engine} />
          </span>
        )}
      </div>
      {stats && (
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 px-4 py-3 sm:grid-cols-4 xl:grid-cols-[1fr_1fr_0.8fr_1.1fr_1.4fr_1.1fr_0.8fr_0.8fr]">
          <Fact name="Read from sources" value={<Rate bytesPerSecond={stats.sourceBytesPerSecond} />} />
          <Fact name="Into buckets" value={<Rate bytesPerSecond={stats.bucketBytesPerSecond} />} />
          <Fact name="Transfers" value={<Quantity value={stats.transfers} />} />
          <Fact
            name="Lanes"
            value={
              <>
                <Quantity value={stats.readLanes} unit="read" /> <Quantity value={stats.uploadLanes} unit="upload" />
              </>
            }
          />
          <Fact
            name="Memory held"
            value={
              <>
                <Bytes bytes={stats.bufferedBytes} /> <span className="text-dim">of</span>{' '}
                <Bytes bytes={stats.memoryBudgetBytes} />
                <span className="mt-1 block h-1 max-w-36 bg-track" aria-hidden>
                  <span className="block h-full bg-water" style={{ width: `${Math.min(100, held * 100)}%` }} />
                </span>
              </>
            }
          />
          <Fact name="Resident memory" value={<Bytes bytes={stats.rssBytes} />} />
          <Fact
            name="Processor"
            value={<Quantity value={stats.cpuPercent.toFixed(stats.cpuPercent < 10 ? 1 : 0)} unit="%" />}
          />
          <Fact name="Up for" value={<Duration seconds={uptime} />} />
        </dl>
      )}
    </li>
  )
}

function Fact({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="truncate text-dim text-xs">{name}</dt>
      <dd className="mt-0.5 whitespace-nowrap">{value}</dd>
    </div>
  )
}
