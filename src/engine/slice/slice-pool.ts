import { TransferError } from '../../server/domain/failure.ts'
import type { ReadLane } from '../source/origin.ts'
import type { Source } from '../source/source.ts'
import { RANKS, type Rank } from './fetch-queue.ts'
import { NoLongerWanted } from './no-longer-wanted.ts'
import { type OpenedAnswer, Opening } from './opening.ts'
import { OwnAhead } from './own-ahead.ts'
import { isPassingRefusal, isRangeRefusal } from './refusals.ts'
import { Slice } from './slice.ts'
import { slicesOf } from './slice-plan.ts'
import type { FileSlice, SlicedFile } from './sliced-file.ts'
import { type Pace, type ReadCounters, SilentConnection, SpanFetch } from './span-fetch.ts'
import { LEAST_SPAN_BYTES, spanLength } from './span-plan.ts'
import { WholeFetch } from './whole-fetch.ts'

export interface SlicePoolOptions {
  readonly source: Source
  /** One fetch a slice however many want it (SLUICE_FEATURE_COALESCING). */
  readonly isCoalescing: boolean
  /** Several requests for one file at once (SLUICE_FEATURE_PARALLEL_SLICES). */
  readonly isParallel: boolean
  /** Requests for one file at once, and slices of one request at most; by profile. */
  readonly maxSpansPerFile: number
  readonly maxSlicesPerSpan: number
  /** Tries after the first for a slice that makes no progress. */
  readonly sliceRetries: number
  /** How long a request may be silent before its waiters fall back to another. */
  readonly waitLimitMs: number
  /** A limit that all of it keeps to; null or left out for none. */
  readonly pace?: Pace | null
}

const FIRST_RETRY_MS = 100
/** Slices found missing within this time are asked for together. */
const SETTLE_MS = 20
/** How long an engine may hold the right to fetch a slice. One that died is waited for no longer: then its right is taken over. */
const CLAIM = { leaseMs: 10_000, waitMs: 12_000 }

/**
 * Slices on their way, of all files of an engine. A slice is looked for in the cache, else fetched from its origin: once however many
 * readers and transfers want it, adjacent ones together, and only as long as somebody wants it.
 *
 *     want → looking (disk, shared tier) → queued at the origin's gate → fetching, part of a span → kept by the cache, handed to all
 */
export class SlicePool {
  readonly counters: ReadCounters = {
    originFetches: 0,
    originBytes: 0,
    failedFetches: 0,
    abortedFetches: 0,
    retries: 0,
    coalescedSlices: 0,
    prefetchedSlices: 0,
    fallbacks: 0,
  }
  readonly ownAhead = new OwnAhead()
  readonly #options: SlicePoolOptions
  /** Files with requests under way, and how many. */
  readonly #underWay = new Map<SlicedFile, number>()

  constructor(options: SlicePoolOptions) {
    this.#options = options
  }

  get isCoalescing(): boolean {
    return this.#options.isCoalescing
  }

  /** The limit it keeps to, for what is read from the same origins without slices. */
  get pace(): Pace | null {
    return this.#options.pace ?? null
  }

  get isParallel(): boolean {
    return this.#options.isParallel
  }

  /** Nothing that is on its way now of objects whose id begins so is kept, whoever still knows them. */
  purged(idBeginning: string): void {
    for (const file of this.#underWay.keys()) if (file.objectId.startsWith(idBeginning)) file.purged()
  }

  /**
   * Wants a slice now, and those of `ahead` soon. Each that is returned is released once, whether it came or not. A slice in memory is
   * looked for by the caller first (`SlicedFile.peek`). `current` is null where only what lies ahead is wanted.
   */
  want(file: SlicedFile, current: number | null, ahead: Iterable<number>, rank: Rank): FileSlice[] {
    const wanted: FileSlice[] = []
    const made: FileSlice[] = []
    const add = (index: number, as: Rank) => {
      const known = this.#options.isCoalescing ? file.wanted.get(index) : undefined
      if (known) {
        known.join(as)
        if (!known.isOpening) this.counters.coalescedSlices++
        known.isOpening = false
        wanted.push(known)
        return
      }
      const slice = this.#newSlice(file, index, as)
      file.add(slice)
      made.push(slice)
      wanted.push(slice)
    }
    if (current !== null) add(current, rank)
    for (const index of ahead) {
      add(index, RANKS.prefetch)
      this.counters.prefetchedSlices++
    }
    if (made.length > 0) void this.#find(file, made)
    return wanted
  }

  /**
   * Looks into the slower tiers for all of them at once, so that what is missing is still adjacent when it is asked for. Those that another
   * engine fetches just now are left to it, and hold up nobody.
   */
  async #find(file: SlicedFile, slices: readonly FileSlice[]): Promise<void> {
    const missing = await this.#missing(file, slices, (slice) => this.#askAndPump(slice))
    for (const slice of missing) this.#ask(slice)
    file.gate.pump()
  }

