import { parseArgs } from 'node:util'
import { MIB, parseBytes } from '../../src/server/domain/bytes.ts'

/** Words behind `npm run stress --` that cannot be used; the message says what to write. */
export class StressArgumentError extends Error {
  override readonly name = 'StressArgumentError'
}

/** What was asked for; null: the run's own default. */
export interface StressArguments {
  readonly name: string
  readonly minutes: number | null
  readonly kills: number | null
  readonly seed: number | null
  /** The largest file of a run. */
  readonly maxSizeBytes: number | null
  /** Leases of 3 s instead of 30 s, and outages scaled to them. */
  readonly quick: boolean
  /** Begins anew although a run of the same name was not finished. */
  readonly fresh: boolean
}

/** Reads the words; the first one is the name of a run, `soak` where there is none. */
export function readStressArguments(words: readonly string[], names: readonly string[]): StressArguments {
  const { values, positionals } = parse(words)
  const [name = 'soak', ...rest] = positionals
  if (!names.includes(name) || rest.length > 0)
    throw new StressArgumentError(`Write one of: ${names.join(', ')}. "${positionals.join(' ')}" is none.`)
  const maxSizeBytes = values.size === undefined ? null : parseBytes(values.size)
  if (values.size !== undefined && (maxSizeBytes === null || maxSizeBytes < 16 * MIB))
    throw new StressArgumentError('--size is the size of the largest file, at least 16MiB, such as 1GiB.')
  return {
    name,
    minutes: count('--minutes', values.minutes, 7 * 24 * 60),
    kills: count('--kills', values.kills, 100_000),
    seed: count('--seed', values.seed, 2 ** 31 - 1),
    maxSizeBytes,
    quick: values.quick ?? false,
    fresh: values.fresh ?? false,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        minutes: { type: 'string' },
        kills: { type: 'string' },
        seed: { type: 'string' },
        size: { type: 'string' },
        quick: { type: 'boolean' },
        fresh: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new StressArgumentError(error instanceof Error ? error.message : String(error))
  }
}

function count(name: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new StressArgumentError(`${name} is a whole number from 1 to ${max}.`)
  return value
}
