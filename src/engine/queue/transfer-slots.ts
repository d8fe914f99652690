import { loopMeter } from '../source/loop-meter.ts'
import { MOST_BYTES } from '../transfer/one-request.ts'

/** Transfers one engine works on at once; they share its byte budget. */
const MAX_TRANSFERS = 10
/** And with small ones among them, which wait more than they work. */
const MAX_WITH_SMALL = 64
/** The same while the thread has no time left: more at once would not be faster, and push each other out of the processor's caches. */
const MAX_WHILE_BUSY = 24
/** Of the time, in which the thread was at work. */
const BUSY_SHARE = 0.8
/** How often it is looked at: over so many small ones, some tens of milliseconds at full speed. */
const SMALL_ONES_A_LOOK = 8

/**
 * How many transfers an engine takes on. Their sizes are unknown before they are asked for, so it goes by what came last: each
 * small file makes room for one more, and a large one takes all such room back. Looking for work waits until a quarter is free,
 * so that many small transfers cost few claims.
 */
export class TransferSlots {
  #extra = 0
  #smallOnes = 0
  #isBusy = false
  #wasTooLarge = false
  readonly #busyShare: () => number

  /** `busyShare`: how busy the thread was since the last call, from 0 to 1. */
  constructor(busyShare = loopMeter()) {
    this.#busyShare = busyShare
  }

  /** Transfers at once, as things look. */
  get total(): number {
    return MAX_TRANSFERS + this.#extra
  }

  /**
   * Whether the next one may well go in one request although it is not small (transfer/one-request.ts): not where a number of small ones
   * have come, which are many at once, nor where the last one was too large for it, so that what is asked for would be sent in vain.
   */
  get suitOneRequest(): boolean {
    return this.#extra < SMALL_ONES_A_LOOK && !this.#wasTooLarge
  }

  small(): void {
    if (++this.#smallOnes % SMALL_ONES_A_LOOK === 0) this.#isBusy = this.#busyShare() >= BUSY_SHARE
    const most = this.#isBusy ? MAX_WHILE_BUSY : MAX_WITH_SMALL
    this.#extra += Math.sign(most - this.total)
  }

  /** `sizeBytes`: null where nobody knows. */
  large(sizeBytes: number | null): void {
    this.#extra = 0
    this.#wasTooLarge = sizeBytes === null || sizeBytes > MOST_BYTES
  }

  /** How many more to claim; 0 where it is too early to look. `isAsked`: a timer or a hint asks, not an end of work. */
  room(active: number, isAsked: boolean): number {
    const free = Math.max(0, this.total - active)
    return isAsked || active === 0 || free >= this.total / 4 ? free : 0
  }
}
