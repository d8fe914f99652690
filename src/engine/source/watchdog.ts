/**
 * Tells "the peer is silent" from "we paused" (correctness.md cases 21 and 22): the clock stands still while we do not read
 * and starts anew when we go on. A busy event loop is no silence either: bytes may wait in the kernel then.
 */
export interface Watchdog {
  /** The peer sent something. Costs one clock read: called per chunk. */
  beat(): void
  pause(): void
  resume(): void
  stop(): void
}

/** A timer later than this means that our own event loop was busy. */
const LATE_MS = 20

/** Starts the clock. `onSilent` is called at most once, after `idleTimeoutMs` without a beat. */
export function startWatchdog(idleTimeoutMs: number, onSilent: () => void): Watchdog {
  let lastBeatMs = performance.now()
  let dueMs = 0
  let excusedBeatMs = Number.NaN
  let timer: NodeJS.Timeout | null = null
  let immediate: NodeJS.Immediate | null = null
  let isStopped = false

  const arm = (delayMs: number) => {
    dueMs = performance.now() + delayMs
    timer = setTimeout(check, delayMs)
    timer.unref()
  }
  const disarm = () => {
    if (timer) clearTimeout(timer)
    if (immediate) clearImmediate(immediate)
    timer = null
    immediate = null
  }
  const isSilent = (nowMs: number) => nowMs - lastBeatMs >= idleTimeoutMs
  const check = () => {
    timer = null
    const nowMs = performance.now()
    const lateMs = nowMs - dueMs
    if (!isSilent(nowMs)) arm(Math.ceil(idleTimeoutMs - (nowMs - lastBeatMs)))
    else if (lateMs > LATE_MS && excusedBeatMs !== lastBeatMs) {
      // Once per silence the time our own loop was busy is given back.
      excusedBeatMs = lastBeatMs
      arm(Math.ceil(Math.min(lateMs, idleTimeoutMs)))
    } else immediate = setImmediate(confirm)
  }
  // After the loop has polled its sockets once more: what has arrived meanwhile was no silence.
  const confirm = () => {
    immediate = null
    const nowMs = performance.now()
    if (!isSilent(nowMs)) return arm(Math.ceil(idleTimeoutMs - (nowMs - lastBeatMs)))
    isStopped = true
    onSilent()
  }

  arm(idleTimeoutMs)
  return {
    beat() {
      lastBeatMs = performance.now()
    },
    pause: disarm,
    resume() {
      if (timer || immediate || isStopped) return
      lastBeatMs = performance.now()
      arm(idleTimeoutMs)
    },
    stop() {
      isStopped = true
      disarm()
    },
  }
}
