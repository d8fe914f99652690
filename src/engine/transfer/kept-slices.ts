import { type MemorySlices, nameOf } from '../cache/memory.ts'
import type { SliceKey } from '../cache/slice-cache.ts'

/** Of the memory tier, so that slices of transfers leave readers the rest. */
const SHARE = 0.5
/** A slice that was not fetched by all for so long makes room for another: who has not come by then may never come. */
const WAITED_FOR_MS = 60_000

interface Kept {
  readonly key: SliceKey
  readonly bytes: number
  readonly atMs: number
}

/**
 * Slices in memory that some transfer of their file has not had yet. Transfers go through a file from its beginning, so what is kept first
 * is needed first: where there is no room, the new one is left out, not an old one. A cache would do it the other way round, and
 * a transfer that is further behind than the room reaches would find nothing at all.
 */
export class KeptSlices {
  readonly maxBytes: number
  readonly #memory: MemorySlices
  readonly #nowMs: () => number
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(memory: MemorySlices, nowMs: () => number = () => performance.now()) {
    this.#memory = memory
    this.maxBytes = Math.floor(memory.maxBytes * SHARE)
    this.#nowMs = nowMs
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: SliceKey): Uint8Array | null {
    return this.#memory.get(key)
  }

  /** Keeps a slice where there is room for it. Its bytes never change again. */
  keep(key: SliceKey, slice: Uint8Array): void {
    const { byteLength } = slice
    const atMs = this.#nowMs()
    for (const [, oldest] of this.#kept) {
      if (this.#bytes + byteLength <= this.maxBytes || atMs - oldest.atMs < WAITED_FOR_MS) break
      this.drop(oldest.key)
    }
    if (this.#bytes + byteLength > this.maxBytes) return
    this.drop(key)
    this.#kept.set(nameOf(key), { key, bytes: byteLength, atMs })
    this.#bytes += byteLength
    this.#memory.put(key, slice)
  }

  drop(key: SliceKey): void {
    const kept = this.#kept.get(nameOf(key))
    if (!kept) return
    this.#kept.delete(nameOf(key))
    this.#bytes -= kept.bytes
    this.#memory.delete(key)
  }

  /** Lets go of all slices of a version. */
  forget(objectId: string, version: string): void {
    for (const { key } of [...this.#kept.values()])
      if (key.objectId === objectId && key.version === version) this.drop(key)
    this.#memory.forget(objectId, version)
  }
}
