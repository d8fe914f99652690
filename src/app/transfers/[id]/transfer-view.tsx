'use client'

import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { TransferDetail } from '../../../server/domain/transfer.ts'
import { isTerminal } from '../../../server/domain/transfer-state.ts'
import type { ChartMark } from '../../_components/charts/chart-domain.ts'
import { pointsOfEnded } from '../../_components/charts/chart-points.ts'
import { ThroughputChart } from '../../_components/charts/throughput-chart.tsx'
import { CompletedPanel } from '../../_components/transfer/completed-panel.tsx'
import { CountersTable } from '../../_components/transfer/counters-table.tsx'
import { EventList } from '../../_components/transfer/event-list.tsx'
import { PartMap } from '../../_components/transfer/part-map.tsx'
import { ReadingAgain } from '../../_components/transfer/reading-again.tsx'
import { TransferFigures } from '../../_components/transfer/transfer-figures.tsx'
import { TransferHeader } from '../../_components/transfer/transfer-header.tsx'
import { TransferNotices } from '../../_components/transfer/transfer-notices.tsx'
import {
  elapsedMs,
  isSkipped,
  percentText,
  readAgainFraction,
  rereadOf,
} from '../../_components/transfer/transfer-summary.ts'
import { UnknownProgress } from '../../_components/transfer/unknown-progress.tsx'
import { VerificationPanel } from '../../_components/transfer/verification-panel.tsx'
import { Section } from '../../_components/ui/section.tsx'
import { useNow } from '../../_components/ui/use-now.ts'
import { useDocumentTitle } from '../../_hooks/use-document-title.ts'
import { type LiveSamples, useLiveSamples } from '../../_hooks/use-live-samples.ts'
import { useTRPC } from '../../_trpc/client.tsx'

/** The page of one transfer, from its first second to its proof. */
export function TransferView({ transfer }: { transfer: TransferDetail }) {
  const trpc = useTRPC()
  const nowMs = useNow()
  const moves = transfer.status === 'running' || transfer.status === 'verifying'
  const samples = useLiveSamples({ transferId: transfer.id, live: !isTerminal(transfer.status) })
  const engines = useQuery(trpc.engines.list.queryOptions(undefined, { refetchInterval: moves ? 10_000 : 30_000 }))
  const buckets = useQuery(trpc.buckets.list.queryOptions(undefined, { staleTime: 60_000 }))
  const engineNames = useMemo(
    () => new Map((engines.data ?? []).map((engine) => [engine.id, engine.name])),
    [engines.data],
  )
  const healthy = engines.data?.filter((engine) => engine.state === 'healthy')
  const usedEngines = useMemo(() => new Set(transfer.parts.flatMap((part) => part.engineId ?? [])), [transfer.parts])
  const marks = useMemo<ChartMark[]>(
    () => [
      ...samples.retries,
      ...transfer.events
        .filter((event) => event.code === 'paused')
        .map((event) => ({ at: event.at.getTime(), kind: 'pause' as const, label: event.message })),
    ],
    [samples.retries, transfer.events],
  )
  useDocumentTitle(tabTitle(transfer))
  const elapsed = nowMs === null ? null : elapsedMs(transfer, pausedAtMs(transfer) ?? nowMs)
  const figures = {
    nowBytesPerSecond: transfer.bytesPerSecond,
    etaSeconds: transfer.etaSeconds,
    elapsedMs: elapsed,
    readLanes: transfer.readLanes,
    uploadLanes: transfer.uploadLanes,
    bufferedBytes: transfer.bufferedBytes,
    budgetBytes: budgetOf(healthy?.map((engine) => engine.stats?.memoryBudgetBytes ?? 0)),
    metrics: transfer.metrics,
    live: moves,
    ended: transfer.finishedAt !== null,
    ...rates(samples, transfer, elapsed),
  }
  // Ended with nothing of it in the bucket: there is no map to show, and there will be none.
  const isNothing = isTerminal(transfer.status) && transfer.partsDone === 0
  const points = isTerminal(transfer.status) ? pointsOfEnded(samples.points) : samples.points
  return (
    <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
      <TransferHeader engineCount={usedEngines.size} transfer={transfer} />
      <ReadingAgain transfer={transfer} />
      <TransferNotices enginesHealthy={healthy ? healthy.length : null} transfer={transfer} />
      {transfer.status === 'completed' && (
        <CompletedPanel bucket={buckets.data?.find((bucket) => bucket.id === transfer.bucketId)} transfer={transfer} />
      )}
      <div className="grid gap-x-8 gap-y-3 lg:grid-cols-[minmax(0,1fr)_15.5rem]">
        <ThroughputChart
          emptyText={emptyChartText(transfer, points.length)}
          height={260}
          limitBytesPerSecond={transfer.bandwidthLimitBytesPerSecond}
          marks={marks}
          points={points}
          state={samples.state}
          timeAxis="elapsed"
        />
        <TransferFigures figures={figures} />
      </div>
      <section aria-label="Parts" className="empty:hidden">
        {isNothing ? null : transfer.sizeBytes === null ? (
          <UnknownProgress transfer={transfer} />
        ) : (
          transfer.partsTotal !== null &&
          transfer.partsTotal > 0 && <PartMap engineNames={engineNames} transfer={transfer} />
        )}
      </section>
      <div className="grid gap-x-10 gap-y-5 lg:grid-cols-2">
        <div className="grid min-w-0 content-start gap-5">
          {transfer.verification && (
            <Section title="Proof">
              <VerificationPanel transfer={transfer} verification={transfer.verification} />
            </Section>
          )}
          <Section title="Events">
            <EventList engineNames={engineNames} events={transfer.events} />
          </Section>
        </div>
        <Section aside="all engines together" className="content-start" title="Counters">
          <CountersTable metrics={transfer.metrics} />
        </Section>
      </div>
    </div>
  )
}

