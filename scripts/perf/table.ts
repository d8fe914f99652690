import { formatBytes, formatRate } from '../../src/server/domain/bytes.ts'
import type { PerfRun, PerfTransfer } from '../../src/server/domain/perf-run.ts'

const COLUMNS: readonly { readonly title: string; readonly cell: (of: PerfTransfer) => string }[] = [
  { title: 'file', cell: ({ name }) => name },
  { title: 'run', cell: ({ run }) => String(run) },
  { title: 'size', cell: ({ sizeBytes }) => (sizeBytes === null ? '' : formatBytes(sizeBytes)) },
  { title: 'seconds', cell: ({ durationSeconds }) => durationSeconds?.toFixed(1) ?? '' },
  { title: 'average', cell: ({ averageBytesPerSecond: rate }) => (rate === null ? '' : formatRate(rate)) },
  { title: 'peak', cell: ({ peakBytesPerSecond: rate }) => (rate === null ? '' : formatRate(rate)) },
  { title: 'first byte ms', cell: ({ metrics }) => String(metrics.timeToFirstByteMs ?? '') },
  { title: 'lanes in/out', cell: ({ metrics }) => `${metrics.peakReadLanes}/${metrics.peakUploadLanes}` },
  { title: 'buffers new/reused', cell: ({ metrics }) => `${metrics.buffersAllocated}/${metrics.bufferReuses}` },
  { title: 'pauses', cell: ({ metrics }) => `${metrics.pauses} (${metrics.averagePauseMs} ms)` },
  { title: 'active', cell: ({ metrics }) => `${metrics.activePercent.toFixed(0)} %` },
  { title: 'progress', cell: ({ metrics }) => `${metrics.progressUpdates}/${metrics.progressCalculations}` },
  { title: 'retries', cell: ({ metrics }) => String(metrics.sourceRetries + metrics.partRetries) },
  { title: 'result', cell: ({ status, verdict }) => (status === 'completed' ? (verdict ?? status) : status) },
]

/** The transfers of a run as a table for a terminal, and a line of medians for each file that was moved more than once. */
export function perfTable({ transfers }: Pick<PerfRun, 'transfers'>): string {
  const rows = transfers.map((transfer) => COLUMNS.map(({ cell }) => cell(transfer)))
  const titles = COLUMNS.map(({ title }) => title)
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => (cells[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
  return [line(titles), ...rows.map(line), ...medians(transfers)].join('\n')
}

function medians(transfers: readonly PerfTransfer[]): string[] {
  const byUrl = new Map<string, PerfTransfer[]>()
  for (const transfer of transfers.filter(({ status }) => status === 'completed'))
    byUrl.set(transfer.sourceUrl, [...(byUrl.get(transfer.sourceUrl) ?? []), transfer])
  return [...byUrl.values()]
    .filter((runs) => runs.length > 1)
    .map((runs) => {
      const rates = runs.map(({ averageBytesPerSecond }) => averageBytesPerSecond ?? 0).sort((a, b) => a - b)
      const middle = ((rates[(rates.length - 1) >> 1] ?? 0) + (rates[rates.length >> 1] ?? 0)) / 2
      return `${runs[0]?.name}: median ${formatRate(middle)} of ${runs.length} runs, ${formatRate(rates[0] ?? 0)} to ${formatRate(rates.at(-1) ?? 0)}`
    })
}
