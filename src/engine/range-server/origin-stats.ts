import type { OriginStats } from '../../server/domain/published-origin.ts'

/** Of so many latest answers the percentiles tell. */
const LATEST = 1024

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

  /** An answer began, so long after its request. */
  answered(firstByteMs: number): void {
    this.#latestMs[this.#answers++ % LATEST] = firstByteMs
  }

  /** The time to the first byte that this share of the latest answers did not exceed; null where there were none. */
  percentileMs(share: number): number | null {
    const count = Math.min(this.#answers, LATEST)
    if (count === 0) return null
    const sorted = this.#latestMs.slice(0, count).sort()
    return Math.round((sorted[Math.min(count - 1, Math.ceil(share * count) - 1)] ?? 0) * 100) / 100
  }

  stats(originId: string, breaker: OriginStats['breaker'], learnedLanes: number | null): OriginStats {
    const { requests, hits, misses, errors, servedBytes, originBytes, activeReaders } = this
    return {
      originId,
      breaker,
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
      learnedLanes,
    }
  }
}
