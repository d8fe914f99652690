/**
 * The bytes an engine may hold in flight, over all transfers. Bytes are reserved before they are asked for and released
 * when the bucket has them, so this number is the backpressure: memory follows it and nothing else.
 *
 * Reservations are granted in the order they were asked for, so nobody starves. One that is larger than the whole budget
 * is granted once nothing else is held, so that progress is never impossible.
 */
export class ByteBudget {
  readonly totalBytes: number
  #usedBytes = 0
  #peakBytes = 0
  readonly #queue: { bytes: number; grant: () => void }[] = []

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get peakBytes(): number {
    return this.#peakBytes
  }

  /** Takes bytes where there is room for them right now and nobody waits; false where they have to be waited for. */
  tryReserve(bytes: number): boolean {
    if (this.#queue.length > 0 || !this.#fits(bytes)) return false
    this.#take(bytes)
    return true
  }

  /** Waits for room and takes it. Rejects with the signal's reason; then nothing was taken. */
  reserve(bytes: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (this.tryReserve(bytes)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(entry), 1)
        reject(signal.reason)
        this.#grantWaiting()
      }
      const entry = {
        bytes,
        grant: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(entry)
    })
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes
    if (this.#usedBytes < 0)
      throw new Error(`The byte budget was released ${-this.#usedBytes} bytes more than was reserved.`)
    this.#grantWaiting()
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.totalBytes
  }

  #take(bytes: number): void {
    this.#usedBytes += bytes
    if (this.#usedBytes > this.#peakBytes) this.#peakBytes = this.#usedBytes
  }

  #grantWaiting(): void {
    for (let next = this.#queue[0]; next && this.#fits(next.bytes); next = this.#queue[0]) {
      this.#queue.shift()
      this.#take(next.bytes)
      next.grant()
    }
  }
}
