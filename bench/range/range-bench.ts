import { setTimeout as delay } from 'node:timers/promises'
import { endlessPath } from '../sources/endless-file.ts'
import type { RunningSource } from '../sources/source.ts'
import { startSource } from '../sources/start-source.ts'
import { median } from '../statistics.ts'
import { type LoadFigures, loadRanges, readAtOnce } from './load.ts'
import { readOverSockets } from './sockets.ts'
import { SUBJECTS, type Subject, startSubject } from './subjects.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const FILE_BYTES = 64 * MIB
const COLD_FILE_BYTES = 256 * MIB
/** 64 GiB go over the loopback; who is not through by then counts as an error. */
const CROWD_LIMIT_MS = 120_000

/** One row of a table: who, and its figures as they are shown. */
export interface RangeRow {
  readonly subject: string
  readonly figures: Readonly<Record<string, number>>
}

export interface RangeResult {
  readonly name: string
  readonly shows: string
  readonly rows: readonly RangeRow[]
  readonly skipped: Readonly<Record<string, string>>
}

interface RangeScenario {
  readonly name: string
  readonly shows: string
  readonly firstByteMs?: number
  /** No more rounds than this, because one takes long. */
  readonly maxRounds?: number
  measure(subject: Subject, source: RunningSource, seconds: number): Promise<Record<string, number>>
}

const path = (bytes: number) => endlessPath(1, 0, bytes)

/** A load on a file that is in the cache whole. */
function warm(rangeBytes: number, connections: number) {
  return async (subject: Subject, _: RunningSource, seconds: number) => {
    const url = subject.url + path(FILE_BYTES)
    await readAtOnce(url, [null])
    // Slices beyond the first answer may be written after it.
    await delay(200)
    const load = { fileBytes: FILE_BYTES, rangeBytes, connections }
    await loadRanges(url, { ...load, seconds: 1 })
    const before = subject.cpuSeconds()
    const figures = await loadRanges(url, { ...load, seconds })
    return perRequest(figures, subject.cpuSeconds() - before)
  }
}

function perRequest(figures: LoadFigures, cpuSeconds: number): Record<string, number> {
  return {
    'requests/s': figures.requests / figures.seconds,
    'MiB/s': figures.bytes / MIB / figures.seconds,
    'CPU us/request': (cpuSeconds * 1e6) / figures.requests,
    'CPU-s/GiB': cpuSeconds / (figures.bytes / GIB),
    'p50 ms': figures.p50Ms,
    'p95 ms': figures.p95Ms,
    errors: figures.errors,
  }
}

