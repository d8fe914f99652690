/**
 * The budget of a span that is read through a few buffers, used again and again: so many slices are reserved when it is asked for, and
 * what the bucket has taken of it makes room for the next, until its end. Its reader stands still while there is no room. A span whose
 * slices are needed one after another is read this way; one that is read ahead of others would wait for them, and is reserved whole.
 */
export class SpanWindow {
  readonly firstSlice: number
  endSlice: number
  #room: number
  /** Slices of the span that nothing is reserved for yet. */
  #owed: number
  #onRoom: (() => void) | null = null

  /** Slices `[firstSlice, endSlice)` of a part, `reserved` of them paid for. */
  constructor(firstSlice: number, endSlice: number, reserved: number) {
    this.firstSlice = firstSlice
    this.endSlice = endSlice
    this.#room = reserved
    this.#owed = endSlice - firstSlice - reserved
  }

  /** True where another slice may be begun. */
  get hasRoom(): boolean {
    return this.#room > 0
  }

  get roomSlices(): number {
    return this.#room
  }

  covers(slice: number): boolean {
    return slice >= this.firstSlice && slice < this.endSlice
  }

  /** A slice was begun. */
  begun(): void {
    this.#room--
  }

  /** The bucket has a slice. True where its reservation is kept for one that is still to come. */
  keeps(): boolean {
    if (this.#owed <= 0) return false
    this.#owed--
    this.#room++
    this.#wake()
    return true
  }

  /** Calls back once, when there is room again or no more is needed. */
  whenRoom(onRoom: () => void): void {
    this.#onRoom = onRoom
  }

  /** The span ends earlier: what is beyond is somebody else's, to be paid for anew. */
  shrink(endSlice: number): void {
    this.#owed = Math.max(0, this.#owed - (this.endSlice - endSlice))
    this.endSlice = endSlice
    this.#wake()
  }

  #wake(): void {
    const onRoom = this.#onRoom
    this.#onRoom = null
    onRoom?.()
  }
}
