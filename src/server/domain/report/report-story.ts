import { formatBytes, formatRate } from '../bytes.ts'
import { formatDuration, tookText } from '../duration.ts'
import type { RecordedReport } from './recorded-report.ts'
import type { ReportFigures } from './report-figures.ts'
import { LIMIT_KINDS, type LimitKind, limitVerdict, movingMs, type TimeSplit } from './time-split.ts'

/** So long a run has to move before the search for the right number of lanes has come to an end. */
const LANES_FOUND_MS = 20_000
/** The most read lanes an origin may have. */
const MOST_READ_LANES = 64

type Told = Pick<RecordedReport, 'transfer' | 'settings' | 'events' | 'samples'> & {
  figures: ReportFigures
  timeSplit: TimeSplit
}

/**
 * The story of a run in sentences: the result, who was slow, and what else is worth knowing. It says no more than what was
 * measured: where nobody can tell who was slow, that is the sentence.
 */
export function reportSentences(report: Told): string[] {
  const { transfer } = report
  if (transfer.warnings.some((warning) => warning.code === 'skipped_existing'))
    return ['The key was taken, and you chose to skip: nothing was moved.']
  if (transfer.status === 'completed' && transfer.sizeBytes === 0)
    return ['The file is empty: there was nothing to move.']
  const sentences = [resultSentence(report)]
  if (transfer.status === 'failed' && transfer.failure) sentences.push(transfer.failure.message)
  if (report.timeSplit.totalMs > 0 && transfer.transferredBytes > 0) sentences.push(limitSentence(report))
  sentences.push(...remarks(report))
  return sentences
}

/** What came of it: bytes, time, average. */
function resultSentence({ transfer, figures }: Told): string {
  const moved = formatBytes(transfer.transferredBytes)
  const ofAll = transfer.sizeBytes === null ? moved : `${moved} of ${formatBytes(transfer.sizeBytes)}`
  const seconds = figures.durationSeconds
  const took = seconds === null ? null : tookText(seconds * 1000)
  const average = figures.averageBytesPerSecond ? `${formatRate(figures.averageBytesPerSecond)} on average` : null
  switch (transfer.status) {
    case 'completed':
      return took === null || average === null ? `${moved} arrived.` : `${moved} in ${took}, ${average}.`
    case 'queued':
      return transfer.transferredBytes > 0 ? `${ofAll} so far; it waits to go on.` : 'It has not begun yet.'
    case 'failed':
    case 'cancelled': {
      const word = transfer.status === 'failed' ? 'Failed' : 'Cancelled'
      if (transfer.transferredBytes === 0)
        return figures.peakBytesPerSecond
          ? `${word}; nothing is in the bucket.`
          : `${word} before the first byte arrived.`
      return `${word} after ${ofAll}${took === null ? '' : ` in ${took}`}${average === null ? '' : `, ${average}`}.`
    }
    case 'paused':
      return transfer.transferredBytes === 0 ? 'Paused before the first byte arrived.' : `Paused at ${ofAll}.`
    default: {
      if (transfer.transferredBytes === 0) return 'It has begun; no byte has arrived yet.'
      const left = transfer.etaSeconds === null ? '' : `; about ${formatDuration(transfer.etaSeconds)} left`
      return `${ofAll} so far${took === null ? '' : ` in ${took}`}${average === null ? '' : `, ${average}`}${left}.`
    }
  }
}

/** Who was slow, for how much of the time, and what is known about mending it. */
function limitSentence(report: Told): string {
  const verdict = limitVerdict(report.timeSplit)
  switch (verdict.kind) {
    case 'unsampled':
      return 'No samples of it were kept, so nobody can tell who was slow.'
    case 'unmeasured':
      return 'Who was slow was not measured in this run.'
    case 'short':
      return 'It was too short to tell who was slow.'
    case 'mixed': {
      const { first, second } = verdict
      return `Nobody was slow alone: ${LIMIT_NAMES[first.kind]} held it up ${percent(first.share)} ${timeMeant(report.timeSplit)}, ${LIMIT_NAMES[second.kind]} ${percent(second.share)}.`
    }
    default:
      return `${clearSentence(report, verdict.kind, percent(verdict.share))}.`
  }
}

/** Who is meant, within a sentence. */
export const LIMIT_NAMES: Record<LimitKind, string> = {
  source: 'the source',
  bucket: 'the bucket',
  memory: 'the memory budget',
  processor: 'the processor of the engine',
  rate: 'the bandwidth limit',
}

