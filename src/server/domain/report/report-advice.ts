import { formatBytes, formatRate } from '../bytes.ts'
import { tookText } from '../duration.ts'
import type { RecordedReport } from './recorded-report.ts'
import { percent, wasReadAgain } from './report-story.ts'
import { LIMIT_KINDS, limitVerdict, movingMs, type TimeSplit } from './time-split.ts'

/** What an advice is about, by product.md A16. */
export type AdviceAbout = 'throughput' | 'memory' | 'backpressure' | 'parts' | 'failure'

/** A likely cause, what would change it, and where that is explained. */
export interface ReportAdvice {
  about: AdviceAbout
  cause: string
  /** What to do; names of settings as they are written in an environment. */
  remedy: string
  /** The settings that the remedy names, to be shown as such. */
  settings: string[]
  /** A heading of docs/reports.md. */
  explainedAt: AdviceHeading
}

/** Headings of docs/reports.md that advice leads to. */
export const ADVICE_HEADINGS = [
  'the-source-was-the-limit',
  'the-bucket-was-the-limit',
  'the-memory-budget-was-the-limit',
  'the-processor-was-the-limit',
  'the-bandwidth-limit-was-the-limit',
  'reading-paused-often',
  'parts-failed',
  'requests-to-the-source-failed',
  'it-stood-still',
  'the-source-was-read-again',
  'short-transfers',
  'it-failed',
] as const
export type AdviceHeading = (typeof ADVICE_HEADINGS)[number]

const MOST_UPLOAD_LANES = 20
/** A share of the moving time that is worth a word although something else was slower. */
const NOTABLE_SHARE = 0.15
/** Pauses shorter than this, and so many a second, are watermarks that lie too near to each other. */
const SHORT_PAUSE_MS = 250
const OFTEN_PER_SECOND = 0.5

type Judged = Pick<RecordedReport, 'transfer' | 'settings' | 'events'> & { timeSplit: TimeSplit }

/** What to turn, most likely first; empty where nothing stands out. */
export function reportAdvice(report: Judged): ReportAdvice[] {
  return [...failureAdvice(report), ...throughputAdvice(report), ...pauseAdvice(report), ...retryAdvice(report)]
}

function failureAdvice({ transfer }: Judged): ReportAdvice[] {
  const { failure } = transfer
  if (!failure || transfer.status !== 'failed') return []
  const remedy = {
    now: 'Trying again now may help.',
    later: 'Try again a little later: the other side was busy or away.',
    never: 'The same again would fail the same way; change something first.',
  }[failure.retry]
  return [
    {
      about: 'failure',
      cause: `It failed with ${failure.code}, which the sentence above explains.`,
      remedy,
      settings: [],
      explainedAt: 'it-failed',
    },
  ]
}

function throughputAdvice(report: Judged): ReportAdvice[] {
  const { timeSplit } = report
  const moving = movingMs(timeSplit)
  const verdict = limitVerdict(timeSplit)
  const found: ReportAdvice[] = []
  if (!('share' in verdict) && verdict.kind !== 'mixed') {
    // Nothing is advised on a guess.
  } else
    for (const kind of [...LIMIT_KINDS].sort((a, b) => timeSplit.ms[b] - timeSplit.ms[a]))
      if (timeSplit.ms[kind] >= NOTABLE_SHARE * moving)
        found.push(limitAdvice(report, kind, percent(timeSplit.ms[kind] / moving)))
  const around = timeSplit.ms.start + timeSplit.ms.finish
  const isLong = report.transfer.status === 'completed' && around > 0.4 * timeSplit.totalMs && around > 1000
  if (isLong && wasReadAgain(report.events))
    found.push({
      about: 'throughput',
      cause: `${tookText(timeSplit.ms.finish)} of ${tookText(timeSplit.totalMs)} went by when all parts were in the bucket: the source was read again, in order, to compare the checksum that you gave.`,
      remedy: 'Where you can choose, give a CRC32, CRC32C or CRC64NVME: those are combined from the parts.',
      settings: [],
      explainedAt: 'the-source-was-read-again',
    })
  else if (isLong)
    found.push({
      about: 'throughput',
      cause: `${tookText(around)} of ${tookText(timeSplit.totalMs)} were not the bytes: the look at the source, the plan, completing and proving.`,
      remedy:
        'It hardly depends on the size, so it does not matter for big files; many small ones are best moved at once.',
      settings: [],
      explainedAt: 'short-transfers',
    })
  return found
}

