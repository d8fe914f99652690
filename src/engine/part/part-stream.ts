import { updateCrc32c } from '../cache/update-crc32c.ts'
import type { BufferCounters, BufferPool } from '../slice/buffer-pool.ts'
import type { Reservation } from './byte-budget.ts'
import type { LinearAlgorithm, LinearChecksums } from './linear-checksum.ts'
import { SliceSums } from './slice-sums.ts'
import { SpanWindow } from './span-window.ts'
import { type Span, SpanWriter } from './span-writer.ts'

/** The most a transport hands over at once (http1/read-buffer.ts); more would only take memory beyond the budget for a moment. */
const MAX_CHUNK_BYTES = 256 * 1024

/**
 * Of a slice that takes longer than this, what is there goes out: stores end a request that says nothing for some 20 s, and a slow
 * source, or a low bandwidth limit, may need longer for a slice.
 */
const LONGEST_SILENCE_MS = 5_000

/** Copy counters (product.md A2). */
export interface PartCounters extends BufferCounters {
  bufferCopies: number
  bytesCopied: number
}

export interface PartStreamOptions {
  readonly number: number
  readonly startByte: number
  readonly endByte: number
  /** held: the whole part is reserved before it is opened, stays in memory and can be sent again. streamed: span by span. */
  readonly shape: 'held' | 'streamed'
  readonly pool: BufferPool
  readonly budget: Reservation
  readonly counters: PartCounters
  /** Checksums to be computed besides the CRC32C; left out: none, which costs nothing. */
  readonly linear?: readonly LinearAlgorithm[]
  /** Called when a slice was filled or consumed: something may now go on. */
  readonly onChange: () => void
}

/**
 * One part between the source and the bucket. Read lanes fill its slices, in any order and several at once; one upload
 * lane takes them in order. Bytes of the budget: reserved by whoever opens the part (held) or a span (streamed) before
 * it is handed in here, and released here, slice by slice as the bucket takes them or all together in `dispose`.
 */
export class PartStream {
  readonly number: number
  readonly startByte: number
  readonly shape: 'held' | 'streamed'
  readonly openedAt = new Date()
  readonly #options: PartStreamOptions
  readonly #sliceSizeBytes: number
  readonly #slices: (Uint8Array | undefined)[] = []
  /** Slices whose memory is shared with others: nothing is written to it, and it goes to no pool. */
  readonly #adopted = new Set<number>()
  readonly #filled: boolean[] = []
  readonly #sums: SliceSums
  readonly #reads = new Set<Promise<void>>()
  readonly #windows: SpanWindow[] = []
  readonly #aborter = new AbortController()
  #endByte: number
  #requestedByte: number
  #reservedBytes = 0
  #filledBytes = 0
  #consumedBytes = 0
  #consumedCrc32c = 0
  #wakeConsumer: (() => void) | undefined
  /** Runs while somebody consumes; with each tick a slice may go out in pieces, until one did. */
  #ticking: NodeJS.Timeout | undefined
  #mayCut = false

  constructor(options: PartStreamOptions) {
    this.#options = options
    this.#sliceSizeBytes = options.pool.bufferBytes
    this.number = options.number
    this.startByte = options.startByte
    this.shape = options.shape
    this.#endByte = options.endByte
    this.#requestedByte = options.startByte
    this.#sums = new SliceSums(options.linear)
    if (options.shape === 'held') this.#reservedBytes = this.reservationBytes(options.endByte - options.startByte)
  }

  get sizeBytes(): number {
    return this.#endByte - this.startByte
  }

  get endByte(): number {
    return this.#endByte
  }

  /** Ends the reads of this part; its reason tells them why. */
  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  get isFilled(): boolean {
    return this.#filledBytes === this.sizeBytes
  }

  /** Bytes asked for and not yet taken by the bucket; the part with the fewest is the one that needs bytes first. */
  get aheadBytes(): number {
    return this.#requestedByte - this.startByte - this.#consumedBytes
  }

  /** Bytes here that the upload lane has not taken yet. */
  get waitingBytes(): number {
    return this.#filledBytes - this.#consumedBytes
  }