function tabTitle(transfer: TransferDetail): string {
  const again = readAgainFraction(transfer)
  if (again !== null) return `${Math.floor(again * 100)} % ${rereadOf(transfer)?.share} · ${transfer.name} · Sluice`
  if (transfer.status !== 'running') return `${transfer.name} · Sluice`
  return [percentText(transfer), transfer.name, 'Sluice'].filter(Boolean).join(' · ')
}

/**
 * Peak of what was read, since a bucket's bursts are no speed, and the average over the time the curve covers: a pause counts,
 * because nothing moved.
 */
function rates({ points }: LiveSamples, transfer: TransferDetail, elapsed: number | null) {
  const peakBytesPerSecond = points.reduce(
    (most, point) => Math.max(most, point.sourceBytesPerSecond + (point.cacheBytesPerSecond ?? 0)),
    0,
  )
  const first = points[0]?.at
  const last = points.at(-1)?.at
  const coveredMs = transfer.finishedAt
    ? elapsed
    : first === undefined || last === undefined
      ? null
      : last - first + 1000
  return {
    peakBytesPerSecond: points.length === 0 ? null : peakBytesPerSecond,
    averageBytesPerSecond:
      coveredMs === null || coveredMs === 0 || transfer.transferredBytes === 0 || isSkipped(transfer)
        ? null
        : (transfer.transferredBytes * 1000) / coveredMs,
  }
}

/** Since when it is paused: its clock stands still meanwhile. Events are the newest first or last, so the latest counts. */
function pausedAtMs({ status, events }: TransferDetail): number | null {
  if (status !== 'paused') return null
  const at = Math.max(...events.filter(({ code }) => code === 'paused').map((event) => event.at.getTime()))
  return Number.isFinite(at) ? at : null
}

function budgetOf(budgets: number[] | undefined): number | null {
  const sum = budgets?.reduce((total, bytes) => total + bytes, 0) ?? 0
  return sum > 0 ? sum : null
}

function emptyChartText(transfer: TransferDetail, points: number): string {
  if (isSkipped(transfer)) return 'Nothing was moved, so there is no curve.'
  if (transfer.status === 'completed' && transfer.sizeBytes === 0) return 'The file is empty, so there is no curve.'
  if (points === 1 && isTerminal(transfer.status))
    return 'It was over within a second; a curve begins with the second one.'
  if (transfer.transferredBytes > 0 && transfer.status !== 'running') return 'No samples of it were kept.'
  switch (transfer.status) {
    case 'failed':
      return 'It failed before the first byte moved.'
    case 'cancelled':
      return 'It was cancelled before the first byte moved.'
    default:
      return 'The curve begins with the first byte.'
  }
}
