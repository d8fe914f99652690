import { LEAST_PLACE_BYTES } from '../source/http1/read-buffer.ts'
import type { TransferRun } from './transfer-run.ts'

/** Waits of the bandwidth limit are looked at this often, so that a new limit counts at once and a stop leaves no timer. */
const LONGEST_WAIT_MS = 500

/**
 * All lanes that read have had their turn after so long: with more for each, one would be still for long, and its part silent, until the
 * bucket ends the request.
 */
const TURN_SECONDS = 0.5
/** What comes where a slice has less room than the shortest read: with no place at all, a read would bring far more than a limit allows. */
const scratch = new Uint8Array(LEAST_PLACE_BYTES)

/** What of a run the limits concern. */
export type PacedRun = Pick<TransferRun, 'limiter' | 'bandwidth' | 'share' | 'origin' | 'meter' | 'signal'>

/**
 * Asks the bandwidth limits, that of the transfer and that of the engine; false holds the lane until it may read on. `signal` ends the
 * read: a lane that is held then waits for nothing and pays for nothing.
 */
export function keepsPace(run: PacedRun, bytes: number, resume: () => void, signal = run.signal): boolean {
  const isFree = run.bandwidth.take(run.share, bytes)
  const waitMs = run.limiter.take(bytes)
  if (waitMs < 1 && isFree) return true
  run.origin.heldBack()
  run.meter.heldToRate(Math.max(waitMs, isFree ? 0 : run.bandwidth.waitMs))
  const ofEngine = () => (isFree ? resume() : run.bandwidth.wait(run.share, bytes, resume, signal))
  const wait = (ms: number): void => {
    setTimeout(
      () => {
        const leftMs = signal.aborted ? 0 : run.limiter.waitMs
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

/** Where the next bytes may go, no longer than the limits allow for one read of one lane. */
export function placeWithin(
  { limiter, bandwidth, meter }: Pick<PacedRun, 'limiter' | 'bandwidth' | 'meter'>,
  place: Uint8Array | null,
): Uint8Array | null {
  if (place === null || (limiter.bytesPerSecond === null && bandwidth.bytesPerSecond === null)) return place
  const share = (limit: number | null, lanes: number) => (limit ?? Infinity) / Math.max(1, lanes)
  const ofTransfer = share(limiter.bytesPerSecond, meter.readLanes)
  const ofEngine = share(bandwidth.bytesPerSecond, Math.max(meter.readLanes, bandwidth.waitingLanes + 1))
  if (place.length < LEAST_PLACE_BYTES) return scratch
  return place.subarray(0, Math.max(LEAST_PLACE_BYTES, Math.min(ofTransfer, ofEngine) * TURN_SECONDS))
}
