/** The share of the budget that parts get which are held from their first byte to their last. */
const WHOLES_SHARE = 1 / 2

/** Bytes that were granted; whoever has them gives them back, all or piece by piece. */
export interface Reservation {
  release(bytes: number): void
}

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
  #wholes: ByteBudget | null = null
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

  /** True where so many bytes more would leave this share of the budget free, and nobody waits: for what is asked for before it is needed. */
  leavesFree(share: number, bytes: number): boolean {
    return this.#queue.length === 0 && this.#usedBytes + bytes <= this.totalBytes * (1 - share)
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

  /**
   * As `tryReserve`, for a part that is held from its first byte to its last and fills at the pace of its source. Such parts get half of the
   * budget together, so that slow sources leave the other half to everybody else. One that is larger than that half is granted
   * while there is no other, and counts as the half.
   */
  tryReserveWhole(bytes: number): Reservation | null {
    const wholes = this.#forWholes()
    if (!wholes.tryReserve(bytes)) return null
    const countedBytes = Math.min(bytes, wholes.totalBytes)
    if (this.tryReserve(countedBytes)) return this.#wholeReservation(bytes, countedBytes)
    wholes.release(bytes)
    return null
  }

  /** Waits for what `tryReserveWhole` gives. Rejects with the signal's reason; then nothing was taken. */
  async reserveWhole(bytes: number, signal: AbortSignal): Promise<Reservation> {
    const wholes = this.#forWholes()
    await wholes.reserve(bytes, signal)
    const countedBytes = Math.min(bytes, wholes.totalBytes)
    try {
      await this.reserve(countedBytes, signal)
    } catch (error) {
      wholes.release(bytes)
      throw error
    }
    return this.#wholeReservation(bytes, countedBytes)
  }

  #forWholes(): ByteBudget {
    this.#wholes ??= new ByteBudget(Math.ceil(this.totalBytes * WHOLES_SHARE))
    return this.#wholes
  }

  #wholeReservation(bytes: number, countedBytes: number): Reservation {
    let heldBytes = bytes
    let leftBytes = countedBytes
    return {
      release: (givenBytes) => {
        heldBytes -= givenBytes
        this.#wholes?.release(givenBytes)
        const backBytes = leftBytes - Math.min(leftBytes, heldBytes)
        leftBytes -= backBytes
        this.release(backBytes)
      },
    }
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
