import { ArgumentError, parseWords, readCount, readSize, refuseUnknown } from '../scripts/runner/command-words.ts'

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

const USAGE = 'The options are --list, --rounds N, --peers a,b, --size 256MiB, --files 100 and --output FILE.'
const MAX_ROUNDS = 50
/** A store's listing, by which it is cleared between runs, is one page. */
const MAX_FILES = 1000

/** Reads the words behind `npm run bench --`. Throws ArgumentError with a sentence. `known` are the names there are. */
export function parseArguments(
  words: readonly string[],
  known: { readonly scenarios: readonly string[]; readonly peers: readonly string[] },
): BenchArguments {
  const options = {
    list: { type: 'boolean' },
    rounds: { type: 'string' },
    peers: { type: 'string' },
    size: { type: 'string' },
    files: { type: 'string' },
    output: { type: 'string' },
  } as const
  const { values, positionals } = parseWords(words, options, USAGE)
  refuseUnknown('scenario', positionals, ['all', ...known.scenarios])
  const peers = values.peers === undefined ? null : values.peers.split(',').filter((name) => name !== '')
  refuseUnknown('peer', peers ?? [], known.peers)
  if (peers?.length === 0)
    throw new ArgumentError('--peers takes names with commas between them, such as sluice,rclone-http.')
  const rounds = readCount('--rounds', values.rounds, MAX_ROUNDS)
  const files = readCount('--files', values.files, MAX_FILES)
  const sizeBytes = readSize('--size', values.size, 1, 'the size of each file, such as 256MiB')
  const { list = false, output = null } = values
  return { list, scenarios: positionals, rounds, peers, sizeBytes, files, output }
}
