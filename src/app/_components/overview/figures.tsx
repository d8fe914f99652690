import Link from 'next/link'
import type { ReactNode } from 'react'
import { splitBytes } from '../../../server/domain/bytes.ts'
import type { EngineView, SystemHealth } from '../../../server/domain/engine.ts'
import { hitPercent } from '../origins/origin-words.ts'
import { cn } from '../ui/cn.ts'
import { readerAnswers } from './reader-answers.ts'

/** The numbers under the chart: four, and how much of what readers asked for the cache had, where any have asked. */
export function Figures({ health, engines }: { health: SystemHealth | undefined; engines: readonly EngineView[] }) {
  const hits = hitPercent(readerAnswers(engines))
  const moved = splitBytes(health?.movedTodayBytes ?? 0)
  const rate = health?.successRateToday
  const down = health && health.enginesHealthy < Math.max(1, health.enginesTotal)
  return (
    <dl className={cn('grid grid-cols-2 border-y', hits === null ? 'md:grid-cols-4' : 'md:grid-cols-5')}>
      <Figure name="Moved today" note="since midnight UTC">
        {health ? moved.value : '–'}
        <Unit>{health ? moved.unit : ''}</Unit>
      </Figure>
      <Figure
        name="Success today"
        note={rate === null ? 'nothing has ended yet' : 'of transfers that ended'}
        className="border-l"
      >
        {rate === null || rate === undefined ? '–' : formatShare(rate)}
        <Unit>{rate === null || rate === undefined ? '' : '%'}</Unit>
      </Figure>
      <Figure
        name="Waiting"
        note={
          <Link href="/transfers?status=queued" className="hover:text-foreground">
            for an engine or their time
          </Link>
        }
        className="max-md:border-t md:border-l"
      >
        {health ? health.queued.toLocaleString('en-US') : '–'}
      </Figure>
      <Figure
        name="Engines healthy"
        note={
          <Link href="/engines" className={cn('hover:text-foreground', down && 'text-destructive')}>
            {health ? health.message : ''}
          </Link>
        }
        className="border-l max-md:border-t"
      >
        {health ? health.enginesHealthy : '–'}
        <Unit>{health ? `of ${Math.max(health.enginesTotal, health.enginesHealthy)}` : ''}</Unit>
      </Figure>
      {hits !== null && (
        <Figure
          name="From the cache"
          note={
            <Link href="/cache" className="hover:text-foreground">
              of answers to readers
            </Link>
          }
          className="max-md:border-t max-md:pl-0 md:border-l"
        >
          {hits}
          <Unit>%</Unit>
        </Figure>
      )}
    </dl>
  )
}

/** 99.97 % is not 100 %: what is below the whole is rounded down. */
function formatShare(share: number): string {
  if (share === 1 || share === 0) return String(share * 100)
  return (Math.floor(share * 1000) / 10).toFixed(1)
}

function Unit({ children }: { children: ReactNode }) {
  return <span className="ml-1.5 text-dim text-sm tracking-normal">{children}</span>
}

function Figure(props: { name: string; note: ReactNode; className?: string; children: ReactNode }) {
  return (
    <div className={cn('min-w-0 px-4 py-3 first:pl-0 max-md:[&:nth-child(3)]:pl-0', props.className)}>
      <dt className="text-muted-foreground">{props.name}</dt>
      <dd className="mt-0.5 whitespace-nowrap text-xl tabular-nums tracking-tight">{props.children}</dd>
      <dd className="text-dim text-xs">{props.note || '\u00a0'}</dd>
    </div>
  )
}
