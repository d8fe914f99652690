import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { ArgumentError } from '../arguments.ts'
import { RANGE_SCENARIOS, type RangeResult, rangeTable, runRangeScenario } from './range-bench.ts'
import { SUBJECTS } from './subjects.ts'

const MAX_ROUNDS = 20
const MAX_SECONDS = 60

/**
 * `npm run bench -- range`: Sluice, nginx with and without slices, and Varnish in turn in front of the same origin. Prints tables, writes
 * JSON. Returns the exit code: 1 where a scenario has no figures of Sluice.
 */
export async function benchRange(words: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse(words)
  if (values.list) {
    for (const { name, shows } of RANGE_SCENARIOS) console.log(`${name}\n  ${shows}`)
    return 0
  }
  if (process.platform !== 'linux')
    throw new ArgumentError('The bench reads CPU and memory from /proc, so it runs on Linux.')
  const known = RANGE_SCENARIOS.map(({ name }) => name)
  for (const name of positionals)
    if (!known.includes(name))
      throw new ArgumentError(`There is no scenario "${name}". There are: ${known.join(', ')}.`)
  const subjects = values.peers?.split(',') ?? SUBJECTS
  for (const name of subjects)
    if (!(SUBJECTS as readonly string[]).includes(name))
      throw new ArgumentError(`There is no peer "${name}". There are: ${SUBJECTS.join(', ')}.`)
  const rounds = count('--rounds', values.rounds, 3, MAX_ROUNDS)
  const seconds = count('--seconds', values.seconds, 5, MAX_SECONDS)
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
  writeFileSync(output, `${JSON.stringify({ format: 1, rounds, seconds, results }, null, 2)}\n`)
  console.log(`\nWritten to ${output}`)
  return results.every(({ rows }) => rows.some(({ subject }) => subject === 'sluice')) ? 0 : 1
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        list: { type: 'boolean' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        peers: { type: 'string' },
        output: { type: 'string' },
      },
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ArgumentError(
      `${reason} The options are --list, --rounds N, --seconds N, --peers sluice,varnish and --output FILE.`,
    )
  }
}

function count(option: string, text: string | undefined, otherwise: number, max: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new ArgumentError(`${option} is a whole number from 1 to ${max}.`)
}
