import { beat, type EngineIdentity } from '../../server/db/engine-heartbeat.ts'
import type { EngineStats } from '../../server/domain/engine.ts'
import type { WorkContext } from '../transfer/work-context.ts'

const BEAT_MS = 3_000

/** What the heartbeat cannot know by itself. */
type Figures = Pick<EngineStats, 'transfers' | 'readLanes' | 'uploadLanes' | 'cache' | 'origins' | 'unservedOrigins'>

/** What a beat has found for others to do; each is asked for with a hint too, and this is for one that was lost. */
interface Callbacks {
  readonly figures: () => Figures
  /** A transfer was left with nothing to do but to complete it. */
  readonly onAbandoned: () => void
  readonly onInspection: () => void
  readonly onQuestion: () => void
}

/** Tells every few seconds that this engine lives and what it is doing, and learns with the same statement what waits for it. */
export class Heartbeat {
  readonly #context: WorkContext
  readonly #identity: EngineIdentity
  readonly #callbacks: Callbacks
  #timer: NodeJS.Timeout | undefined
  #cpu = process.cpuUsage()
  #atMs = performance.now()
  #lastBeatMs = Number.NEGATIVE_INFINITY

  constructor(context: WorkContext, identity: EngineIdentity, callbacks: Callbacks) {
    this.#context = context
    this.#identity = identity
    this.#callbacks = callbacks
  }

  /** Resolves after the first beat, so that a fault of the database shows at the start. */
  async start(): Promise<void> {
    await this.#beat()
    this.#timer = setInterval(() => {
      this.#beat().catch((error) =>
        this.#context.log.warn({ err: error }, 'The heartbeat could not be written; trying again.'),
      )
    }, BEAT_MS)
  }

  /** Looks now for what is wanted of this engine. */
  poke(): void {
    this.#beat().catch((error) => this.#context.log.warn({ err: error }, 'The heartbeat could not be written.'))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** True while beats reach the database. */
  get isBeating(): boolean {
    return performance.now() - this.#lastBeatMs < 4 * BEAT_MS
  }

  async #beat(): Promise<void> {
    const { db, budget, recorder, bandwidth, env } = this.#context
    const wishes = await beat(db, this.#identity, {
      ...this.#callbacks.figures(),
      ...recorder.rates(),
      bufferedBytes: budget.usedBytes,
      memoryBudgetBytes: budget.totalBytes,
      rssBytes: process.memoryUsage.rss(),
      cpuPercent: this.#cpuPercent(),
      bandwidthLimitBytesPerSecond: bandwidth.bytesPerSecond,
    })
    const { bandwidthLimitBytesPerSecond: wanted = env.SLUICE_BANDWIDTH_LIMIT ?? null } = wishes
    bandwidth.setLimit(wanted)
    this.#lastBeatMs = performance.now()
    // Not with the first beat: the search for work begins after it, and looks at everything by itself.
    if (!this.#timer) return
    if (wishes.hasAbandonedCompletion) this.#callbacks.onAbandoned()
    if (wishes.hasInspection) this.#callbacks.onInspection()
    if (wishes.hasQuestion) this.#callbacks.onQuestion()
  }

  /** CPU time since the last beat as a share of one core. */
  #cpuPercent(): number {
    const now = performance.now()
    const { user, system } = process.cpuUsage(this.#cpu)
    const percent = ((user + system) / 1000 / Math.max(1, now - this.#atMs)) * 100
    this.#cpu = process.cpuUsage()
    this.#atMs = now
    return Math.round(percent * 10) / 10
  }
}
