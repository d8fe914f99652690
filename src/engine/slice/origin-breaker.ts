import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel'
import { type FailureCode, TransferError } from '../../server/domain/failure.ts'
import { isSharedLoss } from '../source/source-failure.ts'

/** Requests that are let through, one after another or together, before a broken circuit counts as whole again. */
const TRIALS = 3

export type BreakerState = 'closed' | 'open' | 'half-open'

export interface BreakerOptions {
  /** False: nothing is ever refused (SLUICE_FEATURE_BREAKER). */
  readonly isOn: boolean
  /** Failures in a row that open it. */
  readonly failures: number
  readonly openMs: number
  /** Called when it opens. */
  readonly onTrip?: () => void
}

/** What says that the origin itself is unwell. A missing file, a refusal, a changed file or an abort does not. */
const UNWELL: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'host_not_found',
  'connection_refused',
  'connection_lost',
  'connect_timeout',
  'idle_timeout',
  'tls_failed',
  'source_truncated',
  'source_protocol_error',
])

/**
 * The circuit breaker of one origin (B8): closed; open after so many failures in a row, then nothing is asked for a time; half-open,
 * when three requests are let through, all of which have to succeed. What comes meanwhile waits for their outcome.
 */
export class OriginBreaker {
  readonly #policy: CircuitBreakerPolicy | null
  readonly #openMs: number
  #openedMs = 0
  #trips = 0

  constructor(options: BreakerOptions) {
    this.#openMs = options.openMs
    this.#policy = options.isOn
      ? circuitBreaker(handleWhen(isUnwell), {
          halfOpenAfter: options.openMs,
          breaker: new ConsecutiveBreaker(options.failures),
          halfOpenSampling: { calls: TRIALS, threshold: 0 },
        })
      : null
    this.#policy?.onBreak(() => {
      this.#openedMs = performance.now()
      this.#trips++
      options.onTrip?.()
    })
  }

  /** `half-open` as soon as the rest is over: the next request is a trial. */
  get state(): BreakerState {
    const state = this.#policy?.state
    if (state === CircuitState.HalfOpen) return 'half-open'
    if (state !== CircuitState.Open && state !== CircuitState.Isolated) return 'closed'
    return this.#restMs > 0 ? 'open' : 'half-open'
  }

  /** When the rest of an open circuit ends, in milliseconds since 1970; null in any other state. */
  get openUntilMs(): number | null {
    return this.state === 'open' ? Math.round(Date.now() + this.#restMs) : null
  }

  get trips(): number {
    return this.#trips
  }

  /** True where a request would be refused now. */
  get isRefusing(): boolean {
    return this.state === 'open'
  }

  /** True while trials decide. */
  get isTrying(): boolean {
    return this.#policy?.state === CircuitState.HalfOpen
  }

  /** Runs one request. Throws `source_error` with `retryAfterMs` while the circuit is open; nothing is asked then. */
  async run<T>(request: () => Promise<T>): Promise<T> {
    if (!this.#policy) return request()
    try {
      return await this.#policy.execute(request)
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw this.refusal()
      throw error
    }
  }

  /** Why nothing is asked. */
  refusal(): TransferError {
    const retryAfterMs = Math.max(1000, this.#restMs)
    return new TransferError(
      'source_error',
      'The origin failed several times in a row, so Sluice gives it a rest. It is asked again soon; its page shows when.',
      { retry: 'later', retryAfterMs, facts: { breaker: 'open' } },
    )
  }

  get #restMs(): number {
    return this.#openMs - (performance.now() - this.#openedMs)
  }
}

function isUnwell(error: unknown): boolean {
  if (!(error instanceof TransferError) || isSharedLoss(error)) return false
  if (UNWELL.has(error.code)) return true
  return error.code === 'source_error' && Number(error.facts.status ?? 0) >= 500
}
