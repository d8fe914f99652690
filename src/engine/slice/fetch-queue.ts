/** How urgent a fetch is (B9): short reads before medium before bulk, and what nobody waits for yet last. */
export type Rank = 0 | 1 | 2 | 3
export const RANKS = { short: 0, medium: 1, bulk: 2, prefetch: 3 } as const

/** Turns each rank has of the others. A share, not an order, so that nobody starves however many short reads come. */
const SHARES = [16, 4, 2, 1] as const

/** What waits for its turn. */
export interface Queued {
  rank: Rank
  /** False once it needs no turn any more: taken along with another, or given up. */
  readonly isWaiting: boolean
}

/**
 * Who waits for a request to one origin. Each rank has turns by its share (stride scheduling: the one furthest behind is next); within a
 * rank it is first come, first served. Entries that no longer wait are skipped when they come up.
 */
export class FetchQueue<T extends Queued> {
  readonly #lists: T[][] = [[], [], [], []]
  readonly #passes = [0, 0, 0, 0]
  readonly #hasPriorities: boolean

  constructor(hasPriorities: boolean) {
    this.#hasPriorities = hasPriorities
  }

  push(item: T): void {
    const at = this.#hasPriorities ? item.rank : 0
    const list = this.#lists[at] as T[]
    this.#clean(at)
    // A rank that had nobody waiting does not get the turns it missed.
    if (list.length === 0) this.#passes[at] = Math.max(this.#passes[at] ?? 0, this.#lowestPass())
    list.push(item)
  }

  /** Moves an entry up; down never. */
  promote(item: T, rank: Rank): void {
    if (rank >= item.rank) return
    item.rank = rank
    if (this.#hasPriorities && item.isWaiting) this.push(item)
  }

  /** The next one, or null. It is still waiting: whoever takes it says so. */
  peek(): T | null {
    let best = -1
    for (let at = 0; at < this.#lists.length; at++) {
      this.#clean(at)
      if ((this.#lists[at] as T[]).length === 0) continue
      if (best < 0 || (this.#passes[at] ?? 0) < (this.#passes[best] ?? 0)) best = at
    }
    if (best < 0) return null
    this.#passes[best] = (this.#passes[best] ?? 0) + 1 / (SHARES[best] ?? 1)
    return this.#lists[best]?.[0] ?? null
  }

  get isEmpty(): boolean {
    return !this.#hasBelow(this.#lists.length)
  }

  /** Somebody waits for one of them now. */
  get isUrgent(): boolean {
    return this.#hasBelow(RANKS.prefetch)
  }

  #hasBelow(endRank: number): boolean {
    for (let at = 0; at < endRank; at++) {
      this.#clean(at)
      if ((this.#lists[at] as T[]).length > 0) return true
    }
    return false
  }

  /** All that wait. */
  *[Symbol.iterator](): Generator<T> {
    for (const [at, list] of this.#lists.entries())
      for (const item of list) if (item.isWaiting && (!this.#hasPriorities || item.rank === at)) yield item
  }

  /** Drops what no longer waits, or was promoted, from the head of a list. */
  #clean(at: number): void {
    const list = this.#lists[at] as T[]
    while (list.length > 0) {
      const head = list[0] as T
      if (head.isWaiting && (!this.#hasPriorities || head.rank === at)) return
      list.shift()
    }
  }

  #lowestPass(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const [at, list] of this.#lists.entries())
      if (list.length > 0) lowest = Math.min(lowest, this.#passes[at] ?? 0)
    return Number.isFinite(lowest) ? lowest : Math.max(...this.#passes)
  }
}
