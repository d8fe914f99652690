/** How much may come at once after a quiet time, as a share of a second. */
const BURST_SECONDS = 0.1

/**
 * A token bucket over all read lanes of one transfer. The limit may be changed while bytes flow; null is no limit.
 */
export class RateLimiter {
  #bytesPerSecond: number | null = null
  #availableBytes = 0
  #atMs = 0
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get bytesPerSecond(): number | null {
    return this.#bytesPerSecond
  }

  setLimit(bytesPerSecond: number | null): void {
    if (bytesPerSecond === this.#bytesPerSecond) return
    this.#bytesPerSecond = bytesPerSecond
    this.#availableBytes = 0
    this.#atMs = this.#now()
  }

  /** Milliseconds until what was taken is paid off, by the limit as it is now. */
  get waitMs(): number {
    return this.take(0)
  }

  /** Takes bytes that have come; returns how many milliseconds the lane should be still before it reads on. */
  take(bytes: number): number {
    const limit = this.#bytesPerSecond
    if (limit === null) return 0
    const now = this.#now()
    const earned = ((now - this.#atMs) / 1000) * limit
    this.#availableBytes = Math.min(limit * BURST_SECONDS, this.#availableBytes + earned) - bytes
    this.#atMs = now
    return this.#availableBytes >= 0 ? 0 : (-this.#availableBytes / limit) * 1000
  }
}
