import type { CacheTier, SliceStore } from '../cache/slice-cache.ts'
import type { SourceIdentity, SourceTarget } from '../source/source.ts'
import type { OriginGate } from './origin-gate.ts'
import type { Slice, SliceCarrier } from './slice.ts'

export interface SlicedFileOptions {
  readonly objectId: string
  readonly version: string
  readonly target: SourceTarget
  /** What every answer is held against. */
  readonly identity: SourceIdentity & { readonly sizeBytes: number }
  readonly sliceSizeBytes: number
  readonly gate: OriginGate
  /** Null where nothing of it may be kept: then it is one reader's own. */
  readonly cache: SliceStore | null
}

/** A slice on its way, of a file whose other slices can be seen from it. */
export type FileSlice = Slice<SlicedFile>

/** The stream of a source without ranges, which slices join that it will pass. */
export interface PassingStream extends SliceCarrier {
  /** The slice that is passing. */
  readonly index: number
  /** True where a slice is still to come in this stream. */
  willPass(index: number): boolean
  join(slice: FileSlice): void
  /** Ends where it stands still and nobody waits for what it will pass. */
  giveWay(): void
}

/**
 * One version of one file as slices: what all that read it share. Its credentials are part of `target`, and its version is pinned, so that
 * neither is ever mixed: another version, or other credentials, are another SlicedFile.
 */
export class SlicedFile {
  readonly objectId: string
  readonly version: string
  readonly target: SourceTarget
  readonly identity: SourceIdentity & { readonly sizeBytes: number }
  readonly sizeBytes: number
  readonly sliceSizeBytes: number
  readonly gate: OriginGate
  readonly cache: SliceStore | null
  /** Slices on their way, by index; with coalescing off also those beside the first. */
  readonly wanted = new Map<number, FileSlice>()
  readonly #uncoalesced = new Set<FileSlice>()
  /** Requests under way. */
  activeSpans = 0
  /** Slices that have come from the source, and when the latest did. */
  readonly come = { slices: 0, latestMs: Number.NEGATIVE_INFINITY }
  /** Streams of a source without ranges; more than one where somebody came back for what had passed. */
  readonly wholes = new Set<PassingStream>()
  /** What was asked for together with the question what the file is. */
  opening: { release(): void } | null = null
  /** Slices that come with the first answer and that no reader has claimed yet: perhaps in memory before the one who asked is there to take them. */
  readonly brought = new Set<number>()
  /** False once the source has shown that it does not do ranges. */
  acceptsRanges: boolean
  #readers = 0
  #isPurged = false
  #change: unknown = null

  constructor(options: SlicedFileOptions) {
    this.objectId = options.objectId
    this.version = options.version
    this.target = options.target
    this.identity = options.identity
    this.sizeBytes = options.identity.sizeBytes
    this.sliceSizeBytes = options.sliceSizeBytes
    this.gate = options.gate
    this.cache = options.cache
    this.acceptsRanges = options.identity.acceptsRanges
  }

  /** The slice where it is in memory. One of another length is none of this file, whoever put it there. */
  peek(index: number): Uint8Array | null {
    if (this.cache === null) return null
    const bytes = this.cache.peek({ objectId: this.objectId, version: this.version, index })
    return bytes !== null && bytes.byteLength === this.#lengthOf(index) ? bytes : null
  }

  /** The slice where it is in memory, for a reader who is given it: counted as a hit. */
  take(index: number): Uint8Array | null {
    if (!this.cache?.take) return this.peek(index)
    return this.cache.take({ objectId: this.objectId, version: this.version, index }, this.#lengthOf(index))
  }

  /** Counts a slice that a reader is given otherwise. `foundIn`: the tier it was in; null where it had to be fetched. */
  handed(index: number, foundIn: CacheTier | null): void {
    this.cache?.handed?.({ objectId: this.objectId, version: this.version, index }, this.#lengthOf(index), foundIn)
  }

  /** Somebody reads it, though perhaps wants nothing at this moment. */
  get hasReaders(): boolean {
    return this.#readers > 0
  }

  opened(): void {
    this.#readers++
  }

  closed(): void {
    this.#readers--
    if (this.#readers > 0) return
    this.opening?.release()
    for (const whole of this.wholes) whole.interestLost()
  }

  /** Not null once the source was seen to have another version: nothing of this one can be fetched any more. */
  get change(): unknown {
    return this.#change
  }

  /** The source has another version now. What is on its way fails with that. */
  changed(error: unknown): void {
    this.#change ??= error
    for (const slice of [...this.wanted.values(), ...this.#uncoalesced]) slice.fail(error)
  }

  add(slice: FileSlice): void {
    if (this.wanted.has(slice.index)) this.#uncoalesced.add(slice)
    else this.wanted.set(slice.index, slice)
  }

  forget(slice: FileSlice): void {
    this.#uncoalesced.delete(slice)
    if (this.wanted.get(slice.index) === slice) this.wanted.delete(slice.index)
  }

  /** What is on its way still reaches those who wait for it, and is not kept. */
  purged(): void {
    this.#isPurged = true
  }

  /** Hands over a slice that has come; it is kept by the cache where that is allowed. */
  keep(index: number, bytes: Uint8Array): void {
    this.come.slices++
    this.come.latestMs = performance.now()
    if (this.#isPurged) return
    this.cache?.put({ objectId: this.objectId, version: this.version, index }, bytes)
  }

  #lengthOf(index: number): number {
    return Math.min(this.sliceSizeBytes, this.sizeBytes - index * this.sliceSizeBytes)
  }
}
