import type { OriginFailure, OriginStats } from '../../server/domain/published-origin.ts'
import type { BreakerState } from '../slice/origin-breaker.ts'

/** Of so many latest answers the percentiles tell. */
const LATEST = 1024
/** Of so many latest outcomes the share of errors tells: what went wrong before says nothing of today. */
const RECENT = 128

/** What is counted of one published origin since the engine started. */
export class OriginCounters {
  requests = 0
  hits = 0
  misses = 0
  errors = 0
  /** Readers that went away; no errors. */
  aborts = 0
  servedBytes = 0
  originBytes = 0
  activeReaders = 0
  readonly #latestMs = new Float64Array(LATEST)
  #answers = 0
  /** 1 for an error. */
  readonly #outcomes = new Uint8Array(RECENT)
  #outcomeCount = 0
  #lastFailure: OriginFailure | null = null

  /** An answer began, so long after its request. */
  answered(firstByteMs: number): void {
    this.#latestMs[this.#answers++ % LATEST] = firstByteMs
  }

  /** A reader got all it asked for; `hasMissed` where something had to be waited for. */
  succeeded(hasMissed: boolean): void {
    if (hasMissed) this.misses++
    else this.hits++
    this.#outcomes[this.#outcomeCount++ % RECENT] = 0
  }

  /** A reader got an error, or was cut off. Null where it only met the breaker, which says nothing new of the origin. */
  failed(failure: OriginFailure | null): void {
    this.errors++
    this.#outcomes[this.#outcomeCount++ % RECENT] = 1
    if (failure) this.#lastFailure = failure
  }

  /** What readers got lately was with other settings. */
  forgetRecent(): void {
    this.#outcomeCount = 0
    this.#lastFailure = null
  }

  /** The time to the first byte that this share of the latest answers did not exceed; null where there were none. */
  percentileMs(share: number): number | null {
    const count = Math.min(this.#answers, LATEST)
    if (count === 0) return null
    const sorted = this.#latestMs.slice(0, count).sort()
    return Math.round((sorted[Math.min(count - 1, Math.ceil(share * count) - 1)] ?? 0) * 100) / 100
  }

  stats(
    originId: string,
    breaker: { readonly state: BreakerState; readonly openUntilMs: number | null },
    learnedLanes: number | null,
  ): OriginStats {
    const { requests, hits, misses, errors, servedBytes, originBytes, activeReaders } = this
    const recentAnswers = Math.min(this.#outcomeCount, RECENT)
    return {
      originId,
      breaker: breaker.state,
      breakerUntilMs: breaker.openUntilMs,
      requests,
      hits,
      misses,
      errors,
      servedBytes,
      originBytes,
      activeReaders,
      p50Ms: this.percentileMs(0.5),
      p95Ms: this.percentileMs(0.95),
      p99Ms: this.percentileMs(0.99),
      recentAnswers,
      recentErrors: this.#outcomes.subarray(0, recentAnswers).reduce((sum, error) => sum + error, 0),
      lastFailure: this.#lastFailure,
      learnedLanes,
    }
  }
}
