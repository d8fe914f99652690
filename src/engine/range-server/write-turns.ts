/** Somebody with bytes to send. */
export interface Writer {
  /** Sends about so many bytes. */
  takeTurn(): void
}

/** Bytes that go out at once in one turn of the event loop; what comes on top waits for its turn. Some 10 ms of copying. */
const TURN_BYTES = 16 * 1024 * 1024

/**
 * Shares the event loop between answers. As long as little goes out, everybody writes what they have. Above that, writers take turns, so
 * that a thousand readers of big files hold up nobody's first byte: new requests are looked at between turns.
 */
export class WriteTurns {
  readonly #turnBytes: number
  readonly #waiting = new Set<Writer>()
  #spentBytes = 0
  #isScheduled = false

  constructor(turnBytes: number = TURN_BYTES) {
    this.#turnBytes = turnBytes
  }

  /** True where bytes go out at once; else `wait` for a turn. */
  get hasRoom(): boolean {
    return this.#spentBytes < this.#turnBytes
  }

  /** Writers that wait for a turn. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Says that so many bytes were written. */
  spend(bytes: number): void {
    this.#spentBytes += bytes
    this.#schedule()
  }

  /** Calls `takeTurn` once, after those who wait already. */
  wait(writer: Writer): void {
    this.#waiting.add(writer)
    this.#schedule()
  }

  /** It has nothing to send any more; harmless when it does not wait. */
  leave(writer: Writer): void {
    this.#waiting.delete(writer)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#next)
  }

  readonly #next = (): void => {
    this.#isScheduled = false
    this.#spentBytes = 0
    for (const writer of this.#waiting) {
      if (!this.hasRoom) break
      this.#waiting.delete(writer)
      writer.takeTurn()
    }
    if (this.#waiting.size > 0) this.#schedule()
  }
}
