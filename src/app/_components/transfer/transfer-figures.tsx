'use client'

import type { ReactNode } from 'react'
import type { TransferMetrics } from '../../../server/domain/transfer.ts'
import { formatElapsed } from '../charts/chart-domain.ts'
import { Bytes, Duration, Quantity, Rate, Took } from '../ui/quantity.tsx'

/** The numbers beside the chart. Null where nothing is known. */
export interface Figures {
  nowBytesPerSecond: number | null
  peakBytesPerSecond: number | null
  averageBytesPerSecond: number | null
  etaSeconds: number | null
  elapsedMs: number | null
  readLanes: number
  uploadLanes: number
  bufferedBytes: number
  budgetBytes: number | null
  metrics: TransferMetrics
  live: boolean
  ended: boolean
}

/** Each number has its row and its right edge, so that none moves another. While nothing moves the rows tell of the whole run. */
export function TransferFigures({ figures }: { figures: Figures }) {
  const { live, metrics } = figures
  const firstByte = metrics.timeToFirstByteMs
  return (
    <dl className="grid grid-cols-2 gap-x-6 sm:grid-cols-4 lg:grid-cols-1">
      {live && (
        <Row label="now" strong>
          <Rate bytesPerSecond={figures.nowBytesPerSecond ?? 0} />
        </Row>
      )}
      <Row label="average" strong={!live}>
        <Rate bytesPerSecond={figures.averageBytesPerSecond} />
      </Row>
      <Row label="peak">
        <Rate bytesPerSecond={figures.peakBytesPerSecond || null} />
      </Row>
      {live && (
        <Row label="left">
          <Duration seconds={figures.etaSeconds} />
        </Row>
      )}
      <Row label={figures.ended ? 'took' : 'so far'}>
        {figures.ended ? (
          <Took milliseconds={figures.elapsedMs} />
        ) : (
          <Quantity value={figures.elapsedMs === null ? null : formatElapsed(figures.elapsedMs)} />
        )}
      </Row>
      {!live && (
        <Row label="first byte">
          <Duration seconds={firstByte === null ? null : firstByte / 1000} />
        </Row>
      )}
      <Row label={live ? 'read lanes' : 'most read lanes'}>
        <Quantity value={live ? figures.readLanes : metrics.peakReadLanes || null} />
      </Row>
      <Row label={live ? 'upload lanes' : 'most upload lanes'}>
        <Quantity value={live ? figures.uploadLanes : metrics.peakUploadLanes || null} />
      </Row>
      <Row label={live ? 'held' : 'most held'}>
        <Bytes bytes={live ? figures.bufferedBytes : metrics.peakBufferedBytes || null} />
        {live && figures.budgetBytes !== null && (
          <span className="text-dim max-lg:hidden">
            {' of '}
            <Bytes bytes={figures.budgetBytes} className="text-dim" />
          </span>
        )}
      </Row>
      {!live && (
        <Row label="retries">
          <Quantity value={metrics.sourceRetries + metrics.partRetries} />
        </Row>
      )}
    </dl>
  )
}

function Row({ label, strong, children }: { label: string; strong?: boolean; children: ReactNode }) {
  return (
    <div className="flex h-8 items-baseline justify-between gap-3 border-b pt-1.5 lg:last:border-b-0">
      <dt className="whitespace-nowrap text-muted-foreground">{label}</dt>
      <dd className={`whitespace-nowrap text-right ${strong ? 'font-medium' : ''}`}>{children}</dd>
    </div>
  )
}
