import { setTimeout as delay } from 'node:timers/promises'
import { nameOf } from './memory.ts'
import type { SharedTier } from './shared.ts'
import type { CachedSlice, FetchClaim, FetchTurn, SliceKey } from './slice-cache.ts'
import { untilAborted } from './until-aborted.ts'

/** How often a waiter looks whether the slice has come: at first often, then less. */
const FIRST_LOOK_MS = 10
const LONGEST_LOOK_MS = 100

const NO_LEASE: FetchClaim = { release() {} }

export interface FetchTurnsOptions {
  /** Null where nothing is shared: then it is everybody's turn. */
  readonly shared: SharedTier | null
  readonly readShared: (key: SliceKey) => Promise<CachedSlice | null>
  /** Whether a slice that was put will be written soon. */
  readonly isComing: (key: SliceKey) => boolean
}

/**
 * Whose turn it is to fetch a slice, among the engines that share a tier: a short lease in Redis. One who is gone loses it when it runs
 * out, and nobody waits longer than they said, so the worst that can happen is that a slice is fetched twice.
 */
export class FetchTurns {
  readonly #options: FetchTurnsOptions
  /** Tokens of the leases that are ours, by slice. */
  readonly #leases = new Map<string, string>()

  constructor(options: FetchTurnsOptions) {
    this.#options = options
  }

  /** See `SliceCache.claimFetch`. */
  async next(
    key: SliceKey,
    { leaseMs, waitMs }: { readonly leaseMs: number; readonly waitMs: number },
    signal: AbortSignal,
  ): Promise<FetchTurn> {
    const { shared, readShared } = this.#options
    if (!shared?.isUp) return { slice: null, claim: NO_LEASE }
    const deadlineMs = performance.now() + waitMs
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(LONGEST_LOOK_MS, lookMs * 1.5)) {
      const token = await shared.takeLease(key, leaseMs)
      if (token === undefined) return { slice: null, claim: NO_LEASE }
      if (token !== null) this.#leases.set(nameOf(key), token)
      try {
        // Looked at with the lease taken, too: whoever had it before may just have written the slice.
        const slice = await untilAborted(readShared(key), signal)
        if (slice) {
          this.release(key)
          return { slice, claim: null }
        }
      } catch (error) {
        this.release(key)
        throw error
      }
      if (token !== null) return { slice: null, claim: this.#claim(key) }
      if (performance.now() >= deadlineMs) return { slice: null, claim: NO_LEASE }
      await delay(Math.max(1, Math.min(lookMs, deadlineMs - performance.now())), undefined, { signal }).catch(() => {
        throw signal.reason
      })
    }
  }

  /** Ends our lease on a slice, if we have one: it is there now, or it will not be. */
  release(key: SliceKey): void {
    const name = nameOf(key)
    const token = this.#leases.get(name)
    if (token === undefined) return
    this.#leases.delete(name)
    void this.#options.shared?.releaseLease(key, token)
  }

  #claim(key: SliceKey): FetchClaim {
    return {
      release: () => {
        // A write that is due releases it when the slice is there for the others.
        if (!this.#options.isComing(key)) this.release(key)
      },
    }
  }
}
