import { TransferError } from '../../server/domain/failure.ts'

export interface LimiterOptions {
  /** Requests to origins under way at once (SLUICE_MAX_ORIGIN_REQUESTS). */
  readonly maxRequests: number
  /** Fetches that may wait (SLUICE_ORIGIN_QUEUE). */
  readonly maxQueued: number
  /** Bytes of slices that are being fetched. */
  readonly maxBytes: number
}

/** When a reader that was turned away may come again; long enough for a full queue to move. */
const BUSY_RETRY_MS = 2_000

/**
 * What one engine may ask of all its origins together (B2): so many requests, so many bytes on their way, and so many fetches that wait.
 * Transfers have a budget of their own and are not counted here.
 */
export class RequestLimiter {
  readonly #options: LimiterOptions
  readonly #waiting: (() => void)[] = []
  #active = 0
  #bytes = 0
  #queued = 0

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  /** Requests under way. */
  get active(): number {
    return this.#active
  }

  /** Bytes of slices under way. */
  get bytes(): number {
    return this.#bytes
  }

  get queued(): number {
    return this.#queued
  }

  /** Counts one that waits. Throws `timed_out` (a 503 for readers) where the queue is full; what is only read ahead may fill half of it. */
  enqueued(isAhead: boolean): void {
    const { maxQueued } = this.#options
    if (this.#queued >= (isAhead ? Math.ceil(maxQueued / 2) : maxQueued))
      throw new TransferError(
        'timed_out',
        `Too much is being fetched from origins just now: ${this.#queued} fetches wait. Try again in a moment, or raise SLUICE_MAX_ORIGIN_REQUESTS or SLUICE_ORIGIN_QUEUE.`,
        { retry: 'later', retryAfterMs: BUSY_RETRY_MS, facts: { queued: this.#queued } },
      )
    this.#queued++
  }

  dequeued(): void {
    this.#queued--
  }

  /** Waits for the right to one request. */
  acquire(): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasRoom()) {
      this.#active++
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Takes the right to one request for bytes that are reserved already, before those who wait; false where there is none. */
  tryAcquire(): boolean {
    if (this.#active >= this.#options.maxRequests) return false
    this.#active++
    return true
  }

  release(): void {
    this.#active--
    this.#serve()
  }

  /** How many of `slices` slices of that size there is room for; at least one, so that a big one can pass at all. */
  roomFor(slices: number, sliceSizeBytes: number): number {
    return Math.max(1, Math.min(slices, Math.floor((this.#options.maxBytes - this.#bytes) / sliceSizeBytes)))
  }

  reserve(bytes: number): void {
    this.#bytes += bytes
  }

  free(bytes: number): void {
    this.#bytes -= bytes
    this.#serve()
  }

  #hasRoom(): boolean {
    return this.#active < this.#options.maxRequests && this.#bytes < this.#options.maxBytes
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      this.#active++
      this.#waiting.shift()?.()
    }
  }
}
