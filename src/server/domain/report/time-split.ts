import type { Sample } from '../sample.ts'
import type { TransferView } from '../transfer.ts'

/**
 * Where a run's time may go. `start`: probe and plan, before the first byte. `source` to `rate`: bytes moved, and this was the
 * limit. `still`: nothing moved. `finish`: reading the source again, completing and proving. `unknown`: bytes moved, and nobody measured who was slow.
 */
export const TIME_KINDS = [
  'start',
  'source',
  'bucket',
  'memory',
  'processor',
  'rate',
  'unknown',
  'still',
  'finish',
] as const
export type TimeKind = (typeof TIME_KINDS)[number]
/** Those of them in which bytes moved and it is known who was slow. */
export const LIMIT_KINDS = ['source', 'bucket', 'memory', 'processor', 'rate'] as const
export type LimitKind = (typeof LIMIT_KINDS)[number]

/** Milliseconds by kind; they add up to `totalMs`. */
export interface TimeSplit {
  totalMs: number
  ms: Record<TimeKind, number>
}

/** Whom a run waited for most. `share` is of the time in which bytes moved. */
export type LimitVerdict =
  | { kind: LimitKind; share: number }
  | { kind: 'mixed'; first: { kind: LimitKind; share: number }; second: { kind: LimitKind; share: number } }
  | { kind: 'short' | 'unmeasured' | 'unsampled' }

/** A sample is written at the end of its second, so its time lies before it. */
const SAMPLE_LAG_MS = 1000
/** A gap up to this is the rounding of samples to whole seconds. */
const ROUNDING_MS = 1500
/** Under this the seconds that were sampled are too few to say who was slow. */
const SHORTEST_TOLD_MS = 2500
/** Whoever has this share was the limit; under it nobody was it alone. */
const CLEAR_SHARE = 0.6

type Timed = Pick<TransferView, 'status' | 'startedAt' | 'finishedAt' | 'partsDone' | 'partsTotal'>

/**
 * How many of the samples are of bytes on their way to the bucket: what comes after them, once all parts are there, is the second read of the
 * source (decision 049), and no part of how fast the transfer was.
 */
export function movedSamples(
  { partsDone, partsTotal }: Pick<Timed, 'partsDone' | 'partsTotal'>,
  samples: readonly Sample[],
): number {
  if (partsTotal === null || partsDone < partsTotal) return samples.length
  return samples.findLastIndex(({ bucketBytes, uploadLanes }) => bucketBytes > 0 || uploadLanes > 0) + 1
}

/** Where the time of a run went, from its start to its end (or to its last sample, where it has not ended). */
export function splitTime(transfer: Timed, samples: readonly Sample[], stepMs: number): TimeSplit {
  const ms = Object.fromEntries(TIME_KINDS.map((kind) => [kind, 0])) as Record<TimeKind, number>
  const startMs = transfer.startedAt?.getTime()
  if (startMs === undefined) return { totalMs: 0, ms }
  const endMs = transfer.finishedAt?.getTime() ?? Number.POSITIVE_INFINITY
  let cursor = startMs
  let hasMoved = false
  const moved = movedSamples(transfer, samples)
  for (const [index, sample] of samples.entries()) {
    const step = sampledStretch(sample, stepMs, index === 0, index === samples.length - 1)
    const from = Math.max(cursor, Math.min(endMs, step.from))
    const to = Math.max(from, Math.min(endMs, step.to))
    const gapMs = from - cursor
    const isRounding = hasMoved && gapMs <= ROUNDING_MS
    if (!isRounding) ms[hasMoved ? 'still' : 'start'] += gapMs
    const isWhole = stepMs <= SAMPLE_LAG_MS || index === 0 || index === samples.length - 1
    if (index >= moved) ms.finish += to - (isRounding ? cursor : from)
    else addStep(ms, sample, to - (isRounding ? cursor : from), isWhole ? 1 : (sample.measuredMs ?? stepMs) / stepMs)
    cursor = to
    hasMoved = true
  }
  if (Number.isFinite(endMs)) ms[finalKind(transfer, hasMoved, endMs - cursor)] += Math.max(0, endMs - cursor)
  return { totalMs: TIME_KINDS.reduce((sum, kind) => sum + ms[kind], 0), ms }
}

/** The time a step covers, [from, to) in milliseconds. Of the first the end was sampled, of the last the beginning. */
function sampledStretch(
  sample: Sample,
  stepMs: number,
  isFirst: boolean,
  isLast: boolean,
): { from: number; to: number } {
  const from = sample.at.getTime() - SAMPLE_LAG_MS
  const to = from + stepMs
  const sampledMs = Math.min(stepMs, sample.measuredMs ?? stepMs)
  if (isFirst && !isLast) return { from: to - sampledMs, to }
  return isLast ? { from, to: from + sampledMs } : { from, to }
}

function finalKind({ status }: Timed, hasMoved: boolean, restMs: number): TimeKind {
  if (status === 'completed') return hasMoved ? 'finish' : 'start'
  return hasMoved && restMs > ROUNDING_MS ? 'still' : hasMoved ? 'finish' : 'start'
}

/** Gives the time of one step to whoever held it up. A long step may have been sampled in part only: then the rest stood still. */
function addStep(ms: Record<TimeKind, number>, sample: Sample, lengthMs: number, sampledShare: number): void {
  const movingMs = sampledShare > 0.9 ? lengthMs : lengthMs * sampledShare
  ms.still += lengthMs - movingMs
  if (sample.bucketLimitMs == null) {
    ms.unknown += movingMs
    return
  }
  const limits: [LimitKind, number][] = [
    ['bucket', sample.bucketLimitMs],
    ['memory', sample.memoryLimitMs ?? 0],
    ['processor', sample.processorLimitMs ?? 0],
    ['rate', sample.rateLimitMs ?? 0],
  ]
  const measuredMs = Math.max(
    1,
    sample.measuredMs ?? lengthMs,
    limits.reduce((sum, [, part]) => sum + part, 0),
  )
  let restMs = movingMs
  for (const [kind, partMs] of limits) {
    const share = (movingMs * partMs) / measuredMs
    ms[kind] += share
    restMs -= share
  }
  ms.source += Math.max(0, restMs)
}

/** Time in which bytes moved, whoever was slow. */
export function movingMs({ ms }: TimeSplit): number {
  return LIMIT_KINDS.reduce((sum, kind) => sum + ms[kind], ms.unknown)
}

/** Who was slow, and when that cannot be told, why not. */
export function limitVerdict(split: TimeSplit): LimitVerdict {
  const moving = movingMs(split)
  if (moving === 0) return { kind: 'unsampled' }
  const known = moving - split.ms.unknown
  if (known < moving / 2) return { kind: 'unmeasured' }
  if (known < SHORTEST_TOLD_MS) return { kind: 'short' }
  const [first, second] = LIMIT_KINDS.map((kind) => ({ kind, share: split.ms[kind] / known })).sort(
    (a, b) => b.share - a.share,
  )
  if (!first || !second) return { kind: 'unsampled' }
  return first.share >= CLEAR_SHARE ? first : { kind: 'mixed', first, second }
}
