'use client'

import type { ReactNode } from 'react'
import { runLetter } from '../../../../server/domain/report/compare-story.ts'
import type { TableReport, TableSection } from '../../../../server/domain/table-report.ts'
import { CompareChart } from '../../charts/compare-chart.tsx'
import { cn } from '../../ui/cn.ts'
import { Section } from '../../ui/section.tsx'
import { Fact } from '../fact-list.tsx'

/** A perf run, a bench, or any other file of words, bars and tables. */
export function TableReportArticle({ report, actions }: { report: TableReport; actions?: ReactNode }) {
  const [result = '', ...rest] = report.sentences
  return (
    <article className="mx-auto grid w-full min-w-0 max-w-[60rem] grid-cols-[minmax(0,1fr)] gap-9 px-4 py-6 md:px-8 md:py-9 print:max-w-none print:gap-7 print:p-0">
      <header className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
        <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
          <h1 className="min-w-0 flex-1 basis-60 truncate font-medium text-base">
            {report.title} <span className="font-normal text-muted-foreground">· {report.kind}</span>
          </h1>
          <div className="flex shrink-0 gap-2 print:hidden">{actions}</div>
        </div>
        <div className="grid max-w-[46rem] grid-cols-[minmax(0,1fr)] gap-2 break-words">
          <p className="text-pretty font-medium text-xl tracking-tight">{result}</p>
          {rest.length > 0 && <p className="text-pretty text-base text-muted-foreground">{rest.join(' ')}</p>}
        </div>
        <dl className="max-w-[46rem] border-y py-1">
          {report.facts.map(({ name, value }) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
        </dl>
      </header>
      {report.sections.map((section) => (
        <ReportSection key={section.title} section={section} />
      ))}
    </article>
  )
}

function ReportSection({ section }: { section: TableSection }) {
  const curves = section.curves.map((curve, index) => ({ letter: runLetter(index), ...curve }))
  return (
    <Section className="min-w-0" title={section.title}>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4 pt-3">
        {section.sentences.filter(Boolean).map((sentence) => (
          <p className="max-w-[46rem] text-muted-foreground" key={sentence}>
            {sentence}
          </p>
        ))}
        {section.bars.length > 0 && (
          <ul className="grid break-inside-avoid gap-1">
            {section.bars.map((bar) => (
              <li
                className="grid grid-cols-[4.5rem_minmax(0,1fr)_6.5rem] sm:grid-cols-[9rem_minmax(0,1fr)_6.5rem] items-center gap-3"
                key={bar.label}
              >
                <span className={cn('truncate', bar.isOurs ? 'font-medium' : 'text-muted-foreground')}>
                  {bar.label}
                </span>
                <svg aria-hidden="true" className="block w-full" height="14">
                  <rect fill="var(--muted)" height="14" width="100%" />
                  <rect
                    fill={bar.isOurs ? 'var(--chart-source)' : 'var(--chart-limit)'}
                    height="14"
                    width={`${Math.max(0.3, bar.share * 100)}%`}
                  />
                </svg>
                <span className="num text-right">{bar.text}</span>
              </li>
            ))}
          </ul>
        )}
        {curves.length > 0 && <CompareChart by="seconds" curves={curves} height={200} of="Bytes from the source" />}
        {section.rows.length > 0 && (
          <div className="overflow-x-auto print:overflow-visible">
            <table className="w-full min-w-[40rem] text-right print:min-w-0">
              <thead className="text-muted-foreground text-xs">
                <tr className="border-b align-bottom [&>th]:py-1 [&>th]:pl-3 [&>th]:font-normal [&>th:first-child]:pl-0">
                  {section.columns.map(({ title, isText }) => (
                    <th className={isText ? 'text-left' : undefined} key={title} scope="col">
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {section.rows.map((row) => (
                  <tr
                    className="border-b last:border-b-0 [&>td]:h-7 [&>td]:whitespace-nowrap [&>td]:pl-3 [&>td:first-child]:pl-0"
                    key={row.join()}
                  >
                    {row.map((cell, column) => (
                      <td
                        className={section.columns[column]?.isText ? 'text-left' : 'num'}
                        key={section.columns[column]?.title}
                      >
                        {cell}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {section.notes.length > 0 && (
          <ul className="grid gap-0.5 break-words text-muted-foreground text-xs">
            {section.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        )}
      </div>
    </Section>
  )
}
