import type { ComparedRun } from '../report.ts'
import { type LIMIT_KINDS, movingMs } from './time-split.ts'

export type FigureForm = 'rate' | 'bytes' | 'seconds' | 'count' | 'percent'

/** One figure of all runs. `change` is against the first, as a share: 0.5 is half as much again. */
export interface CompareRow {
  name: string
  form: FigureForm
  values: (number | null)[]
  changes: ({ share: number; verdict: 'better' | 'worse' | 'same' } | null)[]
}

/** Less than this is what the same work differs by from run to run. */
const NOTABLE_SHARE = 0.02

type Wanted = 'more' | 'less' | 'either'

const share = (run: ComparedRun, kinds: readonly (typeof LIMIT_KINDS)[number][]) => {
  const moving = movingMs(run.timeSplit) - run.timeSplit.ms.unknown
  return moving > 0 ? kinds.reduce((sum, kind) => sum + run.timeSplit.ms[kind], 0) / moving : null
}
const measured = (run: ComparedRun, value: number) => (run.transfer.metrics.activeMs > 0 ? value : null)

const FIGURES: readonly [
  name: string,
  form: FigureForm,
  wanted: Wanted,
  readValue: (run: ComparedRun) => number | null,
][] = [
  ['Average', 'rate', 'more', (run) => run.figures.averageBytesPerSecond],
  ['Peak from the source', 'rate', 'more', (run) => run.figures.peakSourceBytesPerSecond],
  ['Peak into the bucket', 'rate', 'more', (run) => run.figures.peakBytesPerSecond],
  ['Took', 'seconds', 'less', (run) => run.figures.durationSeconds],
  ['Time to first byte', 'seconds', 'less', ({ transfer }) => thousandth(transfer.metrics.timeToFirstByteMs)],
  ['Size', 'bytes', 'either', ({ transfer }) => transfer.sizeBytes],
  ['The source was the limit', 'percent', 'either', (run) => share(run, ['source'])],
  ['The bucket was the limit', 'percent', 'either', (run) => share(run, ['bucket'])],
  ['We were the limit', 'percent', 'less', (run) => share(run, ['memory', 'processor'])],
  ['Paused in all', 'seconds', 'less', (run) => thousandth(measured(run, run.transfer.metrics.pausedMs))],
  ['Active time', 'percent', 'more', (run) => measured(run, run.transfer.metrics.activePercent / 100)],
  ['Most bytes held', 'bytes', 'less', (run) => measured(run, run.transfer.metrics.peakBufferedBytes)],
  ['Most read lanes', 'count', 'either', ({ transfer }) => transfer.metrics.peakReadLanes || null],
  ['Most upload lanes', 'count', 'either', ({ transfer }) => transfer.metrics.peakUploadLanes || null],
  ['Part size', 'bytes', 'either', ({ transfer }) => transfer.partSizeBytes],
  ['Median part', 'seconds', 'less', (run) => run.figures.medianPartSeconds],
  ['Slowest part', 'seconds', 'less', (run) => run.figures.slowestPartSeconds],
  ['Requests to the source', 'count', 'either', (run) => measured(run, run.transfer.metrics.sourceRequests)],
  ['Requests tried again', 'count', 'less', (run) => measured(run, run.transfer.metrics.sourceRetries)],
  ['Parts sent again', 'count', 'less', (run) => measured(run, run.transfer.metrics.partRetries)],
  ['Buffers made', 'count', 'less', (run) => measured(run, run.transfer.metrics.buffersAllocated)],
]

/** The figures of runs side by side, with their change against the first. A share changes by points, not by a share of itself. */
export function compareRows(runs: readonly ComparedRun[]): CompareRow[] {
  return FIGURES.map(([name, form, wanted, readValue]) => {
    const values = runs.map(readValue)
    const [base = null] = values
    return {
      name,
      form,
      values,
      changes: values.map((value, index) => (index === 0 ? null : changeOf(base, value, form, wanted))),
    }
  })
}

function changeOf(
  base: number | null,
  value: number | null,
  form: FigureForm,
  wanted: Wanted,
): CompareRow['changes'][number] {
  if (base === null || value === null) return null
  if (base === 0 && value === 0) return { share: 0, verdict: 'same' }
  if (form !== 'percent' && base === 0) return null
  const change = form === 'percent' ? value - base : (value - base) / base
  const isNotable = wanted !== 'either' && Math.abs(change) >= NOTABLE_SHARE
  const isBetter = wanted === 'more' ? change > 0 : change < 0
  return { share: change, verdict: isNotable ? (isBetter ? 'better' : 'worse') : 'same' }
}

const thousandth = (ms: number | null) => (ms === null ? null : ms / 1000)
