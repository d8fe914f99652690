interface Waiter {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/**
 * A condition to wait on: whoever waits checks its own condition, calls `next`, and checks again. Who awaits something between
 * the check and the wait notes `version` before the check and hands it in, so that no change falls between them. Each signal is
 * listened to once, however often it is waited under.
 */
export class Changes {
  readonly #waiters = new Map<AbortSignal, Waiter[]>()
  #version = 0

  /** Raised by each change. */
  get version(): number {
    return this.#version
  }

  notify(): void {
    this.#version++
    for (const waiters of this.#waiters.values())
      if (waiters.length > 0) for (const { resolve } of waiters.splice(0)) resolve()
  }

  /** Resolves with the next change after `seen` (now, where it is left out); rejects with the signal's reason. */
  next(signal: AbortSignal, seen = this.#version): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (seen !== this.#version) return Promise.resolve()
    const waiters = this.#waitersUnder(signal)
    return new Promise((resolve, reject) => {
      waiters.push({ resolve, reject })
    })
  }

  #waitersUnder(signal: AbortSignal): Waiter[] {
    const known = this.#waiters.get(signal)
    if (known) return known
    const waiters: Waiter[] = []
    this.#waiters.set(signal, waiters)
    signal.addEventListener(
      'abort',
      () => {
        this.#waiters.delete(signal)
        for (const { reject } of waiters.splice(0)) reject(signal.reason)
      },
      { once: true },
    )
    return waiters
  }
}
