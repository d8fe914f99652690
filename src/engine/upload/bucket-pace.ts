import { TransferError } from '../../server/domain/failure.ts'

/** A store that does nothing but ask for patience this long is out of order. */
const MAX_PATIENCE_MS = 5 * 60_000
const BASE_MS = 250
const CAP_MS = 15_000
/** Waiting lanes look this often whether there is room, besides being told. */
const LOOK_MS = 1_000

/** Ends one request: with its error, or null. True where the error was a wish for fewer requests, which costs no attempt. */
export type EndRequest = (error: unknown) => boolean

/**
 * How many requests one bucket gets at once from this engine, over all transfers (correctness.md case 42). Where it answers "slow
 * down" the number is halved and everybody waits, longer each time and at least as long as Retry-After; each success lets it grow
 * again, by one for every full round. A bucket that never complains is not limited, nor is one whose limit has
 * grown above what ever wanted to go to it at once.
 */
export class BucketPace {
  readonly #random: () => number
  #limit = Number.POSITIVE_INFINITY
  #inFlight = 0
  /** Requests that are under way or wait, and the most there ever were. */
  #wanted = 0
  #mostWanted = 0
  #refusals = 0
  #cutAtMs = Number.NEGATIVE_INFINITY
  #firstRefusedMs: number | null = null
  #notBeforeMs = 0
  readonly #waiting = new Set<() => void>()

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Requests at once; Infinity where the bucket has not complained, or takes all there are by now. */
  get limit(): number {
    return this.#limit
  }

  /** Waits until a request may begin. Call what it returns when that has ended. Rejects with the signal's reason. */
  async begin(signal: AbortSignal): Promise<EndRequest> {
    this.#mostWanted = Math.max(this.#mostWanted, ++this.#wanted)
    try {
      await this.#turn(signal)
    } catch (error) {
      this.#wanted--
      throw error
    }
    const begunMs = performance.now()
    let isOver = false
    return (error) => {
      if (isOver) return false
      isOver = true
      this.#inFlight--
      this.#wanted--
      const isRefusal = this.#judge(error, begunMs)
      for (const wake of this.#waiting) wake()
      return isRefusal
    }
  }

  /** Waits for room and takes it, in one breath: others ask in the same moment. */
  async #turn(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const waitMs = this.#notBeforeMs - performance.now()
      if (waitMs <= 0 && this.#inFlight < Math.max(1, Math.floor(this.#limit))) break
      await this.#change(signal, waitMs > 0 ? waitMs : LOOK_MS)
    }
    this.#inFlight++
  }

  #judge(error: unknown, begunMs: number): boolean {
    if (error === null) {
      this.#refusals = 0
      this.#firstRefusedMs = null
      this.#limit += 1 / this.#limit
      if (this.#limit >= this.#mostWanted + 1) this.#limit = Number.POSITIVE_INFINITY
      return false
    }
    if (!(error instanceof TransferError) || error.code !== 'bucket_slow_down') return false
    const nowMs = performance.now()
    this.#firstRefusedMs ??= nowMs
    // Requests that were under way together are refused together, which is one wish: what began after it was heard is another.
    if (begunMs >= this.#cutAtMs) {
      this.#cutAtMs = nowMs
      this.#refusals++
      const before = Number.isFinite(this.#limit) ? this.#limit : this.#inFlight + 1
      this.#limit = Math.max(1, before / 2)
      const ceilingMs = Math.min(CAP_MS, BASE_MS * 2 ** (this.#refusals - 1))
      this.#notBeforeMs = nowMs + ceilingMs / 2 + (this.#random() * ceilingMs) / 2
    }
    this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + (error.retryAfterMs ?? 0))
    return nowMs - this.#firstRefusedMs < MAX_PATIENCE_MS
  }

  /** Waits until a request has ended, a stop, or so long. */
  #change(signal: AbortSignal, mostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, mostMs)
      signal.addEventListener('abort', done, { once: true })
      this.#waiting.add(done)
    })
  }
}

/** One pace for each bucket that this engine writes to. */
export class BucketPaces {
  readonly #paces = new Map<string, BucketPace>()

  of(bucket: { readonly endpoint: string; readonly bucket: string }): BucketPace {
    const name = `${bucket.endpoint} ${bucket.bucket}`
    const known = this.#paces.get(name)
    if (known) return known
    const pace = new BucketPace()
    this.#paces.set(name, pace)
    return pace
  }
}
