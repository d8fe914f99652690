import { setTimeout as delay } from 'node:timers/promises'
import { TransferError } from '../../server/domain/failure.ts'

/** Attempts in a row without a byte of progress before an error is passed on. */
const MAX_ATTEMPTS = 6
/** The same for a source that asks for patience (429): about two minutes. */
const MAX_PATIENT_ATTEMPTS = 10
/** The same for a 403, which more often than not is about the link: some seconds at most. */
const MAX_FORBIDDEN_ATTEMPTS = 4
const BASE_MS = 400
const CAP_MS = 20_000
/** A lane that waits holds buffers: longer waits are the transfer's, which gives everything back. */
const LONGEST_LANE_WAIT_MS = 60_000

/** Delay before attempt `attempt` + 1: half fixed, half random. From 0.2-0.4, 0.4-0.8, 0.8-1.6, 1.6-3.2 s up to 10-20 s. */
export function backoffMs(attempt: number, retryAfterMs: number | undefined, random = Math.random): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1))
  return Math.max(retryAfterMs ?? 0, ceiling / 2 + (random() * ceiling) / 2)
}

/**
 * Counts the attempts of one piece of work. `failed` waits and returns where trying again makes sense, and throws the error
 * where it does not: the failure says never or later, or there was no progress for too long.
 */
export class Attempts {
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<unknown>
  #count = 0
  total = 0

  constructor(
    pause: (ms: number, signal: AbortSignal) => Promise<unknown> = (ms, signal) => delay(ms, undefined, { signal }),
  ) {
    this.#pause = pause
  }

  /** Attempts in a row without progress. */
  get count(): number {
    return this.#count
  }

  progressed(): void {
    this.#count = 0
  }

  async failed(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!(error instanceof TransferError) || error.retry !== 'now') throw error
    await this.#wait(error, MAX_ATTEMPTS, error.retryAfterMs, signal)
  }

  /**
   * The other side was too busy. That is no failure of this piece of work: it counts only while nothing else gets through
   * either. Retry-After is the caller's to obey, because it is for all lanes alike.
   */
  async refused(error: TransferError, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.#wait(error, mostRefusals(error), undefined, signal)
  }

  async #wait(
    error: TransferError,
    most: number,
    retryAfterMs: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    this.#count++
    this.total++
    if (this.#count >= most || (error.retryAfterMs ?? 0) > LONGEST_LANE_WAIT_MS) throw error
    await this.#pause(backoffMs(this.#count, retryAfterMs), signal).catch(() => signal.throwIfAborted())
  }
}

function mostRefusals({ code }: TransferError): number {
  if (code === 'source_forbidden') return MAX_FORBIDDEN_ATTEMPTS
  return code === 'source_rate_limited' ? MAX_PATIENT_ATTEMPTS : MAX_ATTEMPTS
}
