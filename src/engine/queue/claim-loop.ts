import { claimTransfers, releaseClaims } from '../../server/db/claims.ts'
import { findCompletable, reviveStranded } from '../../server/db/completion.ts'
import { ActiveTransfer } from '../transfer/active-transfer.ts'
import { completeTransfer } from '../transfer/complete-transfer.ts'
import { settleFailure } from '../transfer/settle-failure.ts'
import { Stop } from '../transfer/stop.ts'
import type { WorkContext } from '../transfer/work-context.ts'
import { workOnTransfer } from '../transfer/work-on-transfer.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { sweepUploads } from './sweep-uploads.ts'

const POLL_MS = 1_000
const REVIVE_MS = 10_000
/** Transfers one engine works on at once; they share its byte budget. */
const MAX_TRANSFERS = 10

/**
 * What an engine does all day: looks for work, on a hint or every second, and sees it through. Every engine runs the same
 * loop against the same rows; there is no coordinator.
 */
export class ClaimLoop {
  readonly #context: WorkContext
  readonly #active = new Map<string, ActiveTransfer>()
  readonly #lease: LeaseKeeper
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> | null = null
  #sweeping: Promise<void> | null = null
  readonly #stopper = new AbortController()
  #isPoked = false
  #isStopping = false
  #revivedAtMs = Number.NEGATIVE_INFINITY

  constructor(context: WorkContext) {
    this.#context = context
    this.#lease = new LeaseKeeper(context, this.#active)
  }

  get transfers(): number {
    return this.#active.size
  }

  start(): void {
    this.#timer = setInterval(() => this.poke(), POLL_MS)
    this.#lease.start()
    this.poke()
  }

  /** Looks for work now. Calls while it is looking make it look once more. */
  poke(): void {
    this.#isPoked = true
    if (this.#ticking || this.#isStopping) return
    this.#ticking = this.#tick().finally(() => {
      this.#ticking = null
    })
  }

  /** True where a hint is about a transfer this engine works on. */
  isActive(id: string): boolean {
    return this.#active.has(id)
  }

  /** Stops all work and resolves when every claim is handed back. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#timer)
    this.#stopper.abort(new Stop('shutdown'))
    for (const transfer of this.#active.values()) transfer.stop('shutdown')
    await this.#ticking
    // What the last look for work has still begun.
    for (const transfer of this.#active.values()) transfer.stop('shutdown')
    await Promise.all([this.#sweeping, ...[...this.#active.values()].map((transfer) => transfer.done)])
    this.#lease.stop()
  }

  async #tick(): Promise<void> {
    while (this.#isPoked && !this.#isStopping) {
      this.#isPoked = false
      try {
        await this.#revive()
        await this.#claim()
        await this.#completeAbandoned()
        this.#sweep()
      } catch (error) {
        this.#context.log.warn({ err: error }, 'Looking for work failed; trying again.')
      }
    }
  }

  /** Beside the search for work, because a bucket that does not answer holds an abort up for half a minute. */
  #sweep(): void {
    const endWork = async (id: string) => {
      const active = this.#active.get(id)
      active?.stop('user')
      await active?.done
    }
    this.#sweeping ??= sweepUploads(this.#context, endWork, this.#stopper.signal)
      .catch((error) => this.#context.log.warn({ err: error }, 'Looking for unwanted uploads failed; trying again.'))
      .finally(() => {
        this.#sweeping = null
      })
  }

  async #revive(): Promise<void> {
    if (performance.now() - this.#revivedAtMs < REVIVE_MS) return
    this.#revivedAtMs = performance.now()
    const revived = await reviveStranded(this.#context.db)
    if (revived > 0) this.#context.log.error({ transfers: revived }, 'transfers without claims were planned anew')
  }

  async #claim(): Promise<void> {
    const { db, engineId, env } = this.#context
    const limit = MAX_TRANSFERS - this.#active.size
    if (limit <= 0) return
    const sentMs = performance.now()
    const activeIds = [...this.#active.keys()]
    const claims = await claimTransfers(db, { engineId, leaseMs: env.SLUICE_LEASE_MS, limit, activeIds })
    if (claims.length > 0) this.#lease.claimedAt(sentMs)
    for (const claim of claims) this.#run(claim.transferId, (active) => workOnTransfer(this.#context, claim, active))
  }

  async #completeAbandoned(): Promise<void> {
    for (const id of await findCompletable(this.#context.db)) {
      if (this.#active.has(id) || this.#isStopping) continue
      this.#lease.claimedAt(performance.now())
      this.#run(id, async (active) => {
        try {
          await completeTransfer(this.#context, id, active.signal)
        } catch (error) {
          if (!(error instanceof Stop)) await settleFailure(this.#context, id, error, active.signal)
        } finally {
          await releaseClaims(this.#context.db, this.#context.engineId, id)
        }
      })
    }
  }

  #run(id: string, work: (active: ActiveTransfer) => Promise<void>): void {
    const active = new ActiveTransfer(id)
    this.#active.set(id, active)
    active.done = work(active)
      .catch((error) =>
        this.#context.log.error({ transferId: id, err: error }, 'work on a transfer ended unexpectedly'),
      )
      .finally(() => {
        this.#active.delete(id)
        if (this.#active.size === 0) this.#context.pool.clear()
        this.poke()
      })
  }
}