function clearSentence({ transfer, settings, timeSplit }: Told, kind: LimitKind, share: string): string {
  const { metrics } = transfer
  const time = timeMeant(timeSplit)
  switch (kind) {
    case 'source': {
      const said = `The source was the limit ${share} ${time}`
      if (transfer.acceptsRanges === false) return `${said}: it has no ranges, so there is one stream and no more`
      const lanes = metrics.peakReadLanes
      if (settings.run === null || lanes === 0) return said
      if (settings.run.readLanes !== null)
        return `${said}, read with at most ${count(lanes, 'lane')}, a number that you fixed`
      if (movingMs(timeSplit) < LANES_FOUND_MS) return said
      if (lanes >= MOST_READ_LANES) return `${said}, with all ${MOST_READ_LANES} lanes that there are`
      return `${said}; it was read with up to ${count(lanes, 'lane')}, and more did not pay`
    }
    case 'bucket': {
      const said = `The bucket was the limit ${share} ${time}: bytes waited for it`
      if (metrics.pauses === 0) return said
      const times = metrics.pauses === 1 ? 'once' : `${metrics.pauses.toLocaleString('en-US')} times`
      return `${said}, and reading paused ${times}, ${tookText(metrics.pausedMs)} in all`
    }
    case 'memory':
      return `The memory budget was the limit ${share} ${time}: reading waited for room`
    case 'processor':
      return `The processor of the engine was the limit ${share} ${time}: it had none of it left over`
    case 'rate': {
      const limit = transfer.bandwidthLimitBytesPerSecond
      return `The bandwidth limit${limit === null ? '' : ` of ${formatRate(limit)}`} held it back ${share} ${time}`
    }
  }
}

/** Whether the source was read once more, for a checksum that you gave (decision 049). */
export function wasReadAgain(events: RecordedReport['events']): boolean {
  return events.some(({ code }) => code === 'reading_source_again')
}

/** Shares are of the time in which bytes moved; where that is not nearly all of it, it is said. */
function timeMeant(split: TimeSplit): string {
  return movingMs(split) >= 0.95 * split.totalMs ? 'of the time' : 'of the time that bytes moved'
}

/** What else took time or had to be done again. */
function remarks({ transfer, timeSplit, events, samples }: Told): string[] {
  const { ms, totalMs } = timeSplit
  const found: string[] = []
  const cacheBytes = samples.reduce((sum, sample) => sum + sample.cacheBytes, 0)
  if (cacheBytes > 0.01 * transfer.transferredBytes)
    found.push(
      `${formatBytes(cacheBytes)} of it had been read already, by another transfer of the same file: the source was not asked again.`,
    )
  if (ms.still > Math.max(5000, totalMs * 0.05)) {
    const paused = events.some((event) => event.code === 'paused')
    found.push(
      `It stood still for ${formatDuration(ms.still / 1000)}${paused ? ', paused for all or some of that' : ''}.`,
    )
  }
  const finishing = wasReadAgain(events)
    ? 'reading the source again for its checksum, completing and proving it'
    : 'completing and proving it'
  const around = ms.start + ms.finish
  if (transfer.status === 'completed' && totalMs > 0 && around > totalMs * 0.25)
    found.push(
      `${[
        ms.start >= 50 ? `${tookText(ms.start)} went by before the first byte` : '',
        ms.finish >= 50 ? `${tookText(ms.finish)} ${ms.start >= 50 ? '' : 'went by '}in ${finishing}` : '',
      ]
        .filter(Boolean)
        .join(', and ')}.`,
    )
  const { sourceRetries, partRetries } = transfer.metrics
  const again = [
    sourceRetries > 0 ? `${count(sourceRetries, 'request')} to the source` : '',
    partRetries > 0 ? `${count(partRetries, 'part')} to the bucket` : '',
  ].filter(Boolean)
  if (again.length > 0) {
    const verb = sourceRetries + partRetries === 1 ? 'was' : 'were'
    found.push(`${capital(again.join(' and '))} ${verb} tried again.`)
  }
  return found
}

/** A share as people read it: never 100 % where something else was there too. */
export function percent(share: number): string {
  if (share > 0.99 && share < 1) return '99 %'
  if (share > 0 && share < 0.01) return 'under 1 %'
  return `${Math.round(share * 100)} %`
}

const LIMIT_WORDS: Record<LimitKind, string> = {
  source: 'source',
  bucket: 'bucket',
  memory: 'memory',
  processor: 'processor',
  rate: 'limit',
}

/** Who was slow in two words, for lists and comparisons: `source 83 %`; null where it cannot be told. */
export function limitWords(split: TimeSplit): string | null {
  const verdict = limitVerdict(split)
  if ('first' in verdict) return `${LIMIT_WORDS[verdict.first.kind]} ${percent(verdict.first.share)}`
  const kind = LIMIT_KINDS.find((known) => known === verdict.kind)
  return kind && 'share' in verdict ? `${LIMIT_WORDS[kind]} ${percent(verdict.share)}` : null
}

const count = (value: number, noun: string) => `${value.toLocaleString('en-US')} ${noun}${value === 1 ? '' : 's'}`
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
