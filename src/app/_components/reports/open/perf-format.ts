import { formatBytes, formatRate } from '../../../../server/domain/bytes.ts'
import { tookText } from '../../../../server/domain/duration.ts'
import { type PerfRun, type PerfTransfer, perfRunSchema } from '../../../../server/domain/perf-run.ts'
import { EMPTY_SECTION, type TableReport, type TableSection } from '../../../../server/domain/table-report.ts'

export function isPerfFile(json: object): boolean {
  return 'kind' in json && json.kind === 'sluice-perf'
}

/** What `npm run perf` wrote. Throws a ZodError where it is damaged. */
export function readPerfFile(json: object): TableReport {
  const run = perfRunSchema.parse(json)
  const names = [...new Set(run.transfers.map(({ name }) => name))]
  const done = run.transfers.filter((one) => one.status === 'completed')
  const bytes = done.reduce((sum, one) => sum + (one.sizeBytes ?? 0), 0)
  const seconds = done.reduce((sum, one) => sum + (one.durationSeconds ?? 0), 0)
  return {
    kind: 'npm run perf',
    title: `${names.length === 1 ? (names[0] ?? 'A file') : `${names.length} files`} into ${run.settings.bucketName}`,
    sentences: [
      done.length === 0
        ? 'None of the transfers was completed.'
        : `${formatBytes(bytes)} in ${done.length === 1 ? 'one transfer' : `${done.length} transfers`}, ${seconds > 0 ? `${formatRate(bytes / seconds)} on average` : 'no time measured'}.`,
      ...(done.length < run.transfers.length
        ? [`${run.transfers.length - done.length} of ${run.transfers.length} were not completed.`]
        : []),
    ],
    facts: factsOf(run),
    sections: names.map((name) =>
      sectionOf(
        name,
        run.transfers.filter((one) => one.name === name),
      ),
    ),
  }
}

function factsOf({ machine, sluice, settings, startedAt }: PerfRun): TableReport['facts'] {
  return [
    { name: 'When', value: startedAt.slice(0, 16).replace('T', ' ') },
    {
      name: 'Sluice',
      value: `${sluice.version}, ${sluice.engines.length} engine${sluice.engines.length === 1 ? '' : 's'}`,
    },
    {
      name: 'Machine of the script',
      value: `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}`,
    },
    { name: 'Upload lanes', value: settings.lanes === null ? 'by the engine' : String(settings.lanes) },
    {
      name: 'Part size',
      value: settings.partSizeBytes === null ? 'by the engine' : formatBytes(settings.partSizeBytes),
    },
  ]
}

function sectionOf(name: string, runs: readonly PerfTransfer[]): TableSection {
  const rates = runs.map((one) => one.averageBytesPerSecond ?? 0)
  const most = Math.max(...rates, 1)
  return {
    ...EMPTY_SECTION,
    title: name,
    sentences: runs.length > 1 ? [spreadSentence(rates.filter((rate) => rate > 0))] : [],
    bars:
      runs.length > 1
        ? runs.map((one, index) => ({
            label: `run ${one.run}`,
            share: (rates[index] ?? 0) / most,
            text: one.averageBytesPerSecond === null ? one.status : formatRate(one.averageBytesPerSecond),
            isOurs: one.status === 'completed',
          }))
        : [],
    curves: runs
      .filter((one) => one.samples.length > 1)
      .map((one) => ({
        label: `run ${one.run}`,
        points: one.samples.map((sample) => [sample.seconds, (sample.sourceBytes * 1000) / one.stepMs]),
      })),
    columns: [
      { title: 'Run', isText: true },
      { title: 'State', isText: true },
      { title: 'Took' },
      { title: 'Average' },
      { title: 'Peak' },
      { title: 'First byte' },
      { title: 'Lanes' },
      { title: 'Held' },
      { title: 'Tried again' },
    ],
    rows: runs.map((one) => [
      String(one.run),
      one.failure ? one.failure.code : one.status,
      one.durationSeconds === null ? '–' : tookText(one.durationSeconds * 1000),
      rateText(one.averageBytesPerSecond),
      rateText(one.peakBytesPerSecond),
      one.metrics.timeToFirstByteMs === null ? '–' : `${one.metrics.timeToFirstByteMs} ms`,
      `${one.metrics.peakReadLanes} / ${one.metrics.peakUploadLanes}`,
      formatBytes(one.metrics.peakBufferedBytes),
      String(one.metrics.sourceRetries + one.metrics.partRetries),
    ]),
    notes: runs.flatMap((one) => (one.failure ? [`run ${one.run}: ${one.failure.message}`] : [])),
  }
}

function spreadSentence(rates: readonly number[]): string {
  if (rates.length < 2) return ''
  const sorted = [...rates].sort((a, b) => a - b)
  const median = sorted[sorted.length >> 1] ?? 0
  return `Median ${formatRate(median)}, between ${formatRate(sorted[0] ?? 0)} and ${formatRate(sorted.at(-1) ?? 0)}.`
}

const rateText = (rate: number | null) => (rate === null ? '–' : formatRate(rate))
