/** Transfers one engine works on at once; they share its byte budget. */
const MAX_TRANSFERS = 10
/** And with small ones among them, which wait more than they work. */
const MAX_WITH_SMALL = 64

/**
 * How many transfers an engine takes on. Their sizes are unknown before they are asked for, so it goes by what came last: each
 * small file makes room for one more, and a large one takes all such room back. Looking for work waits until a quarter is free,
 * so that many small transfers cost few claims.
 */
export class TransferSlots {
  #extra = 0

  /** Transfers at once, as things look. */
  get total(): number {
    return MAX_TRANSFERS + this.#extra
  }

  small(): void {
    this.#extra = Math.min(MAX_WITH_SMALL - MAX_TRANSFERS, this.#extra + 1)
  }

  large(): void {
    this.#extra = 0
  }

  /** How many more to claim; 0 where it is too early to look. `isAsked`: a timer or a hint asks, not an end of work. */
  room(active: number, isAsked: boolean): number {
    const free = Math.max(0, this.total - active)
    return isAsked || active === 0 || free >= this.total / 4 ? free : 0
  }
}
