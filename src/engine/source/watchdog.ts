/**
 * Tells "the peer is silent" from "we paused" (correctness.md cases 21 and 22): the clock stands still while we do not read
 * and starts anew when we go on.
 */
export interface Watchdog {
  /** The peer sent something. Costs one clock read: called per chunk. */
  beat(): void
  pause(): void
  resume(): void
  stop(): void
}

/** Starts the clock. `onSilent` is called once, after `idleTimeoutMs` without a beat; the watchdog has stopped then. */
export function startWatchdog(idleTimeoutMs: number, onSilent: () => void): Watchdog {
  let lastBeatMs = performance.now()
  let timer: NodeJS.Timeout | null = null
  const arm = (delayMs: number) => {
    timer = setTimeout(check, delayMs)
    timer.unref()
  }
  const disarm = () => {
    if (timer) clearTimeout(timer)
    timer = null
  }
  const check = () => {
    const silentMs = performance.now() - lastBeatMs
    timer = null
    if (silentMs >= idleTimeoutMs) onSilent()
    else arm(Math.ceil(idleTimeoutMs - silentMs))
  }
  arm(idleTimeoutMs)
  let isStopped = false
  return {
    beat() {
      lastBeatMs = performance.now()
    },
    pause: disarm,
    resume() {
      if (timer || isStopped) return
      lastBeatMs = performance.now()
      arm(idleTimeoutMs)
    },
    stop() {
      isStopped = true
      disarm()
    },
  }
}
