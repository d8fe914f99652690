import type { Figures } from '../harness/measure-script.ts'
import type { StoreConnection } from '../sinks/store.ts'
import type { TlsFiles } from '../sources/source.ts'

/** Files of one size to be brought into a bucket: the same for everybody in a round, but for the keys. */
export interface Work {
  readonly files: readonly { readonly url: string; readonly key: string; readonly sizeBytes: number }[]
  /** Where the source's listing of these files is, for those who copy a folder; null where it lists nothing. */
  readonly listingUrl: string | null
  /** The folder the keys are in. */
  readonly keyPrefix: string
  readonly store: StoreConnection
  readonly tls: TlsFiles | undefined
  /** For whoever puts the file on a disk first. */
  readonly scratchFolder: string
  readonly limitMs: number
  readonly signal: AbortSignal
}

/** Somebody who can do the work. */
export interface Peer {
  readonly name: string
  /** Its programs' versions. */
  version(): string
  /** Why it cannot do this work here, as a sentence; null where it can. */
  unavailable(work: Work): string | null
  /** Starts what runs before the work does; not measured. `run` comes next, in any case. */
  prepare?(work: Work): Promise<void>
  /** Does it, and throws where it could not. Whether the bytes are right is looked at by others. */
  run(work: Work): Promise<Figures>
}
