import type { Codec } from './entry-format.ts'
import { nameOf } from './memory.ts'
import type { SliceKey } from './slice-cache.ts'

/** A slice that has to go to the slower tiers, but not its bytes. */
export interface DueWrite {
  readonly key: SliceKey
  readonly storedAtMs: number
  /** False where it came from the shared tier, and the disk alone has to have it. */
  readonly isForAll: boolean
}

export interface QueuedWrite extends DueWrite {
  /** As it is, or as the shared tier had it. */
  readonly content:
    | { readonly bytes: Uint8Array }
    | { readonly codec: Codec; readonly payload: Uint8Array; readonly sizeBytes: number }
}

export interface WriteQueueOptions {
  /** Writes that wait or run at most: so many slices are held by the queue. */
  readonly limit: number
  /** Does one. Never rejects. */
  readonly write: (write: QueuedWrite) => Promise<void>
  /** The bytes of a slice that is still in memory; else null. */
  readonly recall: (key: SliceKey) => Uint8Array | null
  /** A write is over: done, or left out. Called once for each that was taken. */
  readonly over: (key: SliceKey) => void
  /** For tests; milliseconds that never go back. */
  readonly nowMs?: () => number
}

/** Enough to keep a disk and a network busy at once, few enough to leave threads to readers. */
const WRITERS = 2
/** Keys that are remembered at most, of some 200 bytes each: more slices than memory holds would be gone before their turn anyway. */
const MAX_REMEMBERED = 4_096
/** Where the longest remembered has waited for so long, what comes now will not be written soon. */
const BEHIND_MS = 3_000

/**
 * Writes that wait for a slow medium. Whoever offers one never waits, and no more than `limit` of them hold bytes: of what comes on top only
 * the key is remembered, and it is written once there is room, where the slice is in memory still. So a slow cache never slows
 * a reader or a transfer, and a burst is written all the same. What memory has let go of meanwhile is left out and counted.
 */
export class WriteQueue {
  readonly limit: number
  readonly #options: WriteQueueOptions
  readonly #nowMs: () => number
  readonly #waiting: QueuedWrite[] = []
  readonly #running = new Map<string, Promise<void>>()
  /** By name, the longest remembered first. */
  readonly #remembered = new Map<string, { readonly due: DueWrite; readonly sinceMs: number }>()
  #isClosed = false
  dropped = 0

  constructor(options: WriteQueueOptions) {
    this.limit = options.limit
    this.#options = options
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  /** Writes that wait or run. */
  get depth(): number {
    return this.#waiting.length + this.#running.size
  }

  /** Writes of which only the key is known. */
  get remembered(): number {
    return this.#remembered.size
  }

  /** True where a slice will be written soon, as far as one can tell: worth it for others to wait for. */
  isComing(key: SliceKey): boolean {
    const name = nameOf(key)
    return this.#isHeld(name) || (this.#remembered.has(name) && !this.#isBehind())
  }

  /** One of a slice that is to be written already is left out without a word. */
  offer(write: QueuedWrite): void {
    const { key, storedAtMs, isForAll } = write
    const name = nameOf(key)
    if (this.#isHeld(name) || this.#remembered.has(name)) return
    if (this.#isClosed) this.#drop(key)
    else if (this.depth < this.limit) {
      this.#waiting.push(write)
      this.#next()
    } else {
      this.#remembered.set(name, { due: { key, storedAtMs, isForAll }, sinceMs: this.#nowMs() })
      if (this.#remembered.size > MAX_REMEMBERED) this.#dropRemembered(1)
    }
  }

  /** Leaves out what waits and `matches`, and resolves when none of what runs now runs any more. */
  async forget(matches: (key: SliceKey) => boolean): Promise<void> {
    for (const [name, { due }] of this.#remembered)
      if (matches(due.key)) {
        this.#remembered.delete(name)
        this.#options.over(due.key)
      }
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      const write = this.#waiting[at]
      if (!write || !matches(write.key)) continue
      this.#waiting.splice(at, 1)
      this.#options.over(write.key)
    }
    const running = [...this.#running.values()]
    this.#next()
    await Promise.all(running)
  }

  /** Resolves when everything that was offered is written or left out. */
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
    this.#dropRemembered(this.#remembered.size)
    for (const { key } of this.#waiting.splice(0)) this.#drop(key)
  }

  #next(): void {
    this.#recall()
    while (this.#running.size < WRITERS) {
      const write = this.#waiting.shift()
      if (!write) return
      const name = nameOf(write.key)
      const done = this.#options.write(write).finally(() => {
        this.#running.delete(name)
        this.#options.over(write.key)
        this.#next()
      })
      this.#running.set(name, done)
    }
  }

  /** Fills what room there is with what had none when it came. */
  #recall(): void {
    for (const [name, { due }] of this.#remembered) {
      if (this.depth >= this.limit) return
      this.#remembered.delete(name)
      const bytes = this.#options.recall(due.key)
      if (bytes) this.#waiting.push({ ...due, content: { bytes } })
      else this.#drop(due.key)
    }
  }

  #isHeld(name: string): boolean {
    return this.#running.has(name) || this.#waiting.some(({ key }) => nameOf(key) === name)
  }

  #isBehind(): boolean {
    const [oldest] = this.#remembered.values()
    return oldest !== undefined && this.#nowMs() - oldest.sinceMs >= BEHIND_MS
  }

  #dropRemembered(count: number): void {
    for (const [name, { due }] of this.#remembered) {
      if (count-- <= 0) return
      this.#remembered.delete(name)
      this.#drop(due.key)
    }
  }

  #drop(key: SliceKey): void {
    this.dropped++
    this.#options.over(key)
  }
}
