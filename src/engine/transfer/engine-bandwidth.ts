/** How much may come at once after a quiet time, as a share of a second. */
const BURST_SECONDS = 0.1
const LONGEST_WAIT_MS = 500

interface Waiting {
  readonly share: Share
  /** What this lane read last, so likely what it will read next. */
  readonly bytes: number
  readonly resume: () => void
  /** Once it is aborted, this lane reads no more. */
  readonly signal: AbortSignal | undefined
}

/** One transfer's part of the engine's limit; made by `EngineBandwidth.share`. */
export interface Share {
  /** Bytes it had, on a scale that a newcomer joins where the others are. */
  served: number
  /** Bytes a lane was let go for that have not come yet: they are paid already. */
  paidBytes: number
}

/**
 * The bandwidth limit of an engine: a token bucket over all transfers. Once it is used up, lanes wait in line, and are let go one by
 * one as it fills, first one of the transfer that had the least: so transfers share it evenly however many lanes each has, and
 * what one does not use the others have. The limit may be changed while bytes flow; null is no limit.
 */
export class EngineBandwidth {
  #bytesPerSecond: number | null = null
  #availableBytes = 0
  #atMs = 0
  /** Where on the scale of `served` it is the turn of now. */
  #turn = 0
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined
  readonly #now: () => number

  constructor(bytesPerSecond: number | null = null, now: () => number = () => performance.now()) {
    this.#now = now
    this.setLimit(bytesPerSecond)
  }

  get bytesPerSecond(): number | null {
    return this.#bytesPerSecond
  }

  /** Lanes of all transfers that stand in line. */
  get waitingLanes(): number {
    return this.#waiting.length
  }

  /** Milliseconds until what was taken is paid off. */
  get waitMs(): number {
    return this.#bytesPerSecond === null ? 0 : Math.max(0, (-this.#availableBytes / this.#bytesPerSecond) * 1000)
  }

  setLimit(bytesPerSecond: number | null): void {
    if (bytesPerSecond === this.#bytesPerSecond) return
    this.#bytesPerSecond = bytesPerSecond
    this.#availableBytes = 0
    this.#atMs = this.#now()
    this.#serve()
  }

  share(): Share {
    return { served: this.#turn, paidBytes: 0 }
  }

  /** Counts bytes that have come; true where the lane may read on at once. */
  take(share: Share, bytes: number): boolean {
    if (this.#bytesPerSecond === null) return true
    const paid = Math.min(share.paidBytes, bytes)
    share.paidBytes -= paid
    this.#earn(this.#bytesPerSecond)
    this.#pay(share, bytes - paid)
    return this.#availableBytes >= 0 && this.#waiting.length === 0
  }

  /**
   * Calls `resume` when it is the turn of this lane, which read so many bytes last; soon where there is no limit any more. Never before
   * this returns: a lane that is told to go on before it was stopped would stand still for ever. A lane whose signal is aborted leaves the
   * line and pays for nothing; it is not told.
   */
  wait(share: Share, bytes: number, resume: () => void, signal?: AbortSignal): void {
    this.#waiting.push({ share, bytes, resume: () => queueMicrotask(resume), signal })
    this.#serve()
  }

  #earn(limit: number): void {
    const now = this.#now()
    this.#availableBytes = Math.min(limit * BURST_SECONDS, this.#availableBytes + ((now - this.#atMs) / 1000) * limit)
    this.#atMs = now
  }

  #pay(share: Share, bytes: number): void {
    this.#availableBytes -= bytes
    share.served = Math.max(share.served, this.#turn) + bytes
  }

  #serve(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.some(isOver)) this.#waiting = this.#waiting.filter((lane) => !isOver(lane))
    const limit = this.#bytesPerSecond
    if (limit === null) {
      for (const { resume } of this.#waiting.splice(0)) resume()
      return
    }
    this.#earn(limit)
    while (this.#waiting.length > 0 && this.#availableBytes >= 0) {
      const next = this.#waiting.reduce((least, one) => (one.share.served < least.share.served ? one : least))
      this.#waiting.splice(this.#waiting.indexOf(next), 1)
      this.#turn = Math.max(this.#turn, next.share.served)
      this.#pay(next.share, next.bytes)
      next.share.paidBytes += next.bytes
      next.resume()
    }
    if (this.#waiting.length === 0) return
    const waitMs = Math.ceil((-this.#availableBytes / limit) * 1000)
    this.#timer = setTimeout(() => this.#serve(), Math.min(LONGEST_WAIT_MS, Math.max(1, waitMs)))
  }
}

const isOver = ({ signal }: Waiting) => signal?.aborted === true
