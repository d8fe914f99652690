import { nameOf } from './memory.ts'
import type { SliceKey } from './slice-cache.ts'

/** Entries looked at in one step of looking for expired ones. */
const STEP_ENTRIES = 20_000
/**
 * A slice is remembered in memory, and so is the object of a small one: where files are tiny, their number fills memory (and the blocks of a disk)
 * long before their bytes fill the tier.
 */
const BYTES_FOR_EACH_ENTRY = 64 * 1024
const LEAST_ENTRIES = 1_000
const MOST_ENTRIES = 2 ** 20

export interface StoredEntry {
  readonly key: SliceKey
  readonly bytes: number
  readonly storedAtMs: number
  /** When the file's access time was last written, so that the order of use survives a restart, roughly. */
  touchedAtMs: number
}

/** Which entries a tier has, in the order of their use, and which have to go: to stay within the bytes, or because of their age. */
export class Eviction {
  readonly maxBytes: number
  readonly #maxEntries: number
  readonly #ttlMs: number
  /** A Map keeps the order of insertion, and an entry that is used is inserted anew. */
  readonly #entries = new Map<string, StoredEntry>()
  #bytes = 0
  #step: Iterator<StoredEntry> | null = null

  constructor(maxBytes: number, ttlMs: number) {
    this.maxBytes = maxBytes
    this.#maxEntries = Math.min(MOST_ENTRIES, Math.max(LEAST_ENTRIES, Math.floor(maxBytes / BYTES_FOR_EACH_ENTRY)))
    this.#ttlMs = ttlMs
  }

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.size
  }

  has(key: SliceKey): boolean {
    return this.#entries.has(nameOf(key))
  }

  /** The entry, as the latest used. */
  use(key: SliceKey): StoredEntry | undefined {
    const name = nameOf(key)
    const entry = this.#entries.get(name)
    if (!entry) return undefined
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    return entry
  }

  add(entry: StoredEntry): void {
    this.remove(entry.key)
    this.#entries.set(nameOf(entry.key), entry)
    this.#bytes += entry.bytes
  }

  /** Entries that were there before all that are known, in the order of their use. */
  addOldest(entries: readonly StoredEntry[]): void {
    const younger = [...this.#entries.values()]
    this.clear()
    for (const entry of [...entries, ...younger]) this.add(entry)
  }

  remove(key: SliceKey): boolean {
    const name = nameOf(key)
    const entry = this.#entries.get(name)
    if (!entry) return false
    this.#entries.delete(name)
    this.#bytes -= entry.bytes
    return true
  }

  isExpired(storedAtMs: number, nowMs: number): boolean {
    return nowMs - storedAtMs >= this.#ttlMs
  }

  /** The longest unused that have to go so that an entry of `moreBytes` fits (0 for none); they are still counted until they are removed. */
  *surplus(moreBytes = 0): Iterable<StoredEntry> {
    let over = this.#bytes + moreBytes - this.maxBytes
    let tooMany = this.#entries.size + (moreBytes > 0 ? 1 : 0) - this.#maxEntries
    for (const entry of this.#entries.values()) {
      if (over <= 0 && tooMany <= 0) return
      over -= entry.bytes
      tooMany--
      yield entry
    }
  }

  /** Entries past their TTL among the next some thousand; call it now and then, it goes round. */
  expiredStep(nowMs: number): StoredEntry[] {
    const found: StoredEntry[] = []
    this.#step ??= this.#entries.values()
    for (let looked = 0; looked < STEP_ENTRIES; looked++) {
      const next = this.#step.next()
      if (next.done) {
        this.#step = null
        break
      }
      if (this.isExpired(next.value.storedAtMs, nowMs)) found.push(next.value)
    }
    return found
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
    this.#step = null
  }
}
