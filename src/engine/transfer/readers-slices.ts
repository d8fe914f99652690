import type { CachedSlice, SliceCache, SliceKey } from '../cache/slice-cache.ts'
import type { PublishedFile, PublishedSlices } from '../slice/published-slices.ts'
import type { SlicedFile } from '../slice/sliced-file.ts'
import type { SourceTarget } from '../source/source.ts'
import type { KeptSlices } from './kept-slices.ts'

export interface ReadersSlicesOptions {
  readonly target: SourceTarget
  /** The version the transfer has proven; nothing of another is ever taken. */
  readonly version: string
  readonly published: PublishedSlices
  readonly cache: Pick<SliceCache, 'has' | 'get'>
  readonly memory: Pick<KeptSlices, 'get'>
}

/**
 * What readers of published origins have of a file that transfers read too: the same URL, asked for with the same headers, in the version
 * the transfer has proven. The cache is asked only for what it has, and counts nothing of it as readers' hits.
 */
export class ReadersSlices {
  readonly #options: ReadersSlicesOptions
  #files: readonly PublishedFile[] = []
  #generation = -1

  constructor(options: ReadersSlicesOptions) {
    this.#options = options
  }

  /** The file as readers share it, while one of them reads it; else null. */
  get whileRead(): SlicedFile | null {
    for (const file of this.#published) {
      const read = file.whileRead(this.#options.version)
      if (read) return read
    }
    return null
  }

  /** A slice that is in memory. */
  peek(index: number): Uint8Array | null {
    for (const file of this.#published) {
      const bytes = this.#options.memory.get(this.#keyOf(file, index))
      if (bytes) return bytes
    }
    return null
  }

  /** Whether this engine has a slice, in memory or on disk. */
  has(index: number): boolean {
    for (const file of this.#published) if (this.#options.cache.has(this.#keyOf(file, index))) return true
    return false
  }

  /** A slice this engine has; null where it has none. Rejects with the signal's reason alone. */
  async get(index: number, signal: AbortSignal): Promise<CachedSlice | null> {
    const { cache } = this.#options
    for (const file of this.#published) {
      const key = this.#keyOf(file, index)
      const found = cache.has(key) ? await cache.get(key, signal) : null
      if (found) return found
    }
    return null
  }

  #keyOf({ objectId }: PublishedFile, index: number): SliceKey {
    return { objectId, version: this.#options.version, index }
  }

  /** Looked up anew only when origins have changed. */
  get #published(): readonly PublishedFile[] {
    const { published, target } = this.#options
    if (this.#generation !== published.generation) {
      this.#generation = published.generation
      this.#files = published.of(target)
    }
    return this.#files
  }
}
