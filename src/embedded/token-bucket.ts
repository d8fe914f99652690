import { setTimeout as delay } from 'node:timers/promises'

/**
 * Paces bytes over all who share it, first come, first served. Capacity bounds the burst after a pause; a request may
 * take the level below zero and then waits until it would be back, so the average holds for any request size.
 */
export class TokenBucket {
  readonly #bytesPerSecond: number
  readonly #capacityBytes: number
  #level: number
  #filledAt = performance.now()

  constructor(bytesPerSecond: number, capacityBytes: number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#capacityBytes = capacityBytes
    this.#level = capacityBytes
  }

  /** Waits until `sizeBytes` may be sent. Rejects when `signal` aborts; what was taken stays taken. */
  async take(sizeBytes: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now()
    const refilled = this.#level + ((now - this.#filledAt) / 1000) * this.#bytesPerSecond
    this.#level = Math.min(refilled, this.#capacityBytes) - sizeBytes
    this.#filledAt = now
    if (this.#level < 0) await delay((-this.#level / this.#bytesPerSecond) * 1000, undefined, { signal })
  }
}
