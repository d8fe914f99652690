import type { BucketCapabilities } from '../../server/domain/bucket.ts'
import type { ObjectStore } from '../upload/object-store.ts'

interface Shared {
  readonly store: ObjectStore
  users: number
}

/** A store in use; whoever has it gives it back and does not close it. */
export interface StoreLease {
  readonly store: ObjectStore
  release(): void
}

/**
 * Stores that small transfers share, so that each does not open connections of its own: one for each bucket as it is saved right
 * now, under a key its user makes of everything that matters. What nobody uses stays open until `closeIdle`.
 */
export class SharedStores {
  readonly #stores = new Map<string, Shared>()
  readonly #learning = new Map<string, Promise<BucketCapabilities>>()

  use(key: string, open: () => ObjectStore): StoreLease {
    let shared = this.#stores.get(key)
    if (!shared) {
      shared = { store: open(), users: 0 }
      this.#stores.set(key, shared)
    }
    const taken = shared
    taken.users++
    let isReleased = false
    return {
      store: taken.store,
      release: () => {
        if (!isReleased) taken.users--
        isReleased = true
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
    for (const [key, { store, users }] of this.#stores) {
      if (users > 0) continue
      this.#stores.delete(key)
      store.close()
    }
  }
}