  /** Of these, what it could take at once; the others come behind bytes that are on their way still. */
  get readyBytes(): number {
    let bytes = 0
    for (let index = Math.ceil(this.#consumedBytes / this.#sliceSizeBytes); this.#filled[index]; index++)
      bytes += this.#sliceBytes(index)
    return bytes
  }

  get hasUnrequested(): boolean {
    return this.#requestedByte < this.#endByte
  }

  /** Where the next span begins; the end where all is asked for. */
  get nextSpanByte(): number {
    return this.#requestedByte
  }

  /** Whole slices, as buffers are: what has to be reserved for so many bytes. */
  reservationBytes(bytes: number): number {
    return Math.ceil(bytes / this.#sliceSizeBytes) * this.#sliceSizeBytes
  }

  /** The next span nobody has asked for, at most so long; null where all is asked for. */
  takeSpan(maxBytes: number): Span | null {
    if (!this.hasUnrequested) return null
    const startByte = this.#requestedByte
    const endByte = Math.min(startByte + Math.max(maxBytes, this.#sliceSizeBytes), this.#endByte)
    this.#requestedByte = endByte
    return { startByte, endByte }
  }

  /** Hands over budget that was reserved for a span of a streamed part. */
  addReservation(bytes: number): void {
    this.#reservedBytes += bytes
  }

  /** Hands over the budget of a span of a streamed part that is read through so many slices; writers of it wait for room. */
  addWindow(span: Span, slices: number): void {
    const firstSlice = this.#sliceOf(span.startByte)
    const endSlice = this.#sliceOf(span.endByte - 1) + 1
    const reserved = Math.min(slices, endSlice - firstSlice)
    this.#windows.push(new SpanWindow(firstSlice, endSlice, reserved))
    this.#reservedBytes += reserved * this.#sliceSizeBytes
  }

  /** Where the slice ends that a byte is in. */
  sliceEnd(byte: number): number {
    return Math.min(this.#endByte, this.startByte + (this.#sliceOf(byte) + 1) * this.#sliceSizeBytes)
  }

  /** Keeps a read of this part in view, so that `dispose` can wait for it before buffers go to somebody else. */
  track(read: Promise<void>): void {
    this.#reads.add(read)
    read.finally(() => this.#reads.delete(read)).catch(() => {})
  }

  /** A writer that fills the slices of a span from its first byte on; it survives a broken read and goes on from there. */
  writer(span: Span): SpanWriter {
    const window = this.#windowOf(this.#sliceOf(span.startByte)) ?? null
    return new SpanWriter(span, window, {
      write: (chunk, atByte) => this.#write(chunk, atByte),
      adopt: (slice, atByte) => this.#adopt(slice, atByte),
      place: (atByte, endByte) => this.#place(atByte, endByte),
      isNextSliceFar: (atByte, endByte) => this.#isNextSliceFar(atByte, endByte),
    })
  }

  /**
   * Takes the end of a span from its writer, for a free lane: half of the slices it has not begun, or all of them where it stands still.
   * Null, and nothing taken, where none is left to give or `isPaid` finds no budget for it. No slice ever has two writers by this.
   */
  split(writer: SpanWriter, isStalled: boolean, isPaid: (span: Span) => boolean = () => true): Span | null {
    const begun = this.#sliceOf(writer.nextByte) + 1
    const all = Math.ceil((writer.endByte - this.startByte) / this.#sliceSizeBytes)
    if (begun >= all) return null
    const keep = isStalled ? 0 : Math.floor((all - begun) / 2)
    const span = { startByte: this.startByte + (begun + keep) * this.#sliceSizeBytes, endByte: writer.endByte }
    if (!isPaid(span)) return null
    writer.shrink(span.startByte)
    this.#windowOf(begun - 1)?.shrink(begun + keep)
    return span
  }

  /**
   * A second writer for what is left of the one slice a writer is in: both write the same bytes, and who comes to the end first
   * ends the other. Null where there is more than one slice left (split it), or a rival already.
   */
  rival(writer: SpanWriter): SpanWriter | null {
    if (writer.isDone || writer.hasRival) return null
    if (this.#sliceOf(writer.nextByte) !== this.#sliceOf(writer.endByte - 1)) return null
    const rival = this.writer({ startByte: writer.nextByte, endByte: writer.endByte })
    rival.race(writer)
    return rival
  }

  /** The source ended early: the part is shorter than planned. Only for the last part of a source of unknown size. */
  endAt(endByte: number): void {
    const sliceStart =
      this.startByte + Math.floor((endByte - this.startByte) / this.#sliceSizeBytes) * this.#sliceSizeBytes
    this.#endByte = endByte
    this.#requestedByte = endByte
    if (endByte > sliceStart)
      this.#fill(Math.floor((sliceStart - this.startByte) / this.#sliceSizeBytes), endByte - sliceStart)
    else this.#options.onChange()
  }

  /** All slices of a filled part, in order. */
  heldSlices(): readonly Uint8Array[] {
    return Array.from({ length: this.#sliceCount() }, (_, index) => this.#view(index))
  }

  /** CRC32C of the part as its bytes came from the source. Only once it is filled. */
  get crc32c(): number {
    if (!this.isFilled) throw new Error(`Part ${this.number} is not filled, and has no checksum yet.`)
    return this.#sums.crc32c(this.#sliceSizes())
  }

  /** The other checksums of the part that were asked for; null where none was. Only once it is filled, also when it is consumed. */
  get linearChecksums(): LinearChecksums | null {
    return this.#sums.linearChecksums(this.#sliceSizes())
  }

  /** CRC32C of what was consumed last. */
  get consumedCrc32c(): number {
    return this.#consumedCrc32c
  }

  /**
   * Slices in order, each as soon as it is filled, or in pieces where that takes long; the one before is given back when the next is
   * asked for. May be called once.
   */
  async *consume(): AsyncGenerator<Uint8Array> {
    this.#ticking = setInterval(() => {
      this.#mayCut = true
      this.#wakeConsumer?.()
    }, LONGEST_SILENCE_MS).unref()
    for (let index = 0; index < this.#sliceCount(); index++) {
      if (index > 0) this.#giveBack(index - 1)
      const wholeBytes = this.#sliceBytes(index)
      for (let taken = 0; taken < wholeBytes; ) {
        const here = this.#filled[index] ? wholeBytes : this.#mayCut ? this.#sums.summedBytes(index) : 0
        if (here > taken) {
          const piece = this.#view(index).subarray(taken, here)
          this.#consumedCrc32c = piece.length === wholeBytes ? this.#sums.crc32cOf(index) : updateCrc32c(piece, 0)
          this.#mayCut = false
          taken = here
          yield piece
          continue
        }
        this.#aborter.signal.throwIfAborted()
        await new Promise<void>((resolve) => (this.#wakeConsumer = resolve))
      }
    }
  }

  /** Stops reads and the consumer, waits for the reads to be gone, and gives back every buffer and reserved byte. */
  async dispose(reason: unknown): Promise<void> {
    this.#aborter.abort(reason)
    clearInterval(this.#ticking)
    this.#wakeConsumer?.()
    await Promise.allSettled(this.#reads)
    for (let index = 0; index < this.#slices.length; index++) {
      const slice = this.#slices[index]
      if (slice && !this.#adopted.has(index)) this.#options.pool.give(slice)
    }
    this.#slices.length = 0
    this.#options.budget.release(this.#reservedBytes)
    this.#reservedBytes = 0
    this.#options.onChange()
  }

  #sliceCount(): number {
    return Math.ceil(this.sizeBytes / this.#sliceSizeBytes)
  }

  #sliceSizes(): number[] {
    return Array.from({ length: this.#sliceCount() }, (_, index) => this.#sliceBytes(index))
  }

  #sliceOf(byte: number): number {
    return Math.floor((byte - this.startByte) / this.#sliceSizeBytes)
  }

  #windowOf(slice: number): SpanWindow | undefined {
    return this.#windows.find((window) => window.covers(slice))
  }

  /** The slice at `byte` takes another chunk whole, or is the last before `endByte`. */
  #isNextSliceFar(byte: number, endByte: number): boolean {
    const within = (byte - this.startByte) % this.#sliceSizeBytes
    if (within === 0) return false
    return this.#sliceSizeBytes - within >= MAX_CHUNK_BYTES || this.#sliceOf(byte) === this.#sliceOf(endByte - 1)
  }

  #view(index: number): Uint8Array {
    const slice = this.#slices[index]
    if (!slice) throw new Error(`Slice ${index} of part ${this.number} is not there.`)
    return slice.subarray(0, this.#sliceBytes(index))
  }

  #sliceBytes(index: number): number {
    return Math.min(this.#sliceSizeBytes, this.sizeBytes - index * this.#sliceSizeBytes)
  }

  #write(chunk: Uint8Array, atByte: number): number {
    const { counters } = this.#options
    let taken = 0
    while (taken < chunk.length) {
      const at = atByte + taken - this.startByte
      const index = Math.floor(at / this.#sliceSizeBytes)
      const within = at - index * this.#sliceSizeBytes
      const room = this.#sliceBytes(index) - within
      if (room <= 0) break
      const bytes = Math.min(room, chunk.length - taken)
      const slice = this.#slices[index] ?? this.#begin(index)
      const piece = bytes === chunk.length ? chunk : chunk.subarray(taken, taken + bytes)
      // What was read right to its place is there.
      if (piece.buffer !== slice.buffer || piece.byteOffset !== slice.byteOffset + within) {
        slice.set(piece, within)
        counters.bufferCopies++
        counters.bytesCopied += bytes
      }
      this.#sums.add(index, within, piece)
      taken += bytes
      if (bytes === room) this.#fill(index, within + bytes)
    }
    return taken
  }

  /** False where it is not one whole slice of this part, or the slice was begun already: then its bytes have to be written. */
  #adopt(bytes: Uint8Array, atByte: number): boolean {
    const at = atByte - this.startByte
    const index = Math.floor(at / this.#sliceSizeBytes)
    const wholeBytes = this.#sliceBytes(index)
    if (at % this.#sliceSizeBytes !== 0 || bytes.length !== wholeBytes || this.#slices[index]) return false
    this.#slices[index] = bytes
    this.#adopted.add(index)
    this.#windowOf(index)?.begun()
    this.#sums.addShared(index, bytes)
    this.#fill(index, wholeBytes)
    return true
  }

  #begin(index: number): Uint8Array {
    const slice = this.#options.pool.take(this.#options.counters)
    this.#slices[index] = slice
    this.#windowOf(index)?.begun()
    return slice
  }

  /** Where the bytes from `atByte` on go: the rest of its slice, but not beyond `endByte`. */
  #place(atByte: number, endByte: number): Uint8Array {
    const index = this.#sliceOf(atByte)
    const slice = this.#slices[index] ?? this.#begin(index)
    const sliceByte = this.startByte + index * this.#sliceSizeBytes
    return slice.subarray(atByte - sliceByte, Math.min(this.#sliceSizeBytes, endByte - sliceByte))
  }

  #fill(index: number, bytes: number): void {
    this.#filled[index] = true
    this.#filledBytes += bytes
    const wake = this.#wakeConsumer
    this.#wakeConsumer = undefined
    wake?.()
    // A slice more is news for its consumer alone; a part that is whole is for everybody.
    if (this.isFilled) this.#options.onChange()
  }

  #giveBack(index: number): void {
    const slice = this.#slices[index]
    if (!slice) return
    this.#consumedBytes += this.#sliceBytes(index)
    this.#slices[index] = undefined
    if (!this.#adopted.delete(index)) this.#options.pool.give(slice)
    if (!this.#windowOf(index)?.keeps()) {
      this.#reservedBytes -= this.#sliceSizeBytes
      this.#options.budget.release(this.#sliceSizeBytes)
    }
    this.#options.onChange()
  }
}
