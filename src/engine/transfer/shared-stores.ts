import type { BucketCapabilities } from '../../server/domain/bucket.ts'
import type { ObjectStore } from '../upload/object-store.ts'

interface Shared {
  readonly store: ObjectStore
  users: number
}

/** Stores that nobody uses and that stay open; the one that was used longest ago is closed for another. */
const KEPT_UNUSED = 8

/**
 * Stores that transfers share, so that none opens connections of its own, with handshakes, where one before it left some: one for each
 * bucket as it is saved right now, under a key its user makes of everything that matters.
 */
export class SharedStores {
  /** The one that was given back last comes last. */
  readonly #stores = new Map<string, Shared>()
  readonly #learning = new Map<string, Promise<BucketCapabilities>>()

  /** The store under this key, or the one that `open` makes. Its `close` gives it back. */
  use(key: string, open: () => ObjectStore): ObjectStore {
    let shared = this.#stores.get(key)
    if (!shared) {
      shared = { store: open(), users: 0 }
      this.#stores.set(key, shared)
    }
    const taken = shared
    taken.users++
    let isReleased = false
    return {
      ...taken.store,
      close: () => {
        if (isReleased) return
        isReleased = true
        taken.users--
        this.#stores.delete(key)
        this.#stores.set(key, taken)
        this.#closeUnused(KEPT_UNUSED)
      },
    }
  }

  /** Runs one inspection of a bucket at a time; whoever comes meanwhile gets its result, or tries for itself where it failed. */
  async learn(bucketId: string, inspect: () => Promise<BucketCapabilities>): Promise<BucketCapabilities> {
    for (let running = this.#learning.get(bucketId); running; running = this.#learning.get(bucketId)) {
      const learned = await running.catch(() => null)
      if (learned) return learned
    }
    const learning = inspect().finally(() => this.#learning.delete(bucketId))
    this.#learning.set(bucketId, learning)
    return learning
  }

  /** Closes what nobody uses, when nothing runs any more. */
  closeIdle(): void {
    this.#closeUnused(0)
  }

  #closeUnused(kept: number): void {
    const unused = [...this.#stores].filter(([, { users }]) => users === 0)
    for (const [key, { store }] of unused.slice(0, Math.max(0, unused.length - kept))) {
      this.#stores.delete(key)
      store.close()
    }
  }
}
