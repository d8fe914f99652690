import type { Claim } from '../../server/db/claims.ts'
import type { ClosedClaim } from '../../server/db/ledger.ts'

/** A part to be moved, and the claim that allows it. */
export interface PartTask {
  readonly number: number
  readonly claim: Claim
}

interface OpenClaim {
  readonly claim: Claim
  readonly left: Set<number>
  /** Parts that were left when it was claimed: while all of them wait, nothing of it was begun. */
  readonly parts: number
}

/** What was given away is not asked for again for so long, or it would never get to somebody else. */
const GIVEN_MS = 3_000

/** Free pieces of the transfer, or only those of engines that died; with what of them is in the ledger. */
export type AskForParts = (isOfDead: boolean) => Promise<readonly { claim: Claim; recorded: ReadonlySet<number> }[]>

/**
 * The parts this engine may move: those of its claims that are not in the ledger yet, lowest first. Asks for more claims when
 * it runs low or an engine has died, one question at a time; it is exhausted once nobody has any left to give.
 */
export class RemainingWork {
  readonly #askMore: AskForParts
  readonly #lowWater: number
  readonly #tasks: PartTask[] = []
  readonly #claims = new Map<string, OpenClaim>()
  readonly #closed: ClosedClaim[] = []
  #asking: Promise<void> | null = null
  #isDry = false
  #givenAtMs = Number.NEGATIVE_INFINITY

  constructor(lowWater: number, askMore: AskForParts) {
    this.#lowWater = lowWater
    this.#askMore = askMore
  }

  add(claim: Claim, recorded: ReadonlySet<number>): void {
    const left = new Set<number>()
    for (let number = claim.firstPart; number <= claim.lastPart; number++) if (!recorded.has(number)) left.add(number)
    if (left.size === 0) {
      this.#closed.push({ claimId: claim.id, epoch: claim.epoch })
      return
    }
    this.#claims.set(claim.id, { claim, left, parts: left.size })
    for (const number of left) this.#tasks.push({ number, claim })
  }

  /** True when there is nothing left to take and nobody has more. */
  get isExhausted(): boolean {
    return this.#isDry && this.#tasks.length === 0
  }

  /** Takes the next part, or null where there is none right now. */
  take(): PartTask | null {
    return this.#tasks.shift() ?? null
  }

  /** Asks for more claims where few parts are left. Resolves when the answer is in; harmless to call often. */
  refill(): Promise<void> {
    if (this.#isDry || this.#tasks.length >= this.#lowWater) return Promise.resolve()
    if (this.#tasks.length > 0 && performance.now() - this.#givenAtMs < GIVEN_MS) return Promise.resolve()
    this.#asking ??= this.#ask(false).finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  /**
   * Asks at once for what a dead engine held, however many parts wait here, also after there was nothing more to ask for. While
   * another question is open it only waits for that: the next sign of the same will do.
   */
  takeOver(): Promise<void> {
    this.#asking ??= this.#ask(true).finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  /** Waits for a question that is still open, so that no claim arrives after the work has ended. */
  async settled(): Promise<void> {
    await this.#asking?.catch(() => {})
  }

  /** Takes out claims nothing was begun of, the last ones, with about this share of the parts that wait; the caller hands them back. */
  giveBack(share: number): Claim[] {
    const waiting = new Map<string, number>()
    for (const { claim } of this.#tasks) waiting.set(claim.id, (waiting.get(claim.id) ?? 0) + 1)
    const wanted = this.#tasks.length * share
    const given: Claim[] = []
    let parts = 0
    for (const open of [...this.#claims.values()].reverse()) {
      if (parts >= wanted) break
      if (waiting.get(open.claim.id) !== open.parts) continue
      parts += open.parts
      given.push(open.claim)
      this.#claims.delete(open.claim.id)
    }
    if (given.length === 0) return []
    const gone = new Set(given.map((claim) => claim.id))
    const kept = this.#tasks.filter(({ claim }) => !gone.has(claim.id))
    this.#tasks.splice(0, this.#tasks.length, ...kept)
    this.#givenAtMs = performance.now()
    return given
  }

  /** Notes that a part is in the bucket. */
  finished(task: PartTask): void {
    const open = this.#claims.get(task.claim.id)
    if (!open?.left.delete(task.number) || open.left.size > 0) return
    this.#claims.delete(task.claim.id)
    this.#closed.push({ claimId: task.claim.id, epoch: task.claim.epoch })
  }

  /** The source ended after so many parts: what was claimed beyond them does not exist. */
  endAt(partsTotal: number): void {
    this.#isDry = true
    this.#tasks.length = 0
    for (const [id, { claim, left }] of this.#claims) {
      for (const number of left) if (number > partsTotal) left.delete(number)
      if (left.size > 0) continue
      this.#claims.delete(id)
      this.#closed.push({ claimId: id, epoch: claim.epoch })
    }
  }

  /** Claims that are done with since the last call. */
  takeClosed(): ClosedClaim[] {
    return this.#closed.splice(0)
  }

  async #ask(isOfDead: boolean): Promise<void> {
    const more = await this.#askMore(isOfDead)
    if (more.length > 0) this.#isDry = false
    else if (!isOfDead) this.#isDry = true
    for (const { claim, recorded } of more) this.add(claim, recorded)
  }
}
