import type { CacheTier } from '../cache/slice-cache.ts'
import type { ReadLane } from '../source/origin.ts'
import type { Rank } from './fetch-queue.ts'
import { NoLongerWanted } from './no-longer-wanted.ts'
import type { GateEntry, OriginGate } from './origin-gate.ts'
import { sliceBytes } from './slice-plan.ts'

/**
 * `looking`: the slower tiers of the cache are asked; `queued`: it waits for a request; `fetching`: a request carries it; `resting`: a
 * try failed and the next one is due soon; `over`: it is there, or failed, or nobody wants it. Only `over` is never left.
 */
export type SliceState = 'looking' | 'queued' | 'fetching' | 'resting' | 'over'

/** What carries a slice; it looks after its interest when one of its slices is no longer wanted. */
export interface SliceCarrier {
  interestLost(): void
}

/** What a slice needs of the file it is of (sliced-file.ts). */
export interface FileOfSlice {
  readonly sizeBytes: number
  readonly sliceSizeBytes: number
  readonly gate: OriginGate
  /** It is over. */
  forget(slice: Slice): void
}

/**
 * One slice on its way, whoever wants it. Interest is counted, not timed: with the last `release` everything that was done for it ends.
 * `bytes` is one promise for all; it is only there while there is interest, and what it resolves to is never written to again.
 */
export class Slice<File extends FileOfSlice = FileOfSlice> implements GateEntry {
  readonly file: File
  readonly index: number
  readonly startByte: number
  readonly endByte: number
  readonly bytes: Promise<Uint8Array>
  rank: Rank
  state: SliceState = 'looking'
  carrier: SliceCarrier | null = null
  /** Tries that failed without a byte in between. */
  failures = 0
  /** What had come of its file when its latest try failed. */
  comeBefore = 0
  /** Answers of another version; the second one is believed (correctness.md case 14). */
  mismatches = 0
  /** What has come so far: a next try goes on from there. */
  buffer: Uint8Array | null = null
  filledBytes = 0
  hasCome = false
  /** The tier it was in after all; null where it is fetched. */
  foundIn: CacheTier | null = null
  /** Asked for with the first question to the origin; the first that joins is whom it was asked for. */
  isOpening = false
  readonly #looking = new AbortController()
  #interest = 1
  readonly #start: (lane: ReadLane) => Promise<boolean>
  readonly #settled = Promise.withResolvers<Uint8Array>()

  /** `start` fetches it, when its turn has come; see `GateEntry.run`. */
  constructor(file: File, index: number, rank: Rank, start: (lane: ReadLane) => Promise<boolean>) {
    this.file = file
    this.index = index
    this.rank = rank
    this.#start = start
    const { startByte, endByte } = sliceBytes(index, file.sizeBytes, file.sliceSizeBytes)
    this.startByte = startByte
    this.endByte = endByte
    this.bytes = this.#settled.promise
    // Slices that are read ahead may fail with nobody waiting.
    this.bytes.catch(() => undefined)
  }

  /** Aborted when nobody waits for it any more, or it has come. */
  get signal(): AbortSignal {
    return this.#looking.signal
  }

  get lengthBytes(): number {
    return this.endByte - this.startByte
  }

  get isWaiting(): boolean {
    return this.state === 'queued'
  }

  get isWanted(): boolean {
    return this.#interest > 0 && this.state !== 'over'
  }

  join(rank: Rank): void {
    this.#interest++
    this.raise(rank)
  }

  /** Whoever wanted it ahead needs it now. */
  raise(rank: Rank): void {
    if (this.state === 'queued') this.file.gate.promote(this, rank)
    else if (rank < this.rank) this.rank = rank
  }

  /** One that wanted it does not any more. */
  release(): void {
    this.#interest--
    if (this.#interest > 0 || this.state === 'over') return
    const { carrier } = this
    this.fail(new NoLongerWanted('Nobody waits for this slice any more.'))
    carrier?.interestLost()
  }

  /** Puts it into the queue of its origin; the caller pumps. Fails it where the queue is full. */
  enqueue(): void {
    if (this.state === 'over') return
    try {
      this.file.gate.push(this, this.rank === 3)
      this.state = 'queued'
    } catch (error) {
      this.fail(error)
    }
  }

  /** It is carried by a request from now on. */
  takenBy(carrier: SliceCarrier): void {
    if (this.state === 'queued') this.file.gate.left()
    this.state = 'fetching'
    this.carrier = carrier
  }

  /** A try failed; it is queued again later. */
  rest(): void {
    this.state = 'resting'
    this.carrier = null
  }

  complete(bytes: Uint8Array): void {
    if (!this.#end()) return
    this.hasCome = true
    this.#settled.resolve(bytes)
  }

  fail(error: unknown): void {
    if (!this.#end()) return
    this.#settled.reject(error)
  }

  run(lane: ReadLane): Promise<boolean> {
    return this.#start(lane)
  }

  refuse(error: unknown): void {
    this.fail(error)
  }

  #end(): boolean {
    if (this.state === 'over') return false
    if (this.state === 'queued') this.file.gate.left()
    const wasLooking = this.state === 'looking'
    this.state = 'over'
    this.carrier = null
    this.buffer = null
    this.file.forget(this)
    if (wasLooking) this.#looking.abort()
    return true
  }
}
