import type { BenchEngine } from '../../src/server/domain/bench-report.ts'
import { median } from '../statistics.ts'
import type { ScenarioResult } from './result.ts'
import { type Row, summarise } from './summarise.ts'

const COLUMNS: readonly { readonly title: string; readonly cell: (row: Row) => string }[] = [
  { title: 'who', cell: (row) => row.peer },
  { title: 'rounds', cell: (row) => String(row.rounds) },
  { title: 'wall s', cell: (row) => (row.isShorter ? '(rate)' : row.wallSeconds.toFixed(2)) },
  { title: '±', cell: (row) => `${Math.round(row.wallSpread * 100)} %` },
  { title: 'MiB/s', cell: (row) => row.mibPerSecond.toFixed(row.mibPerSecond < 20 ? 1 : 0) },
  { title: 'time × Sluice', cell: (row) => times(row.timesReference) },
  { title: 'CPU-s/GiB', cell: (row) => row.cpuSecondsPerGib.toFixed(2) },
  { title: 'CPU × Sluice', cell: (row) => times(row.cpuTimesReference) },
  { title: 'peak RSS MiB', cell: (row) => rss(row) },
  { title: 'source requests', cell: (row) => requests(row) },
  { title: 'store requests', cell: (row) => (row.storeRequests === null ? '' : String(row.storeRequests)) },
]

/** A scenario's medians as a table in Markdown, its columns aligned so that it reads in a terminal too. */
export function tableOf(result: ScenarioResult): string {
  const { count } = result.scenario.files
  const files = { title: 'files/s', cell: (row: Row) => (count / row.wallSeconds).toFixed(1) }
  const columns = count > 1 ? COLUMNS.toSpliced(5, 0, files) : COLUMNS
  const rows = summarise(result).map((row) => columns.map(({ cell }) => cell(row)))
  const titles = columns.map(({ title }) => title)
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => (cells[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  const notes = Object.entries(result.skipped).map(([peer, reason]) => `- without a result: ${peer}: ${reason}`)
  const { idealSeconds } = result.scenario
  if (idealSeconds !== null) notes.push(`- ideal, by the limits of the source: ${idealSeconds.toFixed(1)} s`)
  notes.push(...storeCpu(result), ...insides(result))
  const parts = [line(titles), rule, ...rows.map(line)]
  return [...parts, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')
}

/** What the store used beside each, which shares the machine with it: nobody can be faster than that leaves room for. */
function storeCpu({ runs }: ScenarioResult): string[] {
  const names = [...new Set(runs.filter(({ storeCpuSeconds }) => storeCpuSeconds !== null).map(({ peer }) => peer))]
  const words = names.map((name) => {
    const seconds = median(runs.flatMap((run) => (run.peer === name ? (run.storeCpuSeconds ?? []) : [])))
    return `${seconds?.toFixed(2)} (${name})`
  })
  return words.length === 0 ? [] : [`- CPU-s of the store: ${words.join(', ')}`]
}

/** What was seen inside the engines, by medians of the rounds. */
function insides({ runs }: ScenarioResult): string[] {
  const names = [...new Set(runs.filter(({ engine }) => engine).map(({ peer }) => peer))]
  return names.map((name) => {
    const engines = runs.flatMap(({ peer, engine }) => (peer === name && engine ? [engine] : []))
    const of = (figure: (engine: BenchEngine) => number | null) =>
      median(engines.flatMap((engine) => figure(engine) ?? []))
    const perSecond = of(({ databaseStatementsPerSecond }) => databaseStatementsPerSecond)
    const statements = `${of(({ databaseStatements }) => databaseStatements)} database statements`
    const steady = perSecond === null ? '' : `, ${perSecond} in the median second`
    const late = of(({ eventLoopP99Ms }) => eventLoopP99Ms) ?? 0
    const latest = of(({ eventLoopMaxMs }) => eventLoopMaxMs) ?? 0
    const quarters = engines.at(-1)?.rssQuartersBytes?.map((bytes) => (bytes / 1024 ** 2).toFixed(0)) ?? []
    const memory = quarters.length === 0 ? '' : `; ${quarters.join(', ')} MiB resident in the quarters of the last run`
    return `- inside ${name}: event loop late by ${late.toFixed(1)} ms (p99), ${latest.toFixed(0)} ms (worst); ${statements}${steady}${memory}`
  })
}

function times(factor: number | null): string {
  return factor === null ? '' : factor.toFixed(factor < 10 ? 2 : 1)
}

function rss(row: Row): string {
  // Programs that ended between two looks were never seen.
  if (row.peakRssMib === 0) return ''
  const peak = row.peakRssMib.toFixed(0)
  return row.idleRssMib === null ? peak : `${peak} (idle ${row.idleRssMib.toFixed(0)})`
}

function requests(row: Row): string {
  return row.refusedRequests > 0 ? `${row.sourceRequests} (${row.refusedRequests} refused)` : String(row.sourceRequests)
}
