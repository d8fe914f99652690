/** A timer later than this means that our own event loop was busy. */
const LATE_MS = 20

/**
 * Calls `onTimeout` after `timeoutMs`, unless stopped. A busy event loop is no slowness of the peer: the time by which the timer came
 * late is given once more, and sockets are looked at before the call.
 */
export function startPatientTimer(timeoutMs: number, onTimeout: () => void): { stop(): void } {
  const dueMs = performance.now() + timeoutMs
  let timer = setTimeout(check, timeoutMs)
  let immediate: NodeJS.Immediate | null = null
  function check() {
    const lateMs = performance.now() - dueMs
    if (lateMs > LATE_MS) timer = setTimeout(confirm, Math.min(lateMs, timeoutMs))
    else confirm()
  }
  function confirm() {
    immediate = setImmediate(onTimeout)
  }
  return {
    stop() {
      clearTimeout(timer)
      if (immediate) clearImmediate(immediate)
    },
  }
}
