import type { ReactNode } from 'react'
import { cn } from '../ui/cn.ts'
import { Bytes, Quantity } from '../ui/quantity.tsx'
import type { CacheSum, TierSum } from './sum-caches.ts'

/** The three tiers: how full, how many hits. A tier that is not there says how to get it. */
export function TierFigures({ sum }: { sum: CacheSum }) {
  return (
    <dl className="grid content-start">
      <Tier name="Memory" hits={sum.memoryHits} evictions={sum.memory.evictions}>
        <Fill tier={sum.memory} />
      </Tier>
      <Tier name="Disk" hits={sum.disk && sum.diskHits} evictions={sum.disk?.evictions}>
        {sum.disk ? (
          <Fill tier={sum.disk} />
        ) : (
          <Absent>
            off; <Setting>SLUICE_CACHE_DISK=20GiB</Setting> keeps slices over a restart
          </Absent>
        )}
      </Tier>
      <Tier name="Redis" hits={sum.shared && sum.sharedHits} last>
        {sum.shared ? (
          sum.shared.away > 0 ? (
            <span className="text-warning">
              {`does not answer ${sum.shared.away === sum.shared.engines ? 'any engine' : `${sum.shared.away} engines`}; slower, not wrong`}
            </span>
          ) : (
            <span className="text-muted-foreground">
              shared by {sum.shared.engines === 1 ? 'one engine' : `${sum.shared.engines} engines`}
            </span>
          )
        ) : (
          <Absent>
            off; <Setting>SLUICE_REDIS_URL</Setting> lets engines share slices
          </Absent>
        )}
      </Tier>
    </dl>
  )
}

function Tier(props: { name: string; hits: number | null; evictions?: number; last?: boolean; children: ReactNode }) {
  return (
    <div
      className={cn('grid grid-cols-[4.5rem_minmax(0,1fr)_auto] items-center gap-x-4 py-2', !props.last && 'border-b')}
    >
      <dt className="font-medium">{props.name}</dt>
      <dd className="min-w-0">{props.children}</dd>
      <dd className="text-right">
        {props.hits === null ? null : <Quantity value={props.hits} unit="hits" />}
        {props.evictions !== undefined && (
          <span className="block text-muted-foreground text-xs" title="Slices that went because others needed the room">
            <Quantity value={props.evictions} unit="evicted" />
          </span>
        )}
      </dd>
    </div>
  )
}

function Fill({ tier }: { tier: TierSum }) {
  const share = tier.maxBytes === 0 ? 0 : tier.bytes / tier.maxBytes
  return (
    <>
      <span className="flex flex-wrap gap-x-3">
        <span>
          <Bytes bytes={tier.bytes} /> <span className="text-dim">of</span> <Bytes bytes={tier.maxBytes} />
        </span>
        <span className="text-dim">
          <Quantity value={tier.slices} unit={tier.slices === 1 ? 'slice' : 'slices'} />
        </span>
        {tier.failing > 0 && (
          <span className="text-warning">
            {tier.failing === 1 ? 'one disk is full or failing' : `${tier.failing} disks are full or failing`}
          </span>
        )}
      </span>
      <span className="mt-1.5 block h-1 max-w-80 bg-track" aria-hidden>
        <span className="block h-full bg-water" style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
    </>
  )
}

function Absent({ children }: { children: ReactNode }) {
  return <span className="text-dim">{children}</span>
}

function Setting({ children }: { children: string }) {
  return <code className="num select-all">{children}</code>
}
