import type { ReadLane } from '../source/origin.ts'
import type { OpenedSource, Source, SourceRead } from '../source/source.ts'
import { NoLongerWanted } from './no-longer-wanted.ts'
import type { SliceCarrier } from './slice.ts'
import type { FileSlice, SlicedFile } from './sliced-file.ts'

/** What the read path counts, for all origins of an engine. */
export interface ReadCounters {
  /** Requests: ranged GETs for slices, streams, and questions what a file is. */
  originFetches: number
  originBytes: number
  /** Fetches that failed. */
  failedFetches: number
  /** Fetches given up because nobody wanted them any more; no failures. */
  abortedFetches: number
  retries: number
  /** Slices that somebody else was fetching already. */
  coalescedSlices: number
  prefetchedSlices: number
  /** Second requests for a slice whose first one was silent. */
  fallbacks: number
}

/** Silence is looked for so often within its limit; by two looks later than the limit at most it is seen. */
const LOOKS = 4
const SHORTEST_LOOK_MS = 10

/** Counts bytes that have come against a limit. False: what reads stands still until `resume` is called, which is never at once. */
export type Pace = (bytes: number, resume: () => void) => boolean

/** One ranged GET for adjacent slices. Each is handed over as it completes; the request ends when none of the rest is wanted. */
export class SpanFetch implements SliceCarrier {
  readonly #file: SlicedFile
  readonly #slices: readonly FileSlice[]
  readonly #source: Source
  readonly #counters: ReadCounters
  readonly #opened: OpenedSource | null
  readonly #stop = new AbortController()
  /** Without a byte for so long, the slice that is due is asked for once more, on another connection. */
  readonly #waitLimitMs: number
  /** The slice that is passing, and the byte that is due. */
  #at = 0
  #position = 0
  /** Slices from here on were given to others; none is left once it is over. */
  #endAt: number
  /** What had come at the last look. */
  #seenBytes = 0
  /** Looks in a row at which nothing had come. A clock would take a standstill of our own for silence of the source. */
  #silentLooks = 0
  #hasRival = false
  readonly #pace: Pace | null
  /** It stands still because of a limit of ours, which is no silence of the source. */
  #isPaced = false
  receivedBytes = 0

  /** `opened`: the answer for all of `slices`, where a first contact has brought it along; then it carries those that join. */
  constructor(
    slices: readonly FileSlice[],
    source: Source,
    counters: ReadCounters,
    waitLimitMs: number,
    { opened = null, pace = null }: { opened?: OpenedSource | null; pace?: Pace | null } = {},
  ) {
    this.#slices = slices
    this.#endAt = slices.length
    this.#pace = pace
    this.#opened = opened
    this.#file = (slices[0] as FileSlice).file
    this.#source = source
    this.#counters = counters
    this.#waitLimitMs = waitLimitMs
    if (!opened) for (const slice of slices) slice.takenBy(this)
  }

  get isAborted(): boolean {
    return this.#stop.signal.aborted
  }

