import {
  EMPTY_SECTION,
  TABLE_REPORT_FORMAT,
  type TableReport,
  type TableSection,
} from '../../src/server/domain/table-report.ts'
import { type RangeResult, showFigure } from './range-bench.ts'

/** Where more is better; of everything else less is. */
const MORE_IS_BETTER = new Set(['requests/s', 'MiB/s'])

/** Results in the form the dashboard opens (Reports, Open a file), with the figures behind it. */
export function rangeReport(
  results: readonly RangeResult[],
  options: { readonly rounds: number; readonly seconds: number },
): TableReport & { format: typeof TABLE_REPORT_FORMAT; version: 1; results: readonly RangeResult[] } {
  const names = results.map(({ name }) => name).join(', ')
  return {
    format: TABLE_REPORT_FORMAT,
    version: 1,
    kind: 'npm run bench -- range',
    title: 'Serving ranges',
    sentences: [summary(results), `Scenarios: ${names || 'none'}.`],
    facts: [
      { name: 'Rounds', value: String(options.rounds) },
      { name: 'Seconds of each load', value: String(options.seconds) },
    ],
    sections: results.map(sectionOf),
    results,
  }
}

function summary(results: readonly RangeResult[]): string {
  const errors = results.flatMap(({ rows }) => rows.filter(({ subject }) => subject === 'sluice'))
  const count = errors.reduce((sum, { figures }) => sum + (figures.errors ?? 0), 0)
  const said = count === 0 ? 'no errors' : count === 1 ? 'one error' : `${showFigure(count)} errors`
  return `Sluice served ${results.length === 1 ? 'one scenario' : `${results.length} scenarios`} with ${said}.`
}

function sectionOf({ name, shows, rows, skipped }: RangeResult): TableSection {
  const titles = Object.keys(rows[0]?.figures ?? {})
  const [first] = titles
  const most = Math.max(...rows.map(({ figures }) => figures[first ?? ''] ?? 0), Number.MIN_VALUE)
  return {
    ...EMPTY_SECTION,
    title: name,
    sentences: [shows],
    bars: rows.map(({ subject, figures }) => ({
      label: subject,
      share: Math.min(1, Math.max(0, (figures[first ?? ''] ?? 0) / most)),
      text: `${showFigure(figures[first ?? ''] ?? 0)} ${first ?? ''}${first && !MORE_IS_BETTER.has(first) ? ' (less is better)' : ''}`,
      isOurs: subject === 'sluice',
    })),
    columns: [{ title: 'Who', isText: true }, ...titles.map((title) => ({ title }))],
    rows: rows.map(({ subject, figures }) => [subject, ...titles.map((title) => showFigure(figures[title] ?? 0))]),
    notes: Object.entries(skipped).map(([subject, reason]) => `Without a result: ${subject}: ${reason}`),
  }
}