  /** Those that are surely in no tier. `late` is told of each that is not known in time, once it is. */
  async #missing(
    file: SlicedFile,
    slices: readonly FileSlice[],
    late: (slice: FileSlice) => void,
  ): Promise<readonly FileSlice[]> {
    if (file.cache === null) return slices.filter((slice) => slice.state === 'looking')
    const looked = new Set<FileSlice>()
    const looking = slices.map(async (slice) => {
      await this.#look(file, slice)
      looked.add(slice)
    })
    const settled = Promise.withResolvers<void>()
    const timer = setTimeout(settled.resolve, SETTLE_MS)
    await Promise.race([Promise.all(looking), settled.promise])
    clearTimeout(timer)
    for (const [at, slice] of slices.entries())
      if (!looked.has(slice)) void looking[at]?.then(() => slice.state === 'looking' && late(slice))
    return [...looked].filter((slice) => slice.state === 'looking')
  }

  /**
   * Takes the answer of a first contact for slices of a file that nobody has wanted yet. They count as wanted until the opening is released;
   * `done` resolves when the answer is over, and rejects with what broke it, which those who wait for slices are told otherwise.
   */
  open(
    file: SlicedFile,
    answer: OpenedAnswer,
    lane: ReadLane,
  ): { readonly opening: Opening; readonly done: Promise<void> } {
    const { range, opened } = answer
    if (range === null) {
      const opening = new Opening(file, [])
      const whole = new WholeFetch(file, this.#options.source, this.counters, { opened, pace: this.pace })
      file.wholes.add(whole)
      return { opening, done: Promise.resolve(opening.ready).then(() => this.#carryWhole(file, whole, lane)) }
    }
    const slices: FileSlice[] = []
    const { firstIndex, endIndex } = slicesOf(range.startByte, range.endByte, file.sliceSizeBytes)
    for (let index = firstIndex; index < endIndex; index++) {
      const slice = this.#newSlice(file, index, index === firstIndex ? RANKS.short : RANKS.prefetch)
      slice.isOpening = true
      const bytes = file.peek(index)
      if (bytes) {
        slice.foundIn = 'memory'
        slice.complete(bytes)
      } else if (file.wanted.has(index)) slice.fail(new NoLongerWanted('It is on its way already.'))
      else {
        file.brought.add(index)
        file.add(slice)
      }
      slices.push(slice)
    }
    const opening = new Opening(file, slices)
    return { opening, done: this.#carryOpened(opening, answer, lane) }
  }

  #begin(file: SlicedFile): void {
    this.#underWay.set(file, (this.#underWay.get(file) ?? 0) + 1)
  }

  #end(file: SlicedFile): void {
    const left = (this.#underWay.get(file) ?? 0) - 1
    if (left > 0) this.#underWay.set(file, left)
    else this.#underWay.delete(file)
  }

  async #carryOpened(opening: Opening, { opened, headMs }: OpenedAnswer, lane: ReadLane): Promise<void> {
    const { slices } = opening
    const { file } = slices[0] as FileSlice
    this.#begin(file)
    if (opening.ready) await opening.ready
    const { source, waitLimitMs } = this.#options
    const span = new SpanFetch(slices, source, this.counters, waitLimitMs, { opened, pace: this.pace })
    const looked = slices.filter(({ state }) => state === 'looking')
    const take = (slice: FileSlice) => span.join(slice) || this.#askAndPump(slice)
    for (const slice of await this.#missing(file, looked, take)) take(slice)
    span.interestLost()
    // Where one connection is slow, several get more: the last slices are asked for beside it.
    const spread = setTimeout(() => {
      const bytesPerMs = span.receivedBytes / (headMs + SETTLE_MS)
      if (!this.isParallel || span.missingBytes < Math.max(LEAST_SPAN_BYTES, bytesPerMs * 2 * headMs)) return
      for (const slice of span.giveAway(Math.ceil(slices.length / this.#options.maxSpansPerFile))) this.#ask(slice)
      file.gate.pump()
    }, headMs + SETTLE_MS)
    try {
      await this.#carry(slices, span, lane)
    } finally {
      clearTimeout(spread)
      opening.release()
      this.#end(file)
    }
  }

  #askAndPump(slice: FileSlice): void {
    this.#ask(slice)
    slice.file.gate.pump()
  }

  async #look(file: SlicedFile, slice: FileSlice): Promise<void> {
    if (file.cache === null) return
    const key = { objectId: file.objectId, version: file.version, index: slice.index }
    try {
      let found = await file.cache.get(key, slice.signal)
      if (found === null && slice.state === 'looking') {
        const { slice: theirs, claim } = await file.cache.claimFetch(key, CLAIM, slice.signal)
        found = theirs
        if (claim) slice.bytes.then(claim.release, claim.release)
      }
      // A slice of another length is none of this file, whoever put it there.
      if (found?.bytes.byteLength !== slice.lengthBytes || slice.state === 'over') return
      slice.foundIn = found.tier
      file.brought.delete(slice.index)
      slice.complete(found.bytes)
    } catch {
      // A cache that fails is a miss; and who gave up looking needs no answer.
    }
  }

  /** Asks the origin for a slice; the caller pumps the gate. */
  #ask(slice: FileSlice): void {
    const { file } = slice
    if (file.change !== null) {
      slice.fail(file.change)
      return
    }
    if (!file.acceptsRanges) {
      const passing = [...file.wholes].filter((whole) => whole.willPass(slice.index))
      const nearest = passing.sort((a, b) => b.index - a.index)[0]
      if (nearest) {
        nearest.join(slice)
        return
      }
      for (const whole of file.wholes) whole.giveWay()
    }
    slice.enqueue()
  }

  #newSlice(file: SlicedFile, index: number, rank: Rank): FileSlice {
    const start = (lane: ReadLane) =>
      file.acceptsRanges ? this.#fetchSpan(slice, lane) : this.#fetchWhole(slice, lane)
    const slice: FileSlice = new Slice(file, index, rank, start)
    return slice
  }

  async #fetchSpan(first: FileSlice, lane: ReadLane): Promise<boolean> {
    const slices = this.#adjacent(first)
    const { source, waitLimitMs } = this.#options
    const span = new SpanFetch(slices, source, this.counters, waitLimitMs, { pace: this.pace })
    await this.#carry(slices, span, lane)
    return span.receivedBytes > 0
  }

  async #carry(slices: readonly FileSlice[], span: SpanFetch, lane: ReadLane): Promise<void> {
    const { file } = slices[0] as FileSlice
    const reservedBytes = slices.reduce((sum, slice) => sum + slice.lengthBytes, 0)
    const { limiter } = file.gate
    limiter.reserve(reservedBytes)
    file.activeSpans++
    this.#begin(file)
    try {
      await span.run(lane)
    } catch (error) {
      // A host that finds requests too many may say so with 403 (correctness.md case 24): then fewer are made of it.
      if (isPassingRefusal(error, file) && file.activeSpans > 1) lane.refused()
      this.#failed(slices, span, span.receivedBytes > 0, error)
      throw error
    } finally {
      file.activeSpans--
      this.#end(file)
      limiter.free(reservedBytes)
    }
  }

  /** The slice whose turn it is, and the adjacent ones that wait too. */
  #adjacent(first: FileSlice): readonly FileSlice[] {
    const { file } = first
    if (!this.#options.isCoalescing || !this.#options.isParallel) return [first]
    const waiting = [first]
    for (let index = first.index + 1; ; index++) {
      const next = file.wanted.get(index)
      if (next?.state !== 'queued') break
      waiting.push(next)
    }
    const { origin, limiter } = file.gate
    const length = spanLength(waiting.length, {
      sliceSizeBytes: file.sliceSizeBytes,
      activeSpans: file.activeSpans,
      maxSpans: this.#options.maxSpansPerFile,
      maxSlices: this.#options.maxSlicesPerSpan,
      firstByteMs: origin?.firstByteMs ?? 0,
      laneBytesPerSecond: origin?.laneBytesPerSecond ?? 0,
    })
    return waiting.slice(0, limiter.roomFor(length, file.sliceSizeBytes))
  }

  async #fetchWhole(slice: FileSlice, lane: ReadLane): Promise<boolean> {
    const { file } = slice
    const whole = new WholeFetch(file, this.#options.source, this.counters, { pace: this.pace })
    for (const other of file.wanted.values()) if (other.state === 'queued') whole.join(other)
    if (slice.state === 'queued') whole.join(slice)
    await this.#carryWhole(file, whole, lane)
    return whole.hasReceived
  }

  async #carryWhole(file: SlicedFile, whole: WholeFetch, lane: ReadLane): Promise<void> {
    file.wholes.add(whole)
    this.#begin(file)
    file.gate.limiter.reserve(file.sliceSizeBytes)
    let left: readonly FileSlice[] = []
    try {
      left = await whole.run(lane)
      for (const each of left) this.#ask(each)
    } catch (error) {
      this.#failed(whole.left(), whole, false, error)
      throw error
    } finally {
      file.wholes.delete(whole)
      this.#end(file)
      file.gate.limiter.free(file.sliceSizeBytes)
    }
  }

  /** What happens to the slices a failed request has left: tried again where that helps, else failed with it. */
  #failed(slices: readonly FileSlice[], carrier: SpanFetch | WholeFetch, hasProgressed: boolean, error: unknown): void {
    const left = slices.filter((slice) => slice.carrier === carrier)
    const { counters } = this
    if (error instanceof SilentConnection) {
      for (const slice of left) this.#again(slice, 0)
      return
    }
    counters.failedFetches++
    const first = left[0]
    if (!first) return
    const { file } = first
    if (error instanceof TransferError && error.code === 'source_changed') {
      // One odd answer may come from one node of many; the second is believed.
      if (++first.mismatches > 1) file.changed(error)
      else for (const slice of left) this.#again(slice, FIRST_RETRY_MS)
      return
    }
    if (error instanceof TransferError && isRangeRefusal(error) && file.acceptsRanges) {
      file.acceptsRanges = false
      for (const slice of left) this.#again(slice, 0)
      return
    }
    const isPassing = isPassingRefusal(error, file)
    // As long as others get through it is its turn that is missing; how long that may take is for the reader to say.
    const isMoving = hasProgressed || (isPassing && file.come.slices > first.comeBefore)
    first.comeBefore = file.come.slices
    first.failures = isMoving ? 1 : first.failures + 1
    const mayHelp = error instanceof TransferError && error.retry !== 'never' && error.retryAfterMs === undefined
    const helps = isPassing || mayHelp
    if (!helps || first.failures > this.#options.sliceRetries) {
      for (const slice of left) slice.fail(error)
      return
    }
    // 100, 200, 400, ... ms, a little spread.
    const pauseMs = FIRST_RETRY_MS * 2 ** (first.failures - 1) * (0.75 + Math.random() / 2)
    for (const slice of left) this.#again(slice, pauseMs)
  }

  /** Queues a slice anew after a pause, if somebody still wants it then. */
  #again(slice: FileSlice, pauseMs: number): void {
    if (!slice.isWanted) {
      slice.release()
      return
    }
    this.counters.retries++
    slice.rest()
    setTimeout(() => {
      if (slice.state !== 'resting') return
      this.#ask(slice)
      slice.file.gate.pump()
    }, pauseMs).unref()
  }
}