  /** Carries one of its slices that was still looked for elsewhere. False where that has passed, or the request is over or ends before it. */
  join(slice: FileSlice): boolean {
    const at = this.#slices.indexOf(slice)
    if (this.isAborted || at < this.#at || at >= this.#endAt) return false
    slice.takenBy(this)
    return true
  }

  /** Gives up the last of its slices that have not begun, all but so many of what is left; they are queued anew by the caller. */
  giveAway(keepSlices: number): readonly FileSlice[] {
    this.#endAt = Math.min(this.#endAt, this.#at + keepSlices)
    const given = this.#slices.slice(this.#endAt).filter((slice) => slice.carrier === this)
    for (const slice of given) slice.rest()
    this.interestLost()
    return given
  }

  /** Bytes that are still to come, if all of them are wanted. */
  get missingBytes(): number {
    return (this.#slices.at(-1)?.endByte ?? 0) - this.#position
  }

  interestLost(): void {
    if (this.#slices.some((slice) => slice.carrier === this && slice.isWanted)) return
    this.#stop.abort(new NoLongerWanted('Nobody waits for these slices any more.'))
  }

  /** Reads until every slice is handed over or unwanted. Rejects with the failure; which slices are left then is for the caller to see. */
  async run(lane: ReadLane): Promise<void> {
    const [first] = this.#slices
    const last = this.#slices.at(-1)
    if (!first || !last || this.isAborted) {
      this.#opened?.discard()
      return
    }
    // Only a first slice can go on in the middle; the others begin anew.
    for (const slice of this.#slices)
      if (slice.carrier === this && (slice !== first || this.#opened)) slice.filledBytes = 0
    this.#position = first.startByte + (this.#opened ? 0 : first.filledBytes)
    this.#counters.originFetches++
    const lookEveryMs = Math.max(SHORTEST_LOOK_MS, this.#waitLimitMs / LOOKS)
    const watch = setInterval(() => this.#watch(this.#waitLimitMs / lookEveryMs), lookEveryMs)
    const keepsPace = this.#pacedBy(() => read.resume())
    let read: SourceRead
    try {
      read = this.#source.readRange({
        target: this.#file.target,
        identity: this.#file.identity,
        startByte: this.#position,
        endByte: last.endByte,
        signal: this.#stop.signal,
        opened: this.#opened,
        sink: (chunk) => {
          lane.delivered(chunk.byteLength)
          this.#take(chunk)
          return keepsPace(chunk.byteLength)
        },
      })
      await read.done
    } catch (error) {
      if (!this.isAborted) throw error
      if (!(this.#stop.signal.reason instanceof NoLongerWanted)) throw error
      // The last byte may be there already when the rest is cut off.
      if (this.#at < this.#slices.length) this.#counters.abortedFetches++
    } finally {
      this.#endAt = 0
      clearInterval(watch)
    }
  }

  /** What a read asks for each of its chunks; made once for a read. */
  #pacedBy(resume: () => void): (bytes: number) => boolean {
    const pace = this.#pace
    if (!pace) return () => true
    const goOn = () => {
      this.#isPaced = false
      this.#silentLooks = 0
      resume()
    }
    return (bytes) => {
      const goesOn = pace(bytes, goOn)
      this.#isPaced = !goesOn
      if (!goesOn) this.#file.gate.origin?.heldBack()
      return goesOn
    }
  }

  #take(chunk: Uint8Array): void {
    let offset = 0
    // Where the last wanted slice ends within the chunk the request is given up, and what lies behind that was not taken.
    while (offset < chunk.byteLength && !this.isAborted) {
      const slice = this.#slices[this.#at] as FileSlice
      const length = Math.min(chunk.byteLength - offset, slice.endByte - this.#position)
      this.#position += length
      this.#write(slice, chunk.subarray(offset, offset + length))
      offset += length
    }
    this.receivedBytes += offset
    this.#counters.originBytes += offset
    this.#file.gate.meter.originBytes += offset
  }

  #write(slice: FileSlice, bytes: Uint8Array): void {
    // One that a rival brought, or that nobody wants, or that was found elsewhere, is read past. One still looked for has come with it.
    const isFor = slice.carrier === this || slice.state === 'looking'
    if (isFor) {
      slice.buffer ??= Buffer.allocUnsafeSlow(slice.lengthBytes)
      slice.buffer.set(bytes, slice.filledBytes)
      slice.filledBytes += bytes.byteLength
    }
    if (this.#position < slice.endByte) return
    this.#at++
    if (isFor && slice.buffer) this.#handOver(slice, slice.buffer)
    if (this.#at < this.#slices.length) this.interestLost()
  }

  #handOver(slice: FileSlice, bytes: Uint8Array): void {
    this.#file.keep(slice.index, bytes)
    slice.complete(bytes)
  }

  /** A writer that went silent must not hold up those who wait (correctness.md case 45): they fall back to one request of their own. */
  #watch(looksUntilSilent: number): void {
    this.#silentLooks = this.receivedBytes > this.#seenBytes ? 0 : this.#silentLooks + 1
    this.#seenBytes = this.receivedBytes
    const slice = this.#slices[this.#at]
    if (slice?.carrier !== this || this.#hasRival || this.#isPaced || !slice.isWanted) return
    if (this.#silentLooks < looksUntilSilent) return
    // A rival is one request more: where the engine has no room for it, the next look decides.
    if (!this.#file.gate.limiter.tryAcquire()) return
    this.#hasRival = true
    this.#counters.fallbacks++
    void this.#race(slice)
  }

  async #race(slice: FileSlice): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(slice.lengthBytes)
    let filledBytes = 0
    this.#counters.originFetches++
    const keepsPace = this.#pacedBy(() => read.resume())
    let read: SourceRead
    try {
      read = this.#source.readRange({
        target: this.#file.target,
        identity: this.#file.identity,
        startByte: slice.startByte,
        endByte: slice.endByte,
        signal: this.#stop.signal,
        sink: (chunk) => {
          buffer.set(chunk, filledBytes)
          filledBytes += chunk.byteLength
          this.#counters.originBytes += chunk.byteLength
          this.#file.gate.meter.originBytes += chunk.byteLength
          return keepsPace(chunk.byteLength)
        },
      })
      await read.done
      if (slice.state === 'over') return
      this.#handOver(slice, buffer)
      // The first connection is as good as dead: the rest is asked for anew.
      this.#stop.abort(new SilentConnection('Its connection went silent.'))
    } catch {
      // The first request goes on; its own end decides.
    } finally {
      this.#hasRival = false
      this.#file.gate.limiter.release()
    }
  }
}

/** The request was given up for one that answered. */
export class SilentConnection extends Error {
  override readonly name = 'SilentConnection'
}
