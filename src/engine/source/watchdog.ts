/**
 * Tells "the peer is silent" from "we paused" (correctness.md cases 21 and 22): the clock stands still while we do not read
 * and starts anew when we go on. A busy event loop is no silence either: bytes may wait in the kernel then. Silence is reported after the
 * idle timeout and at most an eighth of it more.
 */
export interface Watchdog {
  /** The peer sent something. Called per chunk, so it reads no clock: when it was is for the next look of the timer to say. */
  beat(): void
  pause(): void
  resume(): void
  stop(): void
}

/** Looks within the idle timeout. */
const LOOKS = 8
/** A timer later than this means that our own event loop was busy. */
const LATE_MS = 20

/** Starts the clock. `onSilent` is called at most once, after `idleTimeoutMs` without a beat. */
export function startWatchdog(idleTimeoutMs: number, onSilent: () => void): Watchdog {
  let lastBeatMs = performance.now()
  let hasBeaten = false
  let dueMs = 0
  let excusedBeatMs = Number.NaN
  let timer: NodeJS.Timeout | null = null
  let immediate: NodeJS.Immediate | null = null
  let isStopped = false

  const arm = (delayMs: number) => {
    dueMs = performance.now() + delayMs
    timer = setTimeout(check, Math.ceil(delayMs))
    timer.unref()
  }
  const disarm = () => {
    if (timer) clearTimeout(timer)
    if (immediate) clearImmediate(immediate)
    timer = null
    immediate = null
  }
  const armLook = (silentMs: number) => arm(Math.min(idleTimeoutMs / LOOKS, idleTimeoutMs - silentMs))
  /** For how long nothing came; what has come since the last look counts as of now. */
  const silenceMs = (nowMs: number) => {
    if (hasBeaten) lastBeatMs = nowMs
    hasBeaten = false
    return nowMs - lastBeatMs
  }
  const check = () => {
    timer = null
    const nowMs = performance.now()
    const lateMs = nowMs - dueMs
    const silentMs = silenceMs(nowMs)
    if (silentMs < idleTimeoutMs) armLook(silentMs)
    else if (lateMs > LATE_MS && excusedBeatMs !== lastBeatMs) {
      // Once per silence the time our own loop was busy is given back.
      excusedBeatMs = lastBeatMs
      arm(Math.min(lateMs, idleTimeoutMs))
    } else immediate = setImmediate(confirm)
  }
  // After the loop has polled its sockets once more: what has arrived meanwhile was no silence.
  const confirm = () => {
    immediate = null
    const silentMs = silenceMs(performance.now())
    if (silentMs < idleTimeoutMs) return armLook(silentMs)
    isStopped = true
    onSilent()
  }

  armLook(0)
  return {
    beat() {
      hasBeaten = true
    },
    pause: disarm,
    resume() {
      if (timer || immediate || isStopped) return
      hasBeaten = false
      lastBeatMs = performance.now()
      armLook(0)
    },
    stop() {
      isStopped = true
      disarm()
    },
  }
}
