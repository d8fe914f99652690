import type { ReactNode } from 'react'
import type { TransferMetrics } from '../../../server/domain/transfer.ts'
import { Bytes, Duration, Quantity } from '../ui/quantity.tsx'

/** The named counters of a transfer, summed over engines: measured, none estimated. */
export function CountersTable({ metrics }: { metrics: TransferMetrics }) {
  const firstByte = metrics.timeToFirstByteMs
  return (
    <dl className="grid gap-x-8 py-1 sm:grid-cols-2">
      <Counter name="Time to first byte">
        <Duration seconds={firstByte === null ? null : firstByte / 1000} />
      </Counter>
      <Counter name="Active">
        <Quantity unit="%" value={metrics.activeMs === 0 ? null : metrics.activePercent.toFixed(1)} />
      </Counter>
      <Counter name="Peak read lanes">
        <Quantity value={metrics.peakReadLanes} />
      </Counter>
      <Counter name="Peak upload lanes">
        <Quantity value={metrics.peakUploadLanes} />
      </Counter>
      <Counter name="Source paused">
        <Quantity unit="×" value={metrics.pauses} />
      </Counter>
      <Counter name="Paused in all">
        <Duration seconds={metrics.pausedMs / 1000} />
      </Counter>
      <Counter name="Most bytes held">
        <Bytes bytes={metrics.peakBufferedBytes} />
      </Counter>
      <Counter name="Bytes copied">
        <Bytes bytes={metrics.bytesCopied} />
      </Counter>
      <Counter name="Buffers made">
        <Quantity value={metrics.buffersAllocated} />
      </Counter>
      <Counter name="Buffers used again">
        <Quantity value={metrics.bufferReuses} />
      </Counter>
      <Counter name="Requests to the source">
        <Quantity value={metrics.sourceRequests} />
      </Counter>
      {metrics.cacheBytes > 0 && (
        <Counter name="Read from the cache">
          <Bytes bytes={metrics.cacheBytes} />
        </Counter>
      )}
      <Counter name="Requests to the bucket">
        <Quantity value={metrics.bucketRequests} />
      </Counter>
      <Counter name="Source retries">
        <Quantity value={metrics.sourceRetries} />
      </Counter>
      <Counter name="Part retries">
        <Quantity value={metrics.partRetries} />
      </Counter>
    </dl>
  )
}

function Counter({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex h-7 items-center justify-between gap-3">
      <dt className="text-muted-foreground">{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
