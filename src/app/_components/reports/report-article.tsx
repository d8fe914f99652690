'use client'

import { ArrowRight } from 'lucide-react'
import { type ReactNode, useMemo } from 'react'
import { stepRates } from '../../../server/domain/report/step-rates.ts'
import { movingMs } from '../../../server/domain/report/time-split.ts'
import type { ReportView } from '../../../server/domain/report.ts'
import { isTerminal } from '../../../server/domain/transfer-state.ts'
import type { ChartMark, ThroughputPoint } from '../charts/chart-domain.ts'
import { pointsOfEnded } from '../charts/chart-points.ts'
import { ThroughputChart } from '../charts/throughput-chart.tsx'
import { EventList } from '../transfer/event-list.tsx'
import { VerificationPanel } from '../transfer/verification-panel.tsx'
import { Bytes, Quantity, Rate } from '../ui/quantity.tsx'
import { Section } from '../ui/section.tsx'
import { TransferStatus } from '../ui/transfer-status.tsx'
import { useNow } from '../ui/use-now.ts'
import { AdviceList } from './advice-list.tsx'
import { Explanations } from './explanations.tsx'
import { PartTimelineChart } from './part-timeline-chart.tsx'
import { Millis, ReportFigures } from './report-figures.tsx'
import { formatMoment } from './report-words.ts'
import { SamplesTable } from './samples-table.tsx'
import { SlowestParts } from './slowest-parts.tsx'
import { TimeBar } from './time-bar.tsx'

/** A report from top to bottom: what came of it, the curve, where the time went, the parts, and then every figure. */
export function ReportArticle({ view, actions }: { view: ReportView; actions?: ReactNode }) {
  const { transfer, timeSplit, timeline, advice } = view
  const engineNames = useMemo(() => new Map(view.engines.map(({ id, name }) => [id, name])), [view.engines])
  const points = useMemo<ThroughputPoint[]>(
    () =>
      stepRates(view.samples, view.stepMs).map(({ at, source, bucket, cache }) => ({
        at: at.getTime(),
        sourceBytesPerSecond: source,
        bucketBytesPerSecond: bucket,
        cacheBytesPerSecond: cache,
      })),
    [view.samples, view.stepMs],
  )
  const marks = useMemo<ChartMark[]>(
    () => [
      ...view.samples
        .filter(({ retries }) => retries > 0)
        .map(({ at, retries }) => ({
          at: at.getTime(),
          kind: 'retry' as const,
          label: retries === 1 ? '1 retry' : `${retries} retries`,
        })),
      ...view.events
        .filter((event) => event.code === 'paused')
        .map((event) => ({ at: event.at.getTime(), kind: 'pause' as const, label: event.message })),
    ],
    [view.samples, view.events],
  )
  const drawn = isTerminal(transfer.status) ? pointsOfEnded(points) : points
  const hasMoved = movingMs(timeSplit) > 0
  const explained = [...new Set(advice.map(({ explainedAt }) => explainedAt))]
  return (
    <article className="mx-auto grid w-full min-w-0 max-w-[60rem] grid-cols-[minmax(0,1fr)] gap-9 px-4 py-6 md:px-8 md:py-9 print:max-w-none print:gap-7 print:p-0">
      <ReportHead actions={actions} view={view} />
      <Section title="Throughput">
        <div className="pt-3">
          <ThroughputChart
            emptyText={
              drawn.length === 1 ? 'It was over within a second; a curve begins with the second one.' : emptyText(view)
            }
            height={250}
            limitBytesPerSecond={transfer.bandwidthLimitBytesPerSecond}
            marks={marks}
            points={drawn.length === 1 ? [] : drawn}
            timeAxis="elapsed"
          />
          {view.samples.length > 0 && <SamplesTable samples={view.samples} stepMs={view.stepMs} />}
        </div>
      </Section>
      {timeSplit.totalMs > 0 && hasMoved && (
        <Section className="break-inside-avoid" title="Where the time went">
          <div className="pt-3">
            <TimeBar split={timeSplit} />
          </div>
        </Section>
      )}
      <Section title="What would change it">
        <AdviceList advice={advice} />
      </Section>
      {timeline.parts > 0 && (
        <Section className="break-inside-avoid" title="Parts over time">
          <div className="pt-2">
            <PartTimelineChart
              engineNames={engineNames}
              startMs={transfer.startedAt?.getTime() ?? timeline.fromMs}
              timeline={timeline}
            />
          </div>
        </Section>
      )}
      <ReportFigures view={view} />
      <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2">
        <Section className="min-w-0 break-inside-avoid" title="Proof">
          {transfer.verification ? (
            <VerificationPanel transfer={transfer} verification={transfer.verification} />
          ) : (
            <p className="py-3 text-muted-foreground">Nothing was proven: there is no object yet.</p>
          )}
        </Section>
        {view.slowestParts.length > 1 && (
          <SlowestParts engineNames={engineNames} parts={view.slowestParts} shown={transfer.partsDone} />
        )}
      </div>
      <Section title="Events">
        <EventList engineNames={engineNames} events={view.events} />
      </Section>
      <Section className="break-inside-avoid" title="How to read this">
        <Explanations ids={explained} />
      </Section>
    </article>
  )
}

