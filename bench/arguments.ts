import { parseArgs } from 'node:util'
import { parseBytes } from '../src/server/domain/bytes.ts'

/** What `npm run bench -- …` was asked for. */
export interface BenchArguments {
  readonly list: boolean
  /** Names of scenarios; `all` stands for all but the huge ones. */
  readonly scenarios: readonly string[]
  readonly rounds: number | null
  /** Null: those of the scenario. `sluice` is always among them unless it is left out here on purpose. */
  readonly peers: readonly string[] | null
  /** Size of each file instead of the scenario's. */
  readonly sizeBytes: number | null
  /** Number of files instead of the scenario's. */
  readonly files: number | null
  /** Where the JSON goes instead of bench/results. */
  readonly output: string | null
}

/** Arguments that cannot be used; the message says what to write. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

const MAX_ROUNDS = 50
/** A store's listing, by which it is cleared between runs, is one page. */
const MAX_FILES = 1000

/** Reads the words behind `npm run bench --`. Throws ArgumentError with a sentence. `known` are the names there are. */
export function parseArguments(
  words: readonly string[],
  known: { readonly scenarios: readonly string[]; readonly peers: readonly string[] },
): BenchArguments {
  const { values, positionals } = parse(words)
  for (const name of positionals)
    if (name !== 'all' && !known.scenarios.includes(name))
      throw new ArgumentError(`There is no scenario "${name}". There are: all, ${known.scenarios.join(', ')}.`)
  const peers = values.peers === undefined ? null : values.peers.split(',').filter((name) => name !== '')
  for (const name of peers ?? [])
    if (!known.peers.includes(name))
      throw new ArgumentError(`There is no peer "${name}". There are: ${known.peers.join(', ')}.`)
  if (peers?.length === 0)
    throw new ArgumentError('--peers takes names with commas between them, such as sluice,rclone-http.')
  const rounds = readCount('--rounds', values.rounds, MAX_ROUNDS)
  const files = readCount('--files', values.files, MAX_FILES)
  const sizeBytes = values.size === undefined ? null : parseBytes(values.size)
  if (values.size !== undefined && (sizeBytes === null || sizeBytes < 1))
    throw new ArgumentError('--size is the size of each file, such as 256MiB.')
  const { list = false, output = null } = values
  return { list, scenarios: positionals, rounds, peers, sizeBytes, files, output }
}

function readCount(option: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= max) return count
  throw new ArgumentError(`${option} is a whole number from 1 to ${max}.`)
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        list: { type: 'boolean' },
        rounds: { type: 'string' },
        peers: { type: 'string' },
        size: { type: 'string' },
        files: { type: 'string' },
        output: { type: 'string' },
      },
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ArgumentError(
      `${reason} The options are --list, --rounds N, --peers a,b, --size 256MiB, --files 100 and --output FILE.`,
    )
  }
}
