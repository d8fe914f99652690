import { MIB } from '../../src/server/domain/bytes.ts'
import { ArgumentError, parseWords, readCount, readSize } from '../runner/command-words.ts'

const USAGE =
  'The options are --minutes N, --kills N, --seed N, --size 1GiB, --lease MS, --store ceph, --schedules, --quick and --fresh.'

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
  /** Leases of so many milliseconds. */
  readonly leaseMs: number | null
  /** The store that the files go into: the embedded one, or a real Ceph. */
  readonly store: 'embedded' | 'ceph'
  /** Nothing but random schedules, without an end of its own. */
  readonly schedules: boolean
  /** Begins anew although a run of the same name was not finished. */
  readonly fresh: boolean
}

/** Reads the words; the first one is the name of a run, `soak` where there is none. */
export function readStressArguments(words: readonly string[], names: readonly string[]): StressArguments {
  const options = {
    minutes: { type: 'string' },
    kills: { type: 'string' },
    seed: { type: 'string' },
    size: { type: 'string' },
    lease: { type: 'string' },
    store: { type: 'string' },
    schedules: { type: 'boolean' },
    quick: { type: 'boolean' },
    fresh: { type: 'boolean' },
  } as const
  const { values, positionals } = parseWords(words, options, USAGE)
  const [name = 'soak', ...rest] = positionals
  if (!names.includes(name) || rest.length > 0)
    throw new ArgumentError(`Write one of: ${names.join(', ')}. "${positionals.join(' ')}" is none.`)
  const { store = 'embedded' } = values
  if (store !== 'embedded' && store !== 'ceph')
    throw new ArgumentError(`--store is embedded or ceph; "${store}" is neither.`)
  return {
    name,
    store,
    leaseMs: readCount('--lease', values.lease, 600_000),
    minutes: readCount('--minutes', values.minutes, 7 * 24 * 60),
    kills: readCount('--kills', values.kills, 100_000),
    seed: readCount('--seed', values.seed, 2 ** 31 - 1),
    maxSizeBytes: readSize(
      '--size',
      values.size,
      16 * MIB,
      'the size of the largest file, at least 16MiB, such as 1GiB',
    ),
    schedules: values.schedules ?? false,
    quick: values.quick ?? false,
    fresh: values.fresh ?? false,
  }
}
