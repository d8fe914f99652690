'use client'

import type { ReactNode } from 'react'
import { formatElapsed } from '../charts/chart-domain.ts'
import { Bytes, Duration, Quantity, Rate } from '../ui/quantity.tsx'

/** The numbers beside the chart. Null where nothing is known or nothing moves. */
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
  live: boolean
}

/** Each number has its row and its right edge, so that none moves another. */
export function TransferFigures({ figures }: { figures: Figures }) {
  const { live } = figures
  return (
    <dl className="grid grid-cols-2 gap-x-6 sm:grid-cols-3 lg:grid-cols-1">
      <Row label={live ? 'now' : 'last'} strong>
        <Rate bytesPerSecond={live ? (figures.nowBytesPerSecond ?? 0) : null} />
      </Row>
      <Row label="average">
        <Rate bytesPerSecond={figures.averageBytesPerSecond} />
      </Row>
      <Row label="peak">
        <Rate bytesPerSecond={figures.peakBytesPerSecond} />
      </Row>
      <Row label="left">
        <Duration seconds={live ? figures.etaSeconds : null} />
      </Row>
      <Row label="so far">
        <Quantity value={figures.elapsedMs === null ? null : formatElapsed(figures.elapsedMs)} />
      </Row>
      <Row label="read lanes">
        <Quantity value={live ? figures.readLanes : null} />
      </Row>
      <Row label="upload lanes">
        <Quantity value={live ? figures.uploadLanes : null} />
      </Row>
      <Row label="held">
        {live ? (
          <>
            <Bytes bytes={figures.bufferedBytes} />
            {figures.budgetBytes !== null && (
              <span className="text-dim">
                {' of '}
                <Bytes bytes={figures.budgetBytes} className="text-dim" />
              </span>
            )}
          </>
        ) : (
          <Quantity value={null} />
        )}
      </Row>
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
