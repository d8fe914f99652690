import { renewClaims } from '../../server/db/claims.ts'
import type { ActiveTransfer } from '../transfer/active-transfer.ts'
import type { WorkContext } from '../transfer/work-context.ts'

const CHECK_MS = 500

/**
 * Keeps the claims of this engine alive, all with one statement each third of a lease, and stops work whose claim is lost.
 *
 * Whether a lease has ended is decided by the database's clock alone. The engine holds a deadline on its own monotonic
 * clock, taken before each renewal was sent: when that passes (the database is away, the process was frozen) it stops by
 * itself, before anybody else may take over.
 */
export class LeaseKeeper {
  readonly #context: WorkContext
  readonly #active: ReadonlyMap<string, ActiveTransfer>
  readonly #leaseMs: number
  readonly #checkMs: number
  #deadlineMs = Number.POSITIVE_INFINITY
  #renewedAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #isRenewing = false

  constructor(context: WorkContext, active: ReadonlyMap<string, ActiveTransfer>) {
    this.#context = context
    this.#active = active
    this.#leaseMs = context.env.SLUICE_LEASE_MS
    this.#checkMs = Math.min(CHECK_MS, this.#leaseMs / 6)
  }

  start(): void {
    this.#timer = setInterval(() => this.#check(), this.#checkMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A claim was made at this moment (taken before its statement was sent): the deadline cannot be later than its lease. */
  claimedAt(sentMs: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, sentMs + this.#leaseMs)
  }

  #check(): void {
    const nowMs = performance.now()
    if (this.#active.size === 0) {
      this.#deadlineMs = Number.POSITIVE_INFINITY
      return
    }
    // Looked at only now and then, and a busy process looks late: what may pass until the next look is taken off.
    if (nowMs > this.#deadlineMs - this.#checkMs - this.#leaseMs / 20) {
      this.#context.log.warn('The lease could not be renewed in time; this engine stops working on its transfers.')
      for (const transfer of this.#active.values()) transfer.stop('lease-lost')
      // Nothing is held any more. What is claimed from now on has a deadline of its own, however long the old work winds down.
      this.#deadlineMs = Number.POSITIVE_INFINITY
      return
    }
    if (nowMs - this.#renewedAtMs >= this.#leaseMs / 3 && !this.#isRenewing) void this.#renew(nowMs)
  }

  async #renew(sentMs: number): Promise<void> {
    this.#isRenewing = true
    // What has to be let go of is not renewed: somebody else is to have it.
    const kept = [...this.#active].filter(([, transfer]) => !transfer.mustLetGo)
    const before = new Map(kept.map(([id, transfer]) => [id, new Set(transfer.claimIds)]))
    const givenBack = new Map(kept.map(([id, transfer]) => [id, transfer.givenBack]))
    try {
      const plans = kept.flatMap(([, transfer]) => transfer.planClaimId ?? [])
      const claimIds = [...before.values()].flatMap((known) => [...known]).concat(plans)
      const work = { claimIds, transferIds: [...before.keys()] }
      const held = await renewClaims(this.#context.db, this.#context.engineId, this.#leaseMs, work)
      this.#renewedAtMs = sentMs
      // An answer that took longer than a lease proves nothing about now; the next renewal tells.
      if (performance.now() < sentMs + this.#leaseMs) this.#deadlineMs = sentMs + this.#leaseMs
      for (const [id, transfer] of this.#active) {
        const known = before.get(id)
        // A claim counts as lost where it was held before and is still wanted, but the database did not renew it.
        const isLost = [...transfer.claimIds].some((claimId) => known?.has(claimId) && !held.has(claimId))
        if (isLost && transfer.givenBack === givenBack.get(id)) transfer.stop('lease-lost')
      }
    } catch (error) {
      this.#context.log.warn({ err: error }, 'The lease could not be renewed; trying again.')
    } finally {
      this.#isRenewing = false
    }
  }
}
