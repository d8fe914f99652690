import type { CacheTier } from '../cache/slice-cache.ts'
import type { Rank } from './fetch-queue.ts'
import type { Slice } from './slice.ts'
import type { SlicePool } from './slice-pool.ts'
import type { SlicedFile } from './sliced-file.ts'
import { slicesAhead } from './span-plan.ts'

export interface SliceRunOptions {
  readonly pool: SlicePool
  readonly file: SlicedFile
  /** Slices `[firstIndex, endIndex)`, in order. */
  readonly firstIndex: number
  readonly endIndex: number
  readonly rank: Rank
  /** The reader named the end, or the file is small. */
  readonly isBounded: boolean
  readonly prefetchSlices: number
}

/**
 * One reader's way through slices, in order. What is in memory costs no promise; what is not is fetched, and so is what comes next, as far
 * ahead as the pattern says. Holds nothing but the interest in slices under way: those that have come are the cache's to keep.
 */
export class SliceRun {
  readonly #options: SliceRunOptions
  /** Wanted ahead and not taken yet, by index. */
  readonly #ahead = new Map<number, Slice>()
  /** Asked for on account of this reader, and perhaps in memory once it is due, by index: the tier it was in, null where it is fetched. */
  readonly #come = new Map<number, CacheTier | null>()
  #waiting: Slice | null = null
  #index: number
  /** Up to here somebody has looked whether the slices are in memory. */
  #lookedUpTo: number
  #isClosed = false
  /** True once a slice had to be waited for. */
  hasMissed = false

  constructor(options: SliceRunOptions) {
    this.#options = options
    for (const index of options.file.brought)
      if (index >= options.firstIndex && index < options.endIndex) {
        options.file.brought.delete(index)
        this.#come.set(index, null)
      }
    this.#index = options.firstIndex
    this.#lookedUpTo = options.firstIndex
    options.file.opened()
  }

  get isAtEnd(): boolean {
    return this.#index >= this.#options.endIndex
  }

  /** The next slice: at once where it is in memory, else a promise, which rejects where it cannot be had. */
  next(): Uint8Array | Promise<Uint8Array> {
    const { file, pool, rank } = this.#options
    const index = this.#index++
    const held = this.#ahead.get(index)
    // Looked up and counted at once where nobody had to be asked for it, which is what a warm read does for all of them.
    const bytes = this.#come.size === 0 && !held ? file.take(index) : this.#takeAhead(index, held)
    if (bytes) {
      this.#lookedUpTo = Math.max(this.#lookedUpTo, index + 1)
      if (held) this.#drop(index, held)
      this.#readAhead()
      return bytes
    }
    this.hasMissed = true
    const ahead = this.#missingAhead(index)
    // Read ahead it may have come and be gone from a small cache, or have failed: then it is wanted anew.
    if (held && (held.state !== 'over' || held.hasCome)) {
      this.#letGo(held)
      held.raise(rank)
      this.#keep(pool.want(file, null, ahead, rank))
      return this.#wait(held)
    }
    if (held) this.#drop(index, held)
    const [current, ...rest] = pool.want(file, index, ahead, rank)
    this.#lookedUpTo = Math.max(this.#lookedUpTo, index + 1)
    this.#keep(rest)
    return this.#wait(current as Slice)
  }

  /** Lets go of everything; harmless when called again. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const slice of [...this.#ahead.values()]) this.#drop(slice.index, slice)
    this.#come.clear()
    this.#waiting?.release()
    this.#waiting = null
    this.#options.file.closed()
  }

  async #wait(slice: Slice): Promise<Uint8Array> {
    this.#waiting = slice
    try {
      const bytes = await slice.bytes
      if (!this.#isClosed) this.#options.file.handed(slice.index, slice.foundIn)
      return bytes
    } finally {
      if (this.#waiting === slice) {
        this.#waiting = null
        slice.release()
      }
    }
  }

  /** A slice in memory, while this reader has wanted some ahead: what came for it alone is no hit of memory. */
  #takeAhead(index: number, held: Slice | undefined): Uint8Array | null {
    const { file } = this.#options
    const hasCome = this.#come.has(index) || held?.hasCome === true
    if (!hasCome) return file.take(index)
    const foundIn = this.#come.get(index) ?? held?.foundIn ?? null
    this.#come.delete(index)
    const bytes = file.peek(index)
    if (bytes) file.handed(index, foundIn)
    return bytes
  }

  #readAhead(): void {
    const { file, pool, rank } = this.#options
    const missing = this.#missingAhead(this.#index - 1)
    if (missing.length > 0) this.#keep(pool.want(file, null, missing, rank))
  }

  /** What lies ahead of `index`, is not in memory and not wanted yet. Each slice is looked at once. */
  #missingAhead(index: number): number[] {
    const { file, pool, firstIndex, endIndex, isBounded, prefetchSlices } = this.#options
    const missing: number[] = []
    const isOwn = file.cache === null
    const count = slicesAhead({
      slicesLeft: endIndex - index,
      slicesTaken: isOwn ? 0 : index - firstIndex,
      isBounded: isBounded && !isOwn,
      prefetchSlices: pool.isParallel ? prefetchSlices : 0,
      sliceSizeBytes: file.sliceSizeBytes,
    })
    const upTo = Math.min(
      endIndex,
      index + 1 + (isOwn ? Math.min(count, pool.ownAhead.roomFor(file.sliceSizeBytes)) : count),
    )
    for (let next = Math.max(this.#lookedUpTo, index + 1); next < upTo; next++)
      if (file.peek(next) === null) missing.push(next)
    this.#lookedUpTo = Math.max(this.#lookedUpTo, upTo)
    return missing
  }

  /** What has come is the cache's to hold, so that a reader who stands still pins no memory; without a cache it is kept here. */
  #keep(slices: readonly Slice[]): void {
    for (const slice of slices) {
      this.#ahead.set(slice.index, slice)
      if (this.#options.file.cache === null) {
        this.#options.pool.ownAhead.held(slice.lengthBytes)
        continue
      }
      const forget = () => {
        if (this.#ahead.get(slice.index) !== slice) return
        if (slice.hasCome) this.#come.set(slice.index, slice.foundIn)
        this.#drop(slice.index, slice)
      }
      slice.bytes.then(forget, forget)
    }
  }

  #drop(index: number, slice: Slice): void {
    if (this.#ahead.get(index) === slice) this.#letGo(slice)
    slice.release()
  }

  #letGo(slice: Slice): void {
    this.#ahead.delete(slice.index)
    if (this.#options.file.cache === null) this.#options.pool.ownAhead.held(-slice.lengthBytes)
  }
}
