import type { ReactNode } from 'react'
import { Bytes, Quantity } from '../ui/quantity.tsx'
import type { CacheSum } from './sum-caches.ts'

/** What the caches counted since their engines started. Troubles are shown once there are any. */
export function CounterLine({ sum }: { sum: CacheSum }) {
  return (
    <dl className="flex flex-wrap gap-x-6 gap-y-1 border-y px-4 py-2.5 md:px-6">
      <Counter name="Misses">{sum.misses}</Counter>
      <Counter name="Expired">{sum.expired}</Counter>
      <Counter name="Writes waiting">{sum.queueDepth}</Counter>
      <Counter name="Not written in time">{sum.writesDropped}</Counter>
      {sum.compressionSavedBytes > 0 && (
        <div className="flex gap-1.5">
          <dt className="text-dim">Saved by compression</dt>
          <dd>
            <Bytes bytes={sum.compressionSavedBytes} />
          </dd>
        </div>
      )}
      {sum.corrupt > 0 && <Counter name="Found damaged, and removed">{sum.corrupt}</Counter>}
      {sum.errors > 0 && <Counter name="Failed reads and writes">{sum.errors}</Counter>}
    </dl>
  )
}

function Counter({ name, children }: { name: ReactNode; children: number }) {
  return (
    <div className="flex gap-1.5">
      <dt className="text-dim">{name}</dt>
      <dd>
        <Quantity value={children} />
      </dd>
    </div>
  )
}
