import { type CompareRow, compareRows, type FigureForm } from '../../../server/domain/report/compare-rows.ts'
import { runLetter } from '../../../server/domain/report/compare-story.ts'
import type { ComparedRun } from '../../../server/domain/report.ts'
import { cn } from '../ui/cn.ts'
import { Bytes, Duration, Quantity, Rate } from '../ui/quantity.tsx'
import { changeText } from './change-text.ts'
import { Millis } from './report-figures.tsx'

/** Every figure of every run, with its change against the first: an arrow for the direction, a word for what it means. */
export function CompareTable({ runs }: { runs: readonly ComparedRun[] }) {
  const rows = compareRows(runs).filter((row) => row.values.some((value) => value !== null))
  const many = runs.length > 3
  return (
    <div className="overflow-x-auto print:overflow-visible">
      <table className="w-full text-right" style={{ minWidth: `${6 + runs.length * 7}rem` }}>
        <thead>
          <tr className="border-b [&>th]:h-8 [&>th]:font-medium">
            <th className="sticky left-0 bg-background print:static text-left" scope="col">
              <span className="sr-only">Figure</span>
            </th>
            {runs.map((run, index) => (
              <th className="pl-4" key={run.transfer.id} scope="col" title={run.transfer.name}>
                {runLetter(index)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr className="border-b align-top last:border-b-0 [&>td]:pl-4 [&>*]:py-1.5" key={row.name}>
              <th
                className="sticky left-0 bg-background print:static pr-2 text-left font-normal text-muted-foreground"
                scope="row"
              >
                {row.name}
              </th>
              {row.values.map((value, index) => (
                <td key={runs[index]?.transfer.id}>
                  <div className={many ? undefined : 'md:flex md:items-baseline md:justify-end md:gap-3'}>
                    <Figure form={row.form} value={value} />
                    {index > 0 && <Change change={row.changes[index] ?? null} form={row.form} many={many} />}
                  </div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const TONES = { better: 'text-success', worse: 'text-destructive', same: 'text-dim' } as const

function Change(props: { change: CompareRow['changes'][number]; form: FigureForm; many: boolean }) {
  const { change, form, many } = props
  const text = change ? changeText(change.share, form) : ''
  return (
    <div
      className={cn(
        'num min-h-4 shrink-0 whitespace-nowrap text-right text-xs',
        !many && 'md:w-[16ch]',
        change && TONES[change.verdict],
      )}
    >
      {text}
      {change && change.verdict !== 'same' && ` ${change.verdict}`}
    </div>
  )
}

function Figure({ form, value }: { form: FigureForm; value: number | null }) {
  if (form === 'rate') return <Rate bytesPerSecond={value} />
  if (form === 'bytes') return <Bytes bytes={value} />
  if (form === 'percent') return <Quantity unit="%" value={value === null ? null : Math.round(value * 100)} />
  if (form === 'count') return <Quantity value={value} />
  return value !== null && value >= 60 ? (
    <Duration seconds={value} />
  ) : (
    <Millis ms={value === null ? null : value * 1000} />
  )
}
