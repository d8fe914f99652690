import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { type BenchArguments, parseArguments } from '../bench/arguments.ts'
import { runScenario } from '../bench/harness/run-scenario.ts'
import { PEERS } from '../bench/peers/all-peers.ts'
import { fetchMissing } from '../bench/peers/fetch-missing.ts'
import { startSluicePeers, VARIANTS } from '../bench/peers/sluice.ts'
import { benchRange } from '../bench/range/bench-range.ts'
import type { BenchReport, ScenarioResult } from '../bench/reports/result.ts'
import { tableOf } from '../bench/reports/table.ts'
import type { Scenario } from '../bench/scenario.ts'
import { SCENARIOS } from '../bench/scenarios.ts'
import { ArgumentError } from './runner/command-words.ts'
import { ROOT } from './runner/run-program.ts'

// `npm run bench -- SCENARIO …`: Sluice and others in turn on the same work, on this machine alone. Writes JSON and prints tables.
const DEFAULT_SCENARIOS = ['big-unlimited']
/** A signal ends the run under way and stops what was started; a terminal sends it twice, by the shell and by npm. */
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error(`it was stopped by ${signal}`)))

try {
  if (process.argv[2] === 'range') process.exitCode = await benchRange(process.argv.slice(3), stopping.signal)
  else await main()
} catch (error) {
  if (!(error instanceof ArgumentError)) throw error
  console.error(error.message)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const known = {
    scenarios: SCENARIOS.map(({ name }) => name),
    peers: [...Object.keys(VARIANTS), ...Object.keys(PEERS)],
  }
  const wanted = parseArguments(process.argv.slice(2), known)
  if (wanted.list) list()
  else if (process.platform !== 'linux')
    throw new ArgumentError('The bench reads CPU and memory from /proc, so it runs on Linux.')
  else process.exitCode = await bench(wanted)
}

function list(): void {
  for (const { name, shows, rounds, peers } of SCENARIOS)
    console.log(`${name}\n  ${shows}\n  ${rounds} rounds of ${['sluice', ...peers].join(', ')}`)
  console.log(
    'range\n  Serving ranges from a cache, against nginx and Varnish; `npm run bench -- range --list` has more.',
  )
}

async function bench(wanted: BenchArguments): Promise<number> {
  const names = wanted.scenarios.length > 0 ? wanted.scenarios : DEFAULT_SCENARIOS
  const chosen = SCENARIOS.filter(({ name, isHuge }) => names.includes(name) || (names.includes('all') && !isHuge))
  await fetchMissing(console.log)
  const sluice = await startSluicePeers()
  const results: ScenarioResult[] = []
  let failures = 0
  try {
    for (const plain of chosen) {
      if (stopping.signal.aborted) break
      const scenario = resized(plain, wanted)
      console.log(`\n${scenario.name}: ${scenario.shows}`)
      try {
        const peers = ['sluice', ...scenario.peers]
          .filter((name) => wanted.peers?.includes(name) ?? true)
          .concat(wanted.peers?.filter((name) => name !== 'sluice' && !scenario.peers.includes(name)) ?? [])
          .flatMap((name) => [sluice.peer(name) ?? PEERS[name]?.()])
          .filter((peer) => peer !== undefined)
        const rounds = wanted.rounds ?? scenario.rounds
        const result = await runScenario(scenario, { rounds, peers, say: console.log, signal: stopping.signal })
        results.push(result)
        if (result.runs.length === 0 || 'sluice' in result.skipped) failures++
        console.log(`\n${tableOf(result)}`)
      } catch (error) {
        failures++
        console.error(
          `${scenario.name} could not be measured: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }
  } finally {
    await sluice.stop()
  }
  const path = results.length > 0 ? `; written to ${write(results, wanted.output)}` : ''
  console.log(`\n${results.length} of ${chosen.length} scenarios measured${path}`)
  return failures === 0 ? 0 : 1
}

/** The same scenario with other files; whoever does less does not do more than the others. */
function resized(scenario: Scenario, wanted: BenchArguments): Scenario {
  if (wanted.sizeBytes === null && wanted.files === null) return scenario
  const { shows, shorter = {}, files, idealSeconds } = scenario
  const sizeBytes = wanted.sizeBytes ?? files.sizeBytes
  const count = wanted.files ?? files.count
  return {
    ...scenario,
    shows: `${shows} Here with ${count === 1 ? 'one file' : `${count} files`} of ${(sizeBytes / 1e6).toFixed(1)} MB.`,
    files: { count, sizeBytes },
    shorter: Object.fromEntries(Object.entries(shorter).filter(([, bytes]) => bytes < sizeBytes)),
    idealSeconds: idealSeconds === undefined ? undefined : (idealSeconds * sizeBytes) / files.sizeBytes,
  }
}

function write(results: readonly ScenarioResult[], output: string | null): string {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const path = output ?? join(ROOT, 'bench', 'results', `${stamp}.json`)
  const machine = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: `${process.platform} ${release()}`,
  }
  const report: BenchReport = { format: 1, machine, results }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
  return relative(process.cwd(), path)
}