export const RANGE_SCENARIOS: readonly RangeScenario[] = [
  { name: 'warm-64k', shows: 'Random 64 KiB ranges of a cached file, 32 connections.', measure: warm(64 * KIB, 32) },
  { name: 'warm-1m', shows: 'Random 1 MiB ranges of a cached file, 32 connections.', measure: warm(MIB, 32) },
  { name: 'warm-64m', shows: 'A cached file of 64 MiB, whole, 8 connections.', measure: warm(FILE_BYTES, 8) },
  {
    name: 'warm-64k-1000',
    shows: 'Random 64 KiB ranges of a cached file, 1,000 connections.',
    measure: warm(64 * KIB, 1000),
  },
  {
    name: 'cold-fill',
    shows: '16 MiB that nobody has read, from an origin that takes 100 ms to each first byte, one reader.',
    firstByteMs: 100,
    async measure(subject, source) {
      // The file is cold, not the programs: both have answered for another one before.
      for (const url of [source.url, subject.url]) await readAtOnce(url + endlessPath(1, 1, 16 * MIB), [null])
      const before = (await source.counts()).requests
      const { seconds, p50Ms, errors } = await readAtOnce(subject.url + path(16 * MIB), [null])
      return {
        'wall s': seconds,
        'first byte ms': p50Ms,
        'origin requests': (await source.counts()).requests - before,
        errors,
      }
    },
  },
  {
    name: 'cold-files',
    shows:
      'Twelve files of 256 MiB that nobody has read, one after the other, one reader: three times what the cache holds.',
    async measure(subject, source) {
      for (const url of [source.url, subject.url]) await readAtOnce(url + endlessPath(1, 0, COLD_FILE_BYTES), [null])
      const cpuBefore = subject.cpuSeconds()
      const startedMs = performance.now()
      let bytes = 0
      let errors = 0
      for (let index = 1; index <= 12; index++) {
        const figures = await readAtOnce(subject.url + endlessPath(1, index, COLD_FILE_BYTES), [null])
        bytes += figures.bytes
        errors += figures.errors
      }
      return {
        'MiB/s': (bytes / MIB / (performance.now() - startedMs)) * 1000,
        'CPU-s/GiB': (subject.cpuSeconds() - cpuBefore) / (bytes / GIB),
        'peak MiB': subject.peakRssBytes() / MIB,
        errors,
      }
    },
  },
  {
    name: 'crowd',
    shows: '1,000 readers at once, each of 1 MiB somewhere in a file of 64 MiB that nobody has read.',
    firstByteMs: 20,
    async measure(subject, source) {
      const before = await source.counts()
      const rssBefore = subject.rssBytes()
      const cpuBefore = subject.cpuSeconds()
      const ranges = Array.from({ length: 1000 }, (_, reader) => {
        const first = (reader % 64) * MIB
        return `bytes=${first}-${first + MIB - 1}`
      })
      const figures = await readAtOnce(subject.url + path(FILE_BYTES), ranges)
      const after = await source.counts()
      return {
        'wall s': figures.seconds,
        'p50 first byte ms': figures.p50Ms,
        'p99 first byte ms': figures.p99Ms,
        'origin requests': after.requests - before.requests,
        'origin MiB': (after.bytes - before.bytes) / MIB,
        'CPU s': subject.cpuSeconds() - cpuBefore,
        'added MiB': (subject.peakRssBytes() - rssBefore) / MIB,
        errors: figures.errors,
      }
    },
  },
  {
    name: 'crowd-whole',
    shows: '1,000 readers at once, each of all of a file of 64 MiB that nobody has read. One round.',
    firstByteMs: 20,
    maxRounds: 1,
    async measure(subject, source) {
      const before = await source.counts()
      const rssBefore = subject.rssBytes()
      const cpuBefore = subject.cpuSeconds()
      const figures = await readOverSockets(subject.url + path(FILE_BYTES), {
        ...{ readers: 1000, range: null, bodyBytes: FILE_BYTES, leadMs: 0, limitMs: CROWD_LIMIT_MS },
      })
      const after = await source.counts()
      const cpuSeconds = subject.cpuSeconds() - cpuBefore
      const [p50, p99] = quantiles(figures.firstByteMs)
      return {
        'wall s': figures.seconds,
        'MiB/s': figures.bytes / MIB / figures.seconds,
        'p50 first byte ms': p50,
        'p99 first byte ms': p99,
        'origin requests': after.requests - before.requests,
        'origin MiB': (after.bytes - before.bytes) / MIB,
        'CPU-s/GiB': cpuSeconds / (figures.bytes / GIB),
        'added MiB': (subject.peakRssBytes() - rssBefore) / MIB,
        errors: figures.errors,
      }
    },
  },
  {
    name: 'waiters',
    shows:
      '100 readers of one slice that nobody has read: one asks, the others 20 ms later. How much later than the first each has its first byte.',
    firstByteMs: 100,
    async measure(subject, source) {
      const before = await source.counts()
      const { firstByteMs, errors } = await readOverSockets(subject.url + path(FILE_BYTES), {
        ...{ readers: 100, range: `bytes=0-${64 * KIB - 1}`, bodyBytes: 64 * KIB, leadMs: 20, limitMs: 30_000 },
      })
      const leaderMs = firstByteMs[0] ?? 0
      const [p50, p99] = quantiles(firstByteMs.slice(1).map((ms) => (ms === null ? null : ms - leaderMs)))
      return {
        'first reader ms': leaderMs,
        'p50 later ms': p50,
        'p99 later ms': p99,
        'origin requests': (await source.counts()).requests - before.requests,
        errors,
      }
    },
  },
]

function quantiles(values: readonly (number | null)[]): [p50: number, p99: number] {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return [at(0.5), at(0.99)]
}

/** Runs one scenario over all subjects in turn, each anew in each round; the rows are medians of the rounds. */
export async function runRangeScenario(
  scenario: RangeScenario,
  options: {
    readonly rounds: number
    readonly seconds: number
    readonly say: (line: string) => void
    readonly signal: AbortSignal
    readonly subjects?: readonly string[]
  },
): Promise<RangeResult> {
  const rounds = new Map<string, Record<string, number>[]>()
  const skipped: Record<string, string> = {}
  const { firstByteMs } = scenario
  const count = Math.min(options.rounds, scenario.maxRounds ?? options.rounds)
  for (let round = 0; round < count; round++)
    for (const name of options.subjects ?? SUBJECTS) {
      if (name in skipped || options.signal.aborted) continue
      const source = await startSource({ kind: 'metered', ...(firstByteMs ? { firstByteMs } : {}) }, undefined)
      let subject: Subject | null = null
      try {
        subject = await startSubject(name, source.url)
        const figures = await scenario.measure(subject, source, options.seconds)
        rounds.set(name, [...(rounds.get(name) ?? []), figures])
        options.say(
          `  ${name}: ${Object.entries(figures)
            .map(([title, value]) => `${title} ${showFigure(value)}`)
            .join(', ')}`,
        )
      } catch (error) {
        skipped[name] = error instanceof Error ? error.message : String(error)
      } finally {
        await subject?.stop()
        await source.stop()
      }
    }
  const rows = [...rounds].map(([subject, runs]) => ({
    subject,
    figures: Object.fromEntries(
      Object.keys(runs[0] ?? {}).map((title) => [title, median(runs.map((run) => run[title] ?? 0)) ?? 0]),
    ),
  }))
  return { name: scenario.name, shows: scenario.shows, rows, skipped }
}

/** A result as a table in Markdown. */
export function rangeTable({ rows, skipped }: RangeResult): string {
  const titles = Object.keys(rows[0]?.figures ?? {})
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(['who', ...titles]),
    `|---|${titles.map(() => '--:|').join('')}`,
    ...rows.map(({ subject, figures }) => line([subject, ...titles.map((title) => showFigure(figures[title] ?? 0))])),
    ...Object.entries(skipped).map(([name, reason]) => `- without a result: ${name}: ${reason}`),
  ].join('\n')
}

/** A figure as people read it. */
export function showFigure(value: number): string {
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}
