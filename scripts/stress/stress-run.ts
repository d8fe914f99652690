import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { TestDatabase } from '../../e2e/stack/test-database.ts'
import type { StressArguments } from './arguments.ts'

/** A run of `npm run stress`; resolves with the exit code of the process. */
export type StressRun = (options: {
  readonly wanted: StressArguments
  readonly dataDir: string
  readonly database: TestDatabase
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}) => Promise<number>

const stateSchema = z.object({
  seed: z.number(),
  /** Rounds that are behind it: a run that goes on begins with the next. */
  rounds: z.number(),
  kills: z.number(),
  seconds: z.number(),
  transfers: z.number(),
  /** How long claims of a dead engine waited until somebody had them. */
  reclaimSeconds: z.array(z.number()),
  rssMib: z.array(z.number()),
  violations: z.array(z.string()),
})
/** What is known of a run so far; kept in the data folder, so that it can be stopped and goes on. */
export type StressState = z.infer<typeof stateSchema>

const pathOf = (dataDir: string, name: string) => join(dataDir, 'stress', `${name}.json`)

/** The state of a run that was not finished, else a new one. The seed that was asked for always begins anew. */
export function loadState(dataDir: string, wanted: StressArguments): { state: StressState; isResumed: boolean } {
  const seed = wanted.seed ?? Math.floor(Math.random() * 2 ** 31)
  const none = { rounds: 0, kills: 0, seconds: 0, transfers: 0, reclaimSeconds: [], rssMib: [], violations: [] }
  if (wanted.fresh || wanted.seed !== null) return { state: { seed, ...none }, isResumed: false }
  try {
    return { state: stateSchema.parse(JSON.parse(readFileSync(pathOf(dataDir, wanted.name), 'utf8'))), isResumed: true }
  } catch {
    return { state: { seed, ...none }, isResumed: false }
  }
}

/** Writes the state whole: temporary file, then rename. */
export function saveState(dataDir: string, name: string, state: StressState): void {
  const path = pathOf(dataDir, name)
  mkdirSync(join(dataDir, 'stress'), { recursive: true })
  writeFileSync(`${path}.new`, `${JSON.stringify(state)}\n`)
  renameSync(`${path}.new`, path)
}

/** Ends a run: its last state stays beside it under a name of its own, and the next one begins anew. */
export function archiveState(dataDir: string, name: string): string {
  const done = join(dataDir, 'stress', `${name}-done.json`)
  renameSync(pathOf(dataDir, name), done)
  return done
}

/** The value below which that share of the values lies; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
