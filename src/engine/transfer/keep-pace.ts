import type { TransferRun } from './transfer-run.ts'

/** Waits of the bandwidth limit are looked at this often, so that a new limit counts at once and a stop leaves no timer. */
const LONGEST_WAIT_MS = 500

/** What of a run the limits concern. */
export type PacedRun = Pick<TransferRun, 'limiter' | 'bandwidth' | 'share' | 'origin' | 'meter' | 'signal'>

/** Asks the bandwidth limits, that of the transfer and that of the engine; false holds the lane until it may read on. */
export function keepsPace(run: PacedRun, bytes: number, resume: () => void): boolean {
  const isFree = run.bandwidth.take(run.share, bytes)
  const waitMs = run.limiter.take(bytes)
  if (waitMs < 1 && isFree) return true
  run.origin.heldBack()
  run.meter.heldToRate(Math.max(waitMs, isFree ? 0 : run.bandwidth.waitMs))
  const ofEngine = () => (isFree ? resume() : run.bandwidth.wait(run.share, bytes, resume))
  const wait = (ms: number): void => {
    setTimeout(
      () => {
        const leftMs = run.signal.aborted ? 0 : run.limiter.waitMs
        if (leftMs < 1) ofEngine()
        else wait(leftMs)
      },
      Math.min(ms, LONGEST_WAIT_MS),
    )
  }
  if (waitMs < 1) ofEngine()
  else wait(waitMs)
  return false
}
