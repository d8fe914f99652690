import { formatBytes, formatRate } from '../bytes.ts'
import type { ComparedRun } from '../report.ts'
import { LIMIT_NAMES, percent } from './report-story.ts'
import { type LimitKind, limitVerdict } from './time-split.ts'

/** Runs nearer to each other than this are equally fast: the same work differs by as much from run to run. */
const SAME_SHARE = 0.03

/** Runs are called by letters, in the order they were chosen: A is what the others are held against. */
export function runLetter(index: number): string {
  return String.fromCharCode(65 + index)
}

/** What differs between runs, in sentences: how fast, who was slow, what was set otherwise, and what makes them hard to compare. */
export function compareSentences(runs: readonly ComparedRun[]): string[] {
  if (runs.length < 2) return ['One run alone: choose another to hold it against.']
  return [speedSentence(runs), limitsSentence(runs), settingsSentence(runs), caveatSentence(runs)].filter(
    (sentence) => sentence !== null,
  )
}

const rateOf = (run: ComparedRun) => run.figures.averageBytesPerSecond ?? 0

function speedSentence(runs: readonly ComparedRun[]): string {
  const named = runs.map((run, index) => ({ letter: runLetter(index), rate: rateOf(run) }))
  const without = named.filter(({ rate }) => rate <= 0).map(({ letter }) => letter)
  const moved = named.filter(({ rate }) => rate > 0)
  const [first, second] = moved
  if (!first || !second)
    return `${list(without)} moved nothing, so there is nothing to compare with${first ? ` the ${formatRate(first.rate)} of ${first.letter}` : ''}.`
  if (runs.length === 2) {
    const factor = second.rate / first.rate
    const rates = `${formatRate(second.rate)} against ${formatRate(first.rate)}`
    if (Math.abs(factor - 1) < SAME_SHARE) return `B was as fast as A: ${rates}.`
    if (factor >= 1.5) return `B was ${factorText(factor)} times as fast as A: ${rates}.`
    if (factor > 1) return `B was ${percent(factor - 1)} faster than A: ${rates}.`
    return `B was ${percent(1 - factor)} slower than A: ${rates}.`
  }
  const sorted = [...moved].sort((a, b) => b.rate - a.rate)
  const [best = first] = sorted
  const worst = sorted.at(-1) ?? second
  if (best.rate / worst.rate - 1 < SAME_SHARE)
    return `All ${moved.length} were as fast as each other: about ${formatRate(best.rate)}.`
  const nothing = without.length > 0 ? ` ${list(without)} moved nothing.` : ''
  return `${best.letter} was the fastest with ${formatRate(best.rate)}, ${factorText(best.rate / worst.rate)} times as fast as ${worst.letter} with ${formatRate(worst.rate)}.${nothing}`
}

function limitsSentence(runs: readonly ComparedRun[]): string | null {
  const told = runs.flatMap((run, index) => {
    const verdict = limitVerdict(run.timeSplit)
    if ('first' in verdict) return [{ letter: runLetter(index), kind: verdict.first.kind, share: verdict.first.share }]
    return 'share' in verdict ? [{ letter: runLetter(index), kind: verdict.kind, share: verdict.share }] : []
  })
  if (told.length === 0) return 'Who was slow cannot be told of any of them.'
  const kinds = [...new Set(told.map(({ kind }) => kind))]
  const [only] = kinds
  if (kinds.length === 1 && only !== undefined && told.length === runs.length)
    return `${runs.length === 2 ? 'Both' : 'All'} waited most for ${LIMIT_NAMES[only]}.`
  const pieces = kinds.map((kind: LimitKind) => {
    const those = told.filter((one) => one.kind === kind)
    const shares = those.length === 1 && those[0] ? ` (${percent(those[0].share)})` : ''
    return `${list(those.map(({ letter }) => letter))} waited most for ${LIMIT_NAMES[kind]}${shares}`
  })
  return `${pieces.join('; ')}.`
}

/** The plan and the lanes, where they are not the same. */
function settingsSentence(runs: readonly ComparedRun[]): string | null {
  const differing: [name: string, readValue: (run: ComparedRun) => string | null][] = [
    ['read lanes', ({ transfer }) => some(transfer.metrics.peakReadLanes)],
    ['upload lanes', ({ settings, transfer }) => some(settings.run?.uploadLanes ?? transfer.metrics.peakUploadLanes)],
    ['part size', ({ transfer }) => (transfer.partSizeBytes === null ? null : formatBytes(transfer.partSizeBytes))],
    ['memory budget', ({ settings }) => (settings.run ? formatBytes(settings.run.memoryBudgetBytes) : null)],
    ['HTTP client', ({ settings }) => settings.run?.httpClient ?? null],
    ['profile', ({ settings }) => settings.run?.profile ?? null],
    [
      'limit',
      ({ transfer }) =>
        transfer.bandwidthLimitBytesPerSecond === null ? 'none' : formatRate(transfer.bandwidthLimitBytesPerSecond),
    ],
  ]
  const found = differing.flatMap(([name, readValue]) => {
    const values = runs.map(readValue)
    if (values.some((value) => value === null) || new Set(values).size === 1) return []
    if (runs.length > 4) return [name]
    return [`${name} ${values.map((value, index) => `${value} in ${runLetter(index)}`).join(', ')}`]
  })
  if (found.length === 0) return null
  return runs.length > 4 ? `They differ in ${list(found)}.` : `What else differs: ${found.join('; ')}.`
}

function caveatSentence(runs: readonly ComparedRun[]): string | null {
  const sizes = runs.map(({ transfer }) => transfer.sizeBytes ?? 0)
  const most = Math.max(...sizes)
  const isOtherSize = most > 0 && Math.min(...sizes) < 0.99 * most
  const differs = (readValue: (run: ComparedRun) => string) => new Set(runs.map(readValue)).size > 1
  const other = [
    differs(({ transfer }) => transfer.sourceHost) ? 'sources' : '',
    differs(({ transfer }) => transfer.bucketId) ? 'buckets' : '',
  ].filter(Boolean)
  const unfinished = runs.flatMap(({ transfer }, index) => (transfer.status === 'completed' ? [] : [runLetter(index)]))
  const pieces = [
    other.length > 0 ? `They have different ${list(other)}.` : '',
    isOtherSize ? 'The files differ in size, so rates say more than times.' : '',
    unfinished.length > 0 ? `${list(unfinished)} did not come to the end.` : '',
  ].filter(Boolean)
  return pieces.length > 0 ? pieces.join(' ') : null
}

const some = (value: number) => (value > 0 ? String(value) : null)
const factorText = (factor: number) => factor.toFixed(factor < 10 ? 2 : 0)

/** `A`, `A and B`, `A, B and C`. */
function list(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
