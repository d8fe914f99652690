'use client'

import Link from 'next/link'
import { type ReactNode, useMemo, useState } from 'react'
import { compareSentences, runLetter } from '../../../server/domain/report/compare-story.ts'
import { limitWords } from '../../../server/domain/report/report-story.ts'
import type { ComparedRun } from '../../../server/domain/report.ts'
import { CompareChart } from '../charts/compare-chart.tsx'
import { Section } from '../ui/section.tsx'
import { useNow } from '../ui/use-now.ts'
import { compareHref } from './compare-params.ts'
import { CompareTable } from './compare-table.tsx'
import { formatMoment } from './report-words.ts'
import { SegmentedChoice } from './segmented-choice.tsx'
import { TimeBar } from './time-bar.tsx'

/** What differs, in a sentence; the curves on one chart; where the time of each went; and every figure before and after. */
export function CompareArticle({ runs, actions }: { runs: readonly ComparedRun[]; actions?: ReactNode }) {
  const [of, setOf] = useState<'source' | 'bucket'>('source')
  const [by, setBy] = useState<'seconds' | 'share'>(() => (areAlikeLong(runs) ? 'seconds' : 'share'))
  const [result = '', ...rest] = compareSentences(runs)
  const curves = useMemo(
    () =>
      runs.map((run, index) => ({
        letter: runLetter(index),
        label: run.transfer.name,
        points: run.curve.map(([at, source, bucket]) => [at, of === 'source' ? source : bucket] as const),
      })),
    [runs, of],
  )
  return (
    <article className="mx-auto grid w-full min-w-0 max-w-[60rem] grid-cols-[minmax(0,1fr)] gap-9 px-4 py-6 md:px-8 md:py-9 print:max-w-none print:gap-7 print:p-0">
      <header className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
        <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
          <h1 className="font-medium text-base">{runs.length} runs side by side</h1>
          <div className="flex flex-wrap gap-2 print:hidden">{actions}</div>
        </div>
        <div className="grid max-w-[46rem] grid-cols-[minmax(0,1fr)] gap-2 break-words">
          <p className="text-pretty font-medium text-xl tracking-tight">{result}</p>
          {rest.length > 0 && <p className="text-pretty text-base text-muted-foreground">{rest.join(' ')}</p>}
        </div>
        <RunList runs={runs} />
      </header>
      <Section
        aside={
          <span className="flex gap-3 print:hidden">
            <SegmentedChoice
              label="Curve"
              onChange={setOf}
              options={[
                ['source', 'Source'],
                ['bucket', 'Bucket'],
              ]}
              value={of}
            />
            <SegmentedChoice
              label="Along"
              onChange={setBy}
              options={[
                ['seconds', 'Time'],
                ['share', 'Share'],
              ]}
              value={by}
            />
          </span>
        }
        className="break-inside-avoid"
        title={of === 'source' ? 'From the source' : 'Into the bucket'}
      >
        <div className="pt-3">
          <CompareChart
            by={by}
            curves={curves}
            height={280}
            of={of === 'source' ? 'Bytes from the source' : 'Bytes into the bucket'}
          />
        </div>
      </Section>
      <Section className="break-inside-avoid" title="Where the time went">
        <ul className="py-1">
          {runs.map((run, index) => (
            <li
              className="grid grid-cols-[1.25rem_minmax(0,1fr)_8rem] items-center gap-3 border-b py-2 last:border-b-0"
              key={run.transfer.id}
            >
              <span className="font-medium">{runLetter(index)}</span>
              {run.timeSplit.totalMs > 0 ? <TimeBar bare split={run.timeSplit} /> : <span className="text-dim">–</span>}
              <span className="num text-right text-muted-foreground">{limitWords(run.timeSplit) ?? '–'}</span>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Figures">
        <CompareTable runs={runs} />
      </Section>
    </article>
  )
}

/** Beside a run that took much longer a short one is a needle; then their shares are put on each other. */
function areAlikeLong(runs: readonly ComparedRun[]): boolean {
  const seconds = runs.flatMap(({ figures }) => figures.durationSeconds ?? [])
  return Math.max(...seconds) <= 8 * Math.min(...seconds)
}

/** The runs by their letters. The first is what the others are held against; any other can become that. */
function RunList({ runs }: { runs: readonly ComparedRun[] }) {
  const hydrated = useNow() !== null
  const ids = runs.map(({ transfer }) => transfer.id)
  return (
    <ol className="border-y">
      {runs.map(({ transfer }, index) => {
        const at = transfer.startedAt ?? transfer.createdAt
        return (
          <li
            className="grid grid-cols-[1.25rem_minmax(0,1fr)_auto] items-center gap-x-3 border-b py-1.5 last:border-b-0 sm:grid-cols-[1.25rem_minmax(0,1.3fr)_minmax(0,1fr)_auto_6.5rem]"
            key={transfer.id}
          >
            <span className="font-medium">{runLetter(index)}</span>
            <Link
              className="truncate underline-offset-4 hover:underline"
              href={`/transfers/${transfer.id}/report`}
              title={transfer.name}
            >
              {transfer.name}
            </Link>
            <span className="truncate text-muted-foreground max-sm:hidden">
              {transfer.sourceHost} → {transfer.bucketName}
            </span>
            <time className="whitespace-nowrap text-muted-foreground max-sm:hidden" dateTime={at.toISOString()}>
              {hydrated ? formatMoment(at) : at.toISOString().slice(0, 10)}
            </time>
            <span className="text-right">
              {index === 0 ? (
                <span className="text-dim">compared with</span>
              ) : (
                <Link
                  className="text-link underline-offset-4 hover:underline print:hidden"
                  href={compareHref([transfer.id, ...ids.filter((id) => id !== transfer.id)])}
                >
                  Make it A
                </Link>
              )}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
