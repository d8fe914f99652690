/**
 * A condition to wait on: whoever waits checks its own condition, calls `next`, and checks again. Who awaits something between
 * the check and the wait notes `version` before the check and hands it in, so that no change falls between them.
 */
export class Changes {
  readonly #waiters = new Set<() => void>()
  #version = 0

  /** Raised by each change. */
  get version(): number {
    return this.#version
  }

  notify(): void {
    this.#version++
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }

  /** Resolves with the next change after `seen` (now, where it is left out); rejects with the signal's reason. */
  next(signal: AbortSignal, seen = this.#version): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (seen !== this.#version) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(wake)
        reject(signal.reason)
      }
      const wake = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(wake)
    })
  }
}
