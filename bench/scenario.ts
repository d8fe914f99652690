import type { StoreKind } from './sinks/store.ts'
import type { SourceKind } from './sources/source.ts'

/** A piece of work that everybody does in turn, as data. */
export interface Scenario {
  readonly name: string
  /** What it shows, as a sentence. */
  readonly shows: string
  readonly source: SourceKind
  readonly store: StoreKind
  readonly tls?: boolean
  readonly files: { readonly count: number; readonly sizeBytes: number }
  /** Peers that would take too long do less, and count by their rate. */
  readonly shorter?: Readonly<Record<string, number>>
  /** Names from bench/peers, Sluice as it comes aside. */
  readonly peers: readonly string[]
  readonly rounds: number
  /** The least time it can take, by the limits of the source. */
  readonly idealSeconds?: number
  /** Left out of `all`: only by name. */
  readonly isHuge?: boolean
  /** Instead of the eight minutes every other has. */
  readonly limitMs?: number
}
