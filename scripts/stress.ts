import { startOwnPostgres } from '../e2e/stack/own-postgres.ts'
import { readEnv } from '../src/server/config/env.ts'
import { ArgumentError } from './runner/command-words.ts'
import { readStressArguments } from './stress/arguments.ts'
import { runChaos } from './stress/chaos.ts'
import { stressParser } from './stress/parser.ts'
import { runReaders } from './stress/readers.ts'
import { runSoak } from './stress/soak.ts'
import type { StressRun } from './stress/stress-run.ts'
import { runTwoEngines } from './stress/two-engines.ts'

// `npm run stress [-- soak | chaos | two-engines | readers] [--minutes N] [--kills N] [--seed S] [--quick] [--lease MS]
// [--store ceph] [--schedules] [--fresh]`: runs of hours in the background, that print their seed, keep their state in the data folder, and go on from there when they are started again.
// `npm run stress -- parser [--cases N] [--seed S]`: the fuzz test of the HTTP/1.1 parser, 100,000 answers.

const RUNS: Readonly<Record<string, StressRun>> = {
  soak: runSoak,
  chaos: runChaos,
  'two-engines': runTwoEngines,
  readers: runReaders,
}

/** A signal ends the run at the next good moment; what it found until then is kept. */
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())

try {
  const [first, ...rest] = process.argv.slice(2)
  // It needs no database and keeps no state.
  if (first === 'parser') process.exit(await stressParser(rest))
  const wanted = readStressArguments(process.argv.slice(2), Object.keys(RUNS))
  const run = RUNS[wanted.name]
  if (!run) throw new ArgumentError(`There is no run "${wanted.name}".`)
  const postgres = await startOwnPostgres()
  try {
    const { dataDir } = readEnv()
    process.exitCode = await run({
      wanted,
      dataDir,
      database: postgres.database,
      signal: stopping.signal,
      say: console.log,
    })
  } finally {
    await postgres.close()
  }
} catch (error) {
  if (!(error instanceof ArgumentError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
