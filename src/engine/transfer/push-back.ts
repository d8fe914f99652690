import { type FailureCode, TransferError } from '../../server/domain/failure.ts'
import type { Origin, ReadLane } from '../source/origin.ts'

/**
 * How a source pushed back, as people say it; null where an error is something else. `isOneOfMany`: other lanes read the same file,
 * so that a 403 may be what the host says to connections it finds too many (correctness.md case 24).
 */
export function pushBackOf(
  error: unknown,
  isOneOfMany = false,
): { readonly error: TransferError; readonly what: string } | null {
  if (!(error instanceof TransferError)) return null
  if (error.code === 'source_forbidden' && isOneOfMany) return { error, what: 'answered 403' }
  if (error.retry !== 'later') return null
  if (error.code === 'source_rate_limited') return { error, what: 'answered 429' }
  if (error.code === 'source_error') return { error, what: `answered ${error.facts.status}` }
  if (error.code === 'connection_refused') return { error, what: 'refused connections' }
  if (error.code === 'connect_timeout') return { error, what: 'took no more connections' }
  return null
}

/** 408, 425, 500, 502 and 504 say that something failed, not that there is too much of it. */
const TOO_MUCH: ReadonlySet<unknown> = new Set([429, 503])

/** True where fewer lanes may help. */
export function isTooMuch(error: TransferError): boolean {
  return error.code !== 'source_error' || TOO_MUCH.has(error.facts.status)
}

/** How a busy host lets go of connections: a reset, a clean end in the middle, or silence. */
const LOST: ReadonlySet<FailureCode> = new Set<FailureCode>(['connection_lost', 'source_truncated', 'idle_timeout'])

/** True where the connection broke, whichever way. */
export function isLost(error: unknown): boolean {
  return error instanceof TransferError && LOST.has(error.code)
}

/**
 * Passes on to the origin what a lane met, before the lane is given back. `othersGetThrough`: other lanes have had bytes of the same
 * file meanwhile, without which a 403 is about the link and says nothing about lanes.
 */
export function tellOrigin(
  origin: Origin,
  lane: ReadLane,
  error: unknown,
  maySlowDown: boolean,
  othersGetThrough = false,
): void {
  if (isLost(error)) lane.lost()
  const pushBack = pushBackOf(error, othersGetThrough)
  if (!pushBack) return
  if (pushBack.error.retryAfterMs) origin.slowDown(pushBack.error.retryAfterMs)
  if (maySlowDown && isTooMuch(pushBack.error)) lane.refused()
}

/** A burst of refusals is one event, told once its end is known. */
const BURST_MS = 1_000
const QUIET_MS = 10_000

/**
 * Tells what a source's push-back did to a transfer, at most once in ten seconds. Call `close` when the transfer ends, so that
 * no timer is left.
 */
export class PushBackNotes {
  readonly #origin: Origin
  readonly #tell: (message: string) => void
  #timer: NodeJS.Timeout | undefined
  #quietUntilMs = Number.NEGATIVE_INFINITY

  constructor(origin: Origin, tell: (message: string) => void) {
    this.#origin = origin
    this.#tell = tell
  }

  /** `lanesBefore` are those wanted before it was passed on to the origin. `othersGetThrough` as for `tellOrigin`. */
  note(error: unknown, lanesBefore: number, othersGetThrough = false): void {
    const pushBack = pushBackOf(error, othersGetThrough)
    const nowMs = performance.now()
    if (!pushBack || this.#timer || nowMs < this.#quietUntilMs) return
    this.#quietUntilMs = nowMs + QUIET_MS
    const waitSeconds = Math.ceil((pushBack.error.retryAfterMs ?? 0) / 1000)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const { lanes } = this.#origin
      const change = lanes < lanesBefore ? `read lanes ${lanesBefore} → ${lanes}` : 'tried again'
      const wait = waitSeconds > 0 ? ` It asked for a wait of ${waitSeconds} s.` : ''
      this.#tell(`The source ${pushBack.what}: ${change}.${wait}`)
    }, BURST_MS)
    this.#timer.unref()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
