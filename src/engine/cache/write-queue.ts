/** What becomes of a write that was offered. */
export interface QueuedWrite {
  /** Two writes of one name at a time make no sense: the second is left out. */
  readonly name: string
  /** For `forget`. */
  readonly objectId: string
  /** Does it. Never rejects. */
  readonly run: () => Promise<void>
  /** Called instead of `run` where the write is left out. */
  readonly dropped: () => void
}

/** Enough to keep a disk and a network busy at once, few enough to leave threads to readers. */
const WRITERS = 2

/**
 * Writes that wait for a slow medium, at most `limit` of them, running ones included. Whoever offers one never waits: where there
 * is no room the write is left out and counted, so a slow cache never slows a reader or a transfer.
 */
export class WriteQueue {
  readonly limit: number
  readonly #waiting: QueuedWrite[] = []
  readonly #running = new Map<string, Promise<void>>()
  #isClosed = false
  dropped = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Writes that wait or run. */
  get depth(): number {
    return this.#waiting.length + this.#running.size
  }

  has(name: string): boolean {
    return this.#running.has(name) || this.#waiting.some((write) => write.name === name)
  }

  offer(write: QueuedWrite): void {
    if (this.has(write.name)) return
    if (this.#isClosed || this.depth >= this.limit) {
      this.dropped++
      write.dropped()
      return
    }
    this.#waiting.push(write)
    this.#next()
  }

  /** Leaves out what waits for the objects that `matches`, and resolves when none of what runs now runs any more. */
  async forget(matches: (objectId: string) => boolean): Promise<void> {
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      const write = this.#waiting[at]
      if (!write || !matches(write.objectId)) continue
      this.#waiting.splice(at, 1)
      write.dropped()
    }
    await Promise.all(this.#running.values())
  }

  /** Resolves when everything that was offered is written. */
  async idle(): Promise<void> {
    while (this.depth > 0) await Promise.all(this.#running.values())
  }

  /** Takes nothing more and finishes what it has, unless `deadlineMs` is over before. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs)
    })
    await Promise.race([this.idle(), deadline])
    clearTimeout(timer)
    for (const write of this.#waiting.splice(0)) write.dropped()
  }

  #next(): void {
    while (this.#running.size < WRITERS) {
      const write = this.#waiting.shift()
      if (!write) return
      const done = write.run().finally(() => {
        this.#running.delete(write.name)
        this.#next()
      })
      this.#running.set(write.name, done)
    }
  }
}
