import type { TransferRun } from './transfer-run.ts'

/** Waits of the bandwidth limit are looked at this often, so that a new limit counts at once and a stop leaves no timer. */
const LONGEST_WAIT_MS = 500

/** What of a run the limit concerns. */
export type PacedRun = Pick<TransferRun, 'limiter' | 'origin' | 'meter' | 'signal'>

/** Asks the bandwidth limit; false holds the lane until it may read on. */
export function keepsPace(run: PacedRun, bytes: number, resume: () => void): boolean {
  const waitMs = run.limiter.take(bytes)
  if (waitMs < 1) return true
  run.origin.heldBack()
  run.meter.heldToRate(waitMs)
  const wait = (ms: number): void => {
    setTimeout(
      () => {
        const leftMs = run.signal.aborted ? 0 : run.limiter.waitMs
        if (leftMs < 1) resume()
        else wait(leftMs)
      },
      Math.min(ms, LONGEST_WAIT_MS),
    )
  }
  wait(waitMs)
  return false
}
