/**
 * A condition to wait on: whoever waits checks its own condition, calls `next`, and checks again. Checking and waiting happen
 * in one turn of the event loop, so no change falls between them.
 */
export class Changes {
  readonly #waiters = new Set<() => void>()

  notify(): void {
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }

  /** Resolves with the next change; rejects with the signal's reason. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
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
