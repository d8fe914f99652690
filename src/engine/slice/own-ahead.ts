/** A reader without room here is read ahead for by nothing, and still gets its slices one by one. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * What readers of files that may not be kept hold read ahead, all together: no cache bounds it, and a thousand readers who stand still would each
 * hold their few slices.
 */
export class OwnAhead {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** How many slices more may be held. */
  roomFor(sliceSizeBytes: number): number {
    return Math.max(0, Math.floor((this.#maxBytes - this.#bytes) / sliceSizeBytes))
  }

  /** Counts what is held from now on, or with a negative number is not any more. */
  held(bytes: number): void {
    this.#bytes += bytes
  }
}