function limitAdvice({ transfer, settings }: Judged, kind: (typeof LIMIT_KINDS)[number], share: string): ReportAdvice {
  const throughput = { about: 'throughput', settings: [] as string[] } as const
  switch (kind) {
    case 'source': {
      const advice = { ...throughput, explainedAt: 'the-source-was-the-limit' } as const
      if (transfer.acceptsRanges === false)
        return {
          ...advice,
          cause: 'The source has no ranges, so it can only be read as one stream.',
          remedy: 'No setting changes that. A mirror of the file that has ranges does.',
        }
      const fixed = settings.run?.readLanes ?? null
      if (fixed !== null)
        return {
          ...advice,
          cause: `The source sent no faster for ${share} of the time, over at most ${fixed} lanes, a number that you fixed.`,
          remedy: 'Let Sluice find the number: SLUICE_READ_LANES=auto.',
          settings: ['SLUICE_READ_LANES'],
        }
      return {
        ...advice,
        cause: `The source sent no faster for ${share} of the time, and Sluice looks for the number of lanes that pays by itself.`,
        remedy:
          'Where it limits by address, a second engine on another machine helps (npm run engine). Else a mirror that is nearer.',
      }
    }
    case 'bucket': {
      const lanes = settings.run?.uploadLanes ?? transfer.metrics.peakUploadLanes
      const advice = { ...throughput, explainedAt: 'the-bucket-was-the-limit' } as const
      const over = lanes > 0 ? `, over ${lanes} upload lanes` : ''
      const cause = `Bytes waited for the bucket for ${share} of the time${over}.`
      return lanes >= MOST_UPLOAD_LANES
        ? {
            ...advice,
            cause,
            remedy: 'That is as many lanes as there are. An engine that is nearer to the bucket helps.',
          }
        : {
            ...advice,
            cause,
            remedy: `Try more upload lanes, if the store serves more connections better: MAX_CONCURRENT_UPLOADS (up to ${MOST_UPLOAD_LANES}), or the transfer's own number. Else an engine nearer to the bucket.`,
            settings: ['MAX_CONCURRENT_UPLOADS'],
          }
    }
    case 'memory': {
      const budget = settings.run?.memoryBudgetBytes
      return {
        about: 'memory',
        cause: `Reading waited for memory for ${share} of the time${budget ? `; the engine may hold ${formatBytes(budget)}` : ''}.`,
        remedy:
          'Raise SLUICE_MEMORY_BUDGET, run fewer transfers at once, or choose smaller parts for this one: a part that is held takes its whole size.',
        settings: ['SLUICE_MEMORY_BUDGET'],
        explainedAt: 'the-memory-budget-was-the-limit',
      }
    }
    case 'processor':
      return {
        ...throughput,
        cause: `The engine's one thread was busy all of ${share} of the time.`,
        remedy: 'Start another engine, on another machine or on another core of this one: npm run engine.',
        explainedAt: 'the-processor-was-the-limit',
      }
    case 'rate': {
      const limit = transfer.bandwidthLimitBytesPerSecond
      return {
        ...throughput,
        cause: `The bandwidth limit${limit === null ? '' : ` of ${formatRate(limit)}`} held it back for ${share} of the time.`,
        remedy:
          'It did what you asked for. Limit on the page of the transfer changes its own, while it runs too; an engine may have one as well.',
        explainedAt: 'the-bandwidth-limit-was-the-limit',
      }
    }
  }
}

function pauseAdvice({ transfer, timeSplit }: Judged): ReportAdvice[] {
  const { pauses, averagePauseMs } = transfer.metrics
  const perSecond = pauses / Math.max(1, movingMs(timeSplit) / 1000)
  if (pauses < 10 || perSecond < OFTEN_PER_SECOND || averagePauseMs >= SHORT_PAUSE_MS) return []
  return [
    {
      about: 'backpressure',
      cause: `Reading paused ${pauses.toLocaleString('en-US')} times, for ${Math.round(averagePauseMs)} ms each: the watermarks are near to each other.`,
      remedy:
        'More room between them makes it smoother, if there is memory for it: BUFFER_HIGH_WATER_MARK, and SLUICE_MEMORY_BUDGET with it.',
      settings: ['BUFFER_HIGH_WATER_MARK', 'SLUICE_MEMORY_BUDGET'],
      explainedAt: 'reading-paused-often',
    },
  ]
}

function retryAdvice({ transfer, timeSplit }: Judged): ReportAdvice[] {
  const { partRetries, sourceRetries, sourceRequests } = transfer.metrics
  const found: ReportAdvice[] = []
  if (partRetries >= 3 && partRetries >= 0.02 * Math.max(1, transfer.partsDone))
    found.push({
      about: 'parts',
      cause: `${partRetries.toLocaleString('en-US')} parts had to be sent again: the bucket refused them, or connections to it broke.`,
      remedy:
        'The events say which. Fewer upload lanes (MAX_CONCURRENT_UPLOADS) help where it asked to slow down, smaller parts where connections break.',
      settings: ['MAX_CONCURRENT_UPLOADS'],
      explainedAt: 'parts-failed',
    })
  if (sourceRetries >= 5 && sourceRetries >= 0.05 * Math.max(1, sourceRequests))
    found.push({
      about: 'parts',
      cause: `${sourceRetries.toLocaleString('en-US')} of ${sourceRequests.toLocaleString('en-US')} requests to the source were tried again: it refused them, or connections broke.`,
      remedy: 'Sluice lowers the number of lanes by itself; SLUICE_READ_LANES sets a lower one for good.',
      settings: ['SLUICE_READ_LANES'],
      explainedAt: 'requests-to-the-source-failed',
    })
  const { still } = timeSplit.ms
  if (still > 30_000 && still > 0.1 * timeSplit.totalMs)
    found.push({
      about: 'throughput',
      cause: `It stood still for ${tookText(still)}: paused, waiting before another try, or without an engine.`,
      remedy: 'The events say why and when.',
      settings: [],
      explainedAt: 'it-stood-still',
    })
  return found
}
