import { type FailureCode, TransferError } from '../../server/domain/failure.ts'
import type { Origin, ReadLane } from '../source/origin.ts'
import { isSharedLoss } from '../source/source-failure.ts'
import { FetchQueue, type Queued, type Rank } from './fetch-queue.ts'
import { NoLongerWanted } from './no-longer-wanted.ts'
import type { OriginBreaker } from './origin-breaker.ts'
import type { RequestLimiter } from './request-limiter.ts'

/** Something that needs one request to the origin. */
export interface GateEntry extends Queued {
  /**
   * Runs it. Resolves with whether the origin has answered: what was given up before that says nothing of it. What it throws is for the
   * breaker to judge; whoever waits has been told already.
   */
  run(lane: ReadLane): Promise<boolean>
  /** It will not be run. */
  refuse(error: unknown): void
}

export interface GateOptions {
  /** The lanes that transfers from the same host share. */
  readonly lanes: () => Promise<Origin>
  readonly limiter: RequestLimiter
  readonly breaker: OriginBreaker
  readonly hasPriorities: boolean
  /** Requests to this origin at once, beside what the lanes allow. */
  readonly maxRequests?: number | null
  /** False where transfers wait here: their slices do not go before those of other transfers. */
  readonly isForReaders?: boolean
  /** Where bytes that come from it are counted. */
  readonly meter: { originBytes: number }
}

/**
 * The one way to an origin: its queue, its breaker, a lane of its host, and one of the engine's requests. The lane is had first, so that
 * requests are never held by somebody who waits for a lane; what runs is chosen only then, so that the most urgent one goes.
 */
export class OriginGate {
  readonly breaker: OriginBreaker
  readonly meter: { originBytes: number }
  readonly #options: GateOptions
  readonly #queue: FetchQueue<GateEntry>
  readonly #closing = new AbortController()
  #waiting = 0
  #starting = 0
  #running = 0
  /** Set once the lanes are known; for what is learned from them. */
  #origin: Origin | null = null

  constructor(options: GateOptions) {
    this.#options = options
    this.breaker = options.breaker
    this.meter = options.meter
    this.#queue = new FetchQueue(options.hasPriorities)
  }

  get limiter(): RequestLimiter {
    return this.#options.limiter
  }

  /** The lanes, once they are known. */
  get origin(): Origin | null {
    return this.#origin
  }

  /** How many wait for a request. */
  get waiting(): number {
    return this.#waiting
  }

  get running(): number {
    return this.#running
  }

  /** How many wait, by rank. */
  depth(): [number, number, number, number] {
    const depth: [number, number, number, number] = [0, 0, 0, 0]
    for (const { rank } of this.#queue) depth[rank]++
    return depth
  }

  /** Puts an entry into the queue. Throws where the queue is full, or the breaker refuses. */
  push(entry: GateEntry, isAhead: boolean): void {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
    if (this.breaker.isRefusing) throw this.breaker.refusal()
    this.limiter.enqueued(isAhead)
    this.#waiting++
    this.#queue.push(entry)
  }

  /** Says that an entry waits no longer, whatever the reason. */
  left(): void {
    this.#waiting--
    this.limiter.dequeued()
  }

  promote(entry: GateEntry, rank: Rank): void {
    this.#queue.promote(entry, rank)
  }

  /** Starts what can be started. Called after entries were pushed, so that adjacent ones are all there. */
  pump(): void {
    const maxRequests = this.#options.maxRequests ?? Number.POSITIVE_INFINITY
    while (this.#starting < this.#waiting && this.#starting + this.#running < maxRequests) {
      this.#starting++
      void this.#startOne()
    }
  }

  /** One request that is no slice, such as a probe. Rejects with the signal's reason, the breaker's refusal, or what it threw. */
  request<T>(rank: Rank, signal: AbortSignal, run: (lane: ReadLane) => Promise<T>): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise<T>((resolve, reject) => {
      let isWaiting = true
      const leave = () => {
        if (!isWaiting) return
        isWaiting = false
        this.left()
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        leave()
        reject(signal.reason)
      }
      const entry: GateEntry = {
        rank,
        get isWaiting() {
          return isWaiting
        },
        async run(lane) {
          leave()
          try {
            resolve(await run(lane))
            return true
          } catch (error) {
            reject(error)
            throw error
          }
        },
        refuse(error) {
          leave()
          reject(error)
        },
      }
      try {
        this.push(entry, false)
      } catch (error) {
        isWaiting = false
        reject(error)
        return
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.pump()
    })
  }

  /** Refuses all that waits. */
  close(): void {
    this.#closing.abort(new TransferError('shutting_down', 'This engine is being stopped.', { retry: 'now' }))
    for (const entry of [...this.#queue]) entry.refuse(this.#closing.signal.reason)
  }

  get #isUrgent(): boolean {
    return this.#options.isForReaders !== false && this.#queue.isUrgent
  }

  async #startOne(): Promise<void> {
    let lane: ReadLane
    try {
      this.#origin ??= await this.#options.lanes()
      lane = await this.#origin.acquire(this.#closing.signal, this, this.#isUrgent)
    } catch (error) {
      this.#starting--
      for (const entry of [...this.#queue]) entry.refuse(error)
      return
    }
    await this.limiter.acquire()
    this.#starting--
    this.#running++
    try {
      if (!this.#queue.isEmpty) await this.#runNext(lane)
    } finally {
      this.#running--
      lane.release()
      this.limiter.release()
      this.pump()
    }
  }

  /** Runs the most urgent entry; never rejects, because whoever waits for it has been told. */
  async #runNext(lane: ReadLane): Promise<void> {
    let hasRun = false
    try {
      await this.breaker.run(async () => {
        // Chosen here, because a broken circuit may have let us wait. A trial that is given up is no trial: who waits has it instead.
        for (let entry = this.#queue.peek(); entry; entry = this.breaker.isTrying ? this.#queue.peek() : null) {
          hasRun = true
          if (await hasAnswered(entry, lane)) return
        }
        throw new GivenUp()
      })
    } catch (error) {
      if (error instanceof GivenUp) return
      if (hasRun) this.#tell(lane, error)
      else for (const entry of [...this.#queue]) entry.refuse(error)
    }
  }

  /** What a failed request says about how many requests the host takes. */
  #tell(lane: ReadLane, error: unknown): void {
    if (!(error instanceof TransferError) || isSharedLoss(error)) return
    const isBusy = error.code === 'source_rate_limited' || error.facts.status === 503
    if (isBusy) {
      lane.refused()
      if (error.retryAfterMs !== undefined) this.#origin?.slowDown(Math.min(error.retryAfterMs, MAX_SLOW_DOWN_MS))
    } else if (LOST.has(error.code)) lane.lost()
  }
}

/** Whether the origin has answered, well or not; false where nobody waited for that any more. */
async function hasAnswered(entry: GateEntry, lane: ReadLane): Promise<boolean> {
  try {
    return await entry.run(lane)
  } catch (error) {
    if (error instanceof NoLongerWanted) return false
    throw error
  }
}

/** For a closed breaker neither a success nor a failure. Of a trial it knows only these two, and takes one that nobody replaces for a success. */
class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

/** How a busy host lets go of connections, or takes none (correctness.md case 24). */
const LOST: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'connection_lost',
  'connection_refused',
  'source_truncated',
  'idle_timeout',
])

/** Readers do not wait for longer anyway. */
const MAX_SLOW_DOWN_MS = 60_000
