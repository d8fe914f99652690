/**
 * Notices silence: aborts its signal when nothing moved for the allowed time while the other side was to act. Time in
 * which we ourselves wait for the source does not count, or a slow source would look like a dead bucket.
 */
export class ProgressWatch {
  readonly signal: AbortSignal
  private readonly controller = new AbortController()
  private readonly timer: NodeJS.Timeout
  private allowedMs: number
  private isPaused = true
  private movedAt = 0

  /** Starts paused. `onSilence` makes the reason that the signal aborts with. */
  constructor(allowedMs: number, onSilence: () => Error) {
    this.allowedMs = allowedMs
    this.signal = this.controller.signal
    this.timer = setInterval(
      () => {
        if (!this.isPaused && performance.now() - this.movedAt > this.allowedMs) this.controller.abort(onSilence())
      },
      Math.max(10, Math.min(1000, allowedMs / 4)),
    )
    this.timer.unref()
  }

  /** Something moved, and the other side is to act next, within `allowedMs` where that is given. */
  moved(allowedMs = this.allowedMs): void {
    this.allowedMs = allowedMs
    this.movedAt = performance.now()
    this.isPaused = false
  }

  /** We are the ones who wait. */
  pause(): void {
    this.isPaused = true
  }

  stop(): void {
    clearInterval(this.timer)
  }
}
