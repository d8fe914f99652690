import { LRUCache } from 'lru-cache'
import type { IndexedObject, ObjectIndex } from './object-index.ts'
import type { SliceKey } from './slice-cache.ts'

/** What an entry costs beside its bytes: key, list node, index. */
const ENTRY_OVERHEAD_BYTES = 512
/** How exactly expiry is looked at; the clock is read once in this time. */
const TTL_RESOLUTION_MS = 1_000

interface Held {
  readonly key: SliceKey
  readonly bytes: Uint8Array
  readonly object: IndexedObject
}

/** Slices in memory and in no other tier, bounded together with all that are there; no figure of readers counts a look at them. */
export type MemorySlices = Pick<MemoryTier, 'maxBytes' | 'get' | 'put' | 'delete' | 'forget'>

export interface MemoryTierOptions {
  readonly maxBytes: number
  readonly ttlMs: number
  readonly index: ObjectIndex
  /** For tests; milliseconds that never go back. */
  readonly nowMs?: () => number
}

/** Slices in memory: bounded by bytes, the least recently used go first, and nothing is older than the TTL. */
export class MemoryTier {
  readonly maxBytes: number
  readonly #index: ObjectIndex
  readonly #held: LRUCache<string, Held>
  evictions = 0
  expired = 0

  constructor({ maxBytes, ttlMs, index, nowMs }: MemoryTierOptions) {
    this.maxBytes = maxBytes
    this.#index = index
    this.#held = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => bytes.byteLength + ENTRY_OVERHEAD_BYTES,
      ttl: ttlMs,
      ttlResolution: nowMs ? 0 : TTL_RESOLUTION_MS,
      ...(nowMs ? { perf: { now: nowMs } } : {}),
      dispose: ({ key }, _, reason) => {
        if (reason === 'set') return
        index.remove('memory', key)
        if (reason === 'evict') this.evictions++
        else if (reason === 'expire') this.expired++
      },
    })
  }

  get bytes(): number {
    return this.#held.calculatedSize
  }

  get slices(): number {
    return this.#held.size
  }

  /** The slice, which stays longer for being asked for; null where it is not there. Counts nothing. */
  get(key: SliceKey): Uint8Array | null {
    return this.#held.get(nameOf(key))?.bytes ?? null
  }

  /** The slice for a reader: a hit of its object, which is used now. Null where it is not there or has another length. */
  take(key: SliceKey, lengthBytes: number): Uint8Array | null {
    const held = this.#held.get(nameOf(key))
    if (held === undefined || held.bytes.byteLength !== lengthBytes) return null
    held.object.hits++
    held.object.lastAccessAtMs = Date.now()
    return held.bytes
  }

  /** Keeps the slice in place of others. One that is larger than the tier is not kept. */
  put(key: SliceKey, bytes: Uint8Array): void {
    if (bytes.byteLength + ENTRY_OVERHEAD_BYTES > this.maxBytes) return
    const object = this.#index.add('memory', key, bytes.byteLength)
    this.#held.set(nameOf(key), { key, bytes, object })
  }

  /** The slice, without its staying any longer for that. */
  glance(key: SliceKey): Uint8Array | null {
    return this.#held.peek(nameOf(key))?.bytes ?? null
  }

  has(key: SliceKey): boolean {
    return this.#held.has(nameOf(key))
  }

  delete(key: SliceKey): void {
    this.#held.delete(nameOf(key))
  }

  /** Lets go of a version of an object, and of the object where nothing else is known of it. */
  forget(objectId: string, version: string): void {
    for (const key of this.#index.slicesOf(objectId, 'memory')) if (key.version === version) this.delete(key)
    const object = this.#index.get(objectId)
    if (object && object.record === null && object.memory.size + object.disk.size === 0) this.#index.forget(objectId)
  }

  /** Lets go of what is past its TTL and was not asked for since. */
  purgeExpired(): void {
    this.#held.purgeStale()
  }

  clear(): void {
    this.#held.clear()
  }
}

/** One text for a key; `/` is in none of its pieces. */
export function nameOf(key: SliceKey): string {
  return `${key.objectId}/${key.version}/${key.index}`
}
