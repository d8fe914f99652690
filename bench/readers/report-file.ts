import type { z } from 'zod'
import { formatBytes, formatRate, MIB } from '../../src/server/domain/bytes.ts'
import { TABLE_REPORT_FORMAT, type tableReportFileSchema } from '../../src/server/domain/table-report.ts'
import type { Percentiles } from './crowd.ts'
import type { PhaseResult, Target } from './report-page.ts'

/** The same as report-page.ts in the form the dashboard opens (Reports, Open a file). */
export function readersFile(
  phases: readonly PhaseResult[],
  targets: readonly Target[],
  seed: number,
): z.input<typeof tableReportFileSchema> {
  const requests = phases.reduce((sum, phase) => sum + phase.requests, 0)
  const errors = phases.reduce((sum, phase) => sum + phase.errors, 0)
  const met = targets.filter(({ isMet }) => isMet).length
  const rates = phases.map((phase) => phase.bytes / Math.max(1, phase.seconds))
  const most = Math.max(1, ...rates)
  return {
    format: TABLE_REPORT_FORMAT,
    version: 1,
    kind: 'npm run stress -- readers',
    title: 'Readers under load',
    sentences: [
      `${requests.toLocaleString('en-US')} requests with ${errors === 1 ? 'one error' : `${errors.toLocaleString('en-US')} errors`}; ${met} of ${targets.length} targets were met.`,
    ],
    facts: [{ name: 'Seed', value: String(seed) }],
    sections: [
      {
        title: 'Phases',
        bars: phases.map((phase, index) => ({
          label: phase.name,
          share: (rates[index] ?? 0) / most,
          text: formatRate(rates[index] ?? 0),
          isOurs: true,
        })),
        columns: [
          { title: 'Phase', isText: true },
          ...[
            'Readers',
            'Time',
            'Requests',
            'Errors',
            'Hits',
            'One beside, ms',
            'Cached, ms',
            'Origin, ms',
            'Readers late, ms',
            'Peak memory',
          ].map((title) => ({
            title,
          })),
        ],
        rows: phases.map((phase) => [
          phase.name,
          String(phase.readers),
          `${phase.seconds} s`,
          phase.requests.toLocaleString('en-US'),
          phase.errors.toLocaleString('en-US'),
          `${((phase.hits / Math.max(1, phase.requests)) * 100).toFixed(1)} %`,
          quantiles(phase.beside.firstByteMs),
          quantiles(phase.cachedMs),
          quantiles(phase.originMs),
          quantiles(phase.lateMs),
          formatBytes(phase.peakRssMib * MIB),
        ]),
        notes: [
          'Times are to the first byte: p50 / p95 / p99. Source, server and readers shared one machine.',
          'One beside is a reader of cached 64 KiB ranges with an event loop of its own. The others share one; "readers late" is how late that was, and none of it is the server\'s.',
        ],
      },
      {
        title: 'Targets',
        columns: [{ title: 'What', isText: true }, { title: 'Wanted' }, { title: 'Seen' }, { title: 'Result' }],
        rows: targets.map(({ what, wanted, seen, isMet }) => [what, wanted, seen, isMet ? 'met' : 'not met']),
      },
    ],
  }
}

const quantiles = ({ p50, p95, p99 }: Percentiles) => [p50, p95, p99].map((ms) => ms.toFixed(1)).join(' / ')
