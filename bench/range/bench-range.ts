import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ArgumentError, parseWords, readCount, refuseUnknown } from '../../scripts/runner/command-words.ts'
import { RANGE_SCENARIOS, type RangeResult, rangeTable, runRangeScenario } from './range-bench.ts'
import { rangeReport } from './range-report.ts'
import { SUBJECTS } from './subjects.ts'

const USAGE = 'The options are --list, --rounds N, --seconds N, --peers sluice,varnish and --output FILE.'
const MAX_ROUNDS = 20
const MAX_SECONDS = 60

/**
 * `npm run bench -- range`: Sluice, nginx with and without slices, and Varnish in turn in front of the same origin. Prints tables, writes
 * JSON. Returns the exit code: 1 where a scenario has no figures of Sluice.
 */
export async function benchRange(words: readonly string[], signal: AbortSignal): Promise<number> {
  const options = {
    list: { type: 'boolean' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    peers: { type: 'string' },
    output: { type: 'string' },
  } as const
  const { values, positionals } = parseWords(words, options, USAGE)
  if (values.list) {
    for (const { name, shows } of RANGE_SCENARIOS) console.log(`${name}\n  ${shows}`)
    return 0
  }
  if (process.platform !== 'linux')
    throw new ArgumentError('The bench reads CPU and memory from /proc, so it runs on Linux.')
  const known = RANGE_SCENARIOS.map(({ name }) => name)
  refuseUnknown('scenario', positionals, known)
  const subjects = values.peers?.split(',') ?? SUBJECTS
  refuseUnknown('peer', subjects, SUBJECTS)
  const rounds = readCount('--rounds', values.rounds, MAX_ROUNDS) ?? 3
  const seconds = readCount('--seconds', values.seconds, MAX_SECONDS) ?? 5
  const results: RangeResult[] = []
  for (const scenario of RANGE_SCENARIOS) {
    if (signal.aborted || (positionals.length > 0 && !positionals.includes(scenario.name))) continue
    console.log(`\n${scenario.name}: ${scenario.shows}`)
    const result = await runRangeScenario(scenario, { rounds, seconds, subjects, signal, say: console.log })
    console.log(`\n${rangeTable(result)}`)
    results.push(result)
  }
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const output = values.output ?? join(import.meta.dirname, '..', 'results', `range-${stamp}.json`)
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify(rangeReport(results, { rounds, seconds }), null, 2)}\n`)
  console.log(`\nWritten to ${output}, which opens under Reports`)
  return results.every(({ rows }) => rows.some(({ subject }) => subject === 'sluice')) ? 0 : 1
}
