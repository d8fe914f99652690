import type { ReadLane } from '../source/origin.ts'
import type { OpenedSource, Source, SourceRead } from '../source/source.ts'
import { NoLongerWanted } from './no-longer-wanted.ts'
import { sliceBytes, sliceCount } from './slice-plan.ts'
import type { FileSlice, PassingStream, SlicedFile } from './sliced-file.ts'
import type { Pace, ReadCounters } from './span-fetch.ts'

/** A stream that has stood still for so long gives its request to whoever waits for one; its readers begin anew. */
const STILL_MS = 5_000

/**
 * The one stream of a source without ranges, cut into slices as it passes. Whoever wants a slice that has not passed yet joins it; what
 * passes unasked is kept by the cache. It stands still while nobody wants what comes next, and ends when nobody wants anything.
 */
export class WholeFetch implements PassingStream {
  readonly #file: SlicedFile
  readonly #source: Source
  readonly #counters: ReadCounters
  readonly #opened: OpenedSource | null
  readonly #stop = new AbortController()
  readonly #slices = new Set<FileSlice>()
  #read: SourceRead | null = null
  #index = 0
  #buffer: Uint8Array | null = null
  #filledBytes = 0
  #isPaused = false
  #stillTimer: NodeJS.Timeout | undefined
  readonly #pace: Pace | null
  /** A limit of ours holds it. */
  #isPaced = false

  /** `opened`: the stream, where a first contact has brought it along. */
  constructor(
    file: SlicedFile,
    source: Source,
    counters: ReadCounters,
    { opened = null, pace = null }: { opened?: OpenedSource | null; pace?: Pace | null } = {},
  ) {
    this.#file = file
    this.#pace = pace
    this.#opened = opened
    this.#source = source
    this.#counters = counters
  }

  get index(): number {
    return this.#index
  }

  /** The source has sent bytes. */
  get hasReceived(): boolean {
    return this.#index > 0 || this.#filledBytes > 0
  }

  willPass(index: number): boolean {
    return !this.#stop.signal.aborted && (index > this.#index || (index === this.#index && !this.#isDone()))
  }

  join(slice: FileSlice): void {
    this.#slices.add(slice)
    slice.takenBy(this)
    if (!this.#isPaused) return
    this.#isPaused = false
    if (!this.#isPaced) this.#read?.resume()
  }

  /** Somebody needs what has passed: one that nobody reads on must not hold the only request there may be. */
  giveWay(): void {
    if (this.#isPaused && !this.#isAhead())
      this.#stop.abort(new NoLongerWanted('What is needed of this file has passed.'))
  }

  interestLost(): void {
    if (this.#file.hasReaders || this.#isAhead()) return
    this.#stop.abort(new NoLongerWanted('Nobody reads this file any more.'))
  }

  /** Reads until nobody wants more. Rejects with the failure; slices that are not over then are left to the caller. */
  async run(lane: ReadLane): Promise<readonly FileSlice[]> {
    this.#counters.originFetches++
    try {
      this.#read = this.#source.readWhole({
        target: this.#file.target,
        identity: this.#file.identity,
        signal: this.#stop.signal,
        opened: this.#opened,
        sink: (chunk) => {
          lane.delivered(chunk.byteLength)
          const isWanted = this.#take(chunk)
          return this.#keepsPace(chunk.byteLength) && isWanted
        },
      })
      await this.#read.done
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
      if (!this.#isDone()) this.#counters.abortedFetches++
    } finally {
      clearTimeout(this.#stillTimer)
    }
    return this.left()
  }

  /** Slices that were joined and are still to come. */
  left(): readonly FileSlice[] {
    return [...this.#slices].filter((slice) => slice.carrier === this)
  }

  #isDone(): boolean {
    return this.#index >= sliceCount(this.#file.sizeBytes, this.#file.sliceSizeBytes)
  }

  #keepsPace(bytes: number): boolean {
    if (!this.#pace) return true
    const goesOn = this.#pace(bytes, this.#goOn)
    this.#isPaced = !goesOn
    if (!goesOn) this.#file.gate.origin?.heldBack()
    return goesOn
  }

  readonly #goOn = (): void => {
    this.#isPaced = false
    if (!this.#isPaused) this.#read?.resume()
  }

  #take(chunk: Uint8Array): boolean {
    this.#counters.originBytes += chunk.byteLength
    this.#file.gate.meter.originBytes += chunk.byteLength
    for (let offset = 0; offset < chunk.byteLength; ) {
      const { startByte, endByte } = sliceBytes(this.#index, this.#file.sizeBytes, this.#file.sliceSizeBytes)
      this.#buffer ??= Buffer.allocUnsafeSlow(endByte - startByte)
      const length = Math.min(chunk.byteLength - offset, this.#buffer.byteLength - this.#filledBytes)
      this.#buffer.set(chunk.subarray(offset, offset + length), this.#filledBytes)
      this.#filledBytes += length
      offset += length
      if (this.#filledBytes === this.#buffer.byteLength) this.#passed(this.#buffer)
    }
    this.#isPaused = !this.#isDone() && !this.#isAhead()
    if (this.#isPaused) this.#watchStill()
    return !this.#isPaused
  }

  #watchStill(): void {
    clearTimeout(this.#stillTimer)
    this.#stillTimer = setTimeout(() => {
      if (!this.#isPaused) return
      if (this.#file.gate.waiting > 0) this.giveWay()
      else this.#watchStill()
    }, STILL_MS).unref()
  }

  #passed(bytes: Uint8Array): void {
    const index = this.#index++
    this.#buffer = null
    this.#filledBytes = 0
    this.#file.keep(index, bytes)
    for (const slice of this.#slices) {
      if (slice.index !== index) continue
      this.#slices.delete(slice)
      slice.complete(bytes)
    }
  }

  /** Somebody waits for what comes. */
  #isAhead(): boolean {
    for (const slice of this.#slices) if (slice.isWanted) return true
    return false
  }
}
