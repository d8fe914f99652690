import type { SpanWindow } from './span-window.ts'

/** Adjacent slices `[startByte, endByte)` of the file, fetched with one request. */
export interface Span {
  readonly startByte: number
  readonly endByte: number
}

/** What a writer asks of its part. */
interface SpanSlices {
  write(chunk: Uint8Array, atByte: number): number
  adopt(slice: Uint8Array, atByte: number): boolean
  place(atByte: number, endByte: number): Uint8Array
  isNextSliceFar(atByte: number, endByte: number): boolean
}

/** Where the bytes of one span go, and up to which byte they have come. */
export class SpanWriter {
  readonly #slices: SpanSlices
  readonly #window: SpanWindow | null
  #rival: SpanWriter | null = null
  endByte: number
  nextByte: number
  /** Called when a rival has written the rest: the read under way is of no use any more. */
  onBeaten: (() => void) | null = null

  constructor(span: Span, window: SpanWindow | null, slices: SpanSlices) {
    this.#slices = slices
    this.#window = window
    this.nextByte = span.startByte
    this.endByte = span.endByte
  }

  get isDone(): boolean {
    return this.nextByte >= this.endByte
  }

  /** Read through a window: what is split off it has to be reserved anew. */
  get isWindowed(): boolean {
    return this.#window !== null
  }

  /** Slices that may be filled before the bucket has taken some; without a window all of them. At least one. */
  get roomSlices(): number {
    return this.#window === null ? Number.POSITIVE_INFINITY : Math.max(1, this.#window.roomSlices)
  }

  get hasRival(): boolean {
    return this.#rival !== null
  }

  /** Copies the chunk into the part; returns how much of it belonged to the span. */
  write(chunk: Uint8Array): number {
    const room = this.endByte - this.nextByte
    if (room <= 0) return 0
    const taken = this.#slices.write(chunk.length > room ? chunk.subarray(0, room) : chunk, this.nextByte)
    this.nextByte += taken
    if (taken === room) this.#rival?.beaten()
    return taken
  }

  /**
   * Takes bytes that are shared with others and never change: a whole slice as it is, without a copy, a piece of one as `write` does.
   * Returns how much of them belonged to the span.
   */
  adopt(bytes: Uint8Array): number {
    if (bytes.length > this.endByte - this.nextByte || !this.#slices.adopt(bytes, this.nextByte))
      return this.write(bytes)
    this.nextByte += bytes.length
    return bytes.length
  }

  /** Where the next bytes may be read to without a copy. Not in a race, where two write to the same place. */
  place(): Uint8Array | null {
    return this.isDone || this.#rival ? null : this.#slices.place(this.nextByte, this.endByte)
  }

  /** True where the next chunk may have no slice to go to: the reader stands still until `onRoom` is called. */
  waitsForRoom(onRoom: () => void): boolean {
    const window = this.#window
    if (!window || window.hasRoom || this.isDone || this.#slices.isNextSliceFar(this.nextByte, this.endByte))
      return false
    window.whenRoom(onRoom)
    return true
  }

  /** The span ends earlier: the rest is somebody else's. */
  shrink(endByte: number): void {
    this.endByte = endByte
  }

  /** Both write the same bytes from here on. */
  race(other: SpanWriter): void {
    this.#rival = other
    other.#rival = this
  }

  /** Leaves the rest to the rival. */
  giveUp(): void {
    if (this.#rival) this.#rival.#rival = null
    this.#rival = null
  }

  /** The slice is filled and may be in other hands by now: not a byte more. */
  beaten(): void {
    this.nextByte = this.endByte
    this.onBeaten?.()
  }
}