function emptyText({ transfer }: ReportView): string {
  if (transfer.transferredBytes > 0) return 'No samples of it were kept.'
  return isTerminal(transfer.status) ? 'No byte moved, so there is no curve.' : 'The curve begins with the first byte.'
}

function ReportHead({ view, actions }: { view: ReportView; actions?: ReactNode }) {
  const { transfer, figures, sentences } = view
  const hydrated = useNow() !== null
  const [result = '', ...rest] = sentences
  const when = transfer.finishedAt ?? transfer.startedAt ?? transfer.createdAt
  return (
    <header className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
      <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-1">
        <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
          <h1 className="min-w-0 flex-1 basis-60 truncate font-medium text-base" title={transfer.name}>
            {transfer.name}
          </h1>
          <div className="flex shrink-0 flex-wrap gap-2 print:hidden">{actions}</div>
        </div>
        <p className="flex min-w-0 flex-wrap items-center gap-x-1.5 text-muted-foreground">
          <TransferStatus cancelling={transfer.cancelling} className="text-foreground" status={transfer.status} />
          <span aria-hidden>·</span>
          <span className="min-w-0 break-all">{transfer.sourceHost}</span>
          <ArrowRight aria-label="into" className="size-3.5 shrink-0" />
          <span className="min-w-0 break-all">
            {transfer.bucketName}/{transfer.key}
          </span>
          <span aria-hidden>·</span>
          <time className="whitespace-nowrap" dateTime={when.toISOString()}>
            {hydrated ? formatMoment(when) : when.toISOString().slice(0, 10)}
          </time>
        </p>
      </div>
      <div className="grid max-w-[46rem] grid-cols-[minmax(0,1fr)] gap-2 break-words">
        <p className="text-pretty font-medium text-xl tracking-tight">{result}</p>
        {rest.length > 0 && <p className="text-pretty text-base text-muted-foreground">{rest.join(' ')}</p>}
      </div>
      <dl className="grid grid-cols-2 border-y sm:grid-cols-5 sm:divide-x [&>div]:py-2.5 sm:[&>div]:px-4 sm:[&>div:first-child]:pl-0 sm:[&>div:last-child]:pr-0">
        <Headline name="Average">
          <Rate bytesPerSecond={figures.averageBytesPerSecond} />
        </Headline>
        <Headline name="Peak">
          <Rate bytesPerSecond={figures.peakSourceBytesPerSecond || null} />
        </Headline>
        <Headline name="First byte">
          <Millis ms={transfer.metrics.timeToFirstByteMs} />
        </Headline>
        <Headline name="Parts">
          {transfer.partsTotal === null ? (
            <Quantity value={null} />
          ) : (
            <>
              <Quantity value={transfer.partsTotal} /> <span className="text-dim">of</span>{' '}
              <Bytes bytes={transfer.partSizeBytes} />
            </>
          )}
        </Headline>
        <Headline name="Tried again">
          <Quantity
            value={transfer.metrics.activeMs > 0 ? transfer.metrics.sourceRetries + transfer.metrics.partRetries : null}
          />
        </Headline>
      </dl>
    </header>
  )
}

function Headline({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-muted-foreground text-xs">{name}</dt>
      <dd className="whitespace-nowrap text-base">{children}</dd>
    </div>
  )
}
