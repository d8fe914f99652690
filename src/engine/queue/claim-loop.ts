import { claimTransfers, releaseClaims } from '../../server/db/claims.ts'
import { findCompletable, reviveStranded } from '../../server/db/completion.ts'
import { beginTransfers } from '../../server/db/transfer-steps.ts'
import { ActiveTransfer } from '../transfer/active-transfer.ts'
import { completeTransfer } from '../transfer/complete-transfer.ts'
import { settleFailure } from '../transfer/settle-failure.ts'
import { Stop } from '../transfer/stop.ts'
import type { WorkContext } from '../transfer/work-context.ts'
import { workOnTransfer } from '../transfer/work-on-transfer.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { sweepOrphans, sweepUploads } from './sweep-uploads.ts'
import { TransferSlots } from './transfer-slots.ts'

/** Looking for work without a hint: often while nothing else is to be done, and no more statements than needed while bytes move. */
const POLL_MS = 1_000
const BUSY_POLL_MS = 3_000
/** Looking for what others have left behind, beside that: work nobody completes, uploads nobody wants. */
const TIDY_MS = 4_000
const BUSY_TIDY_MS = 10_000
const REVIVE_MS = 10_000
const ORPHANS_MS = 10_000

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
  readonly #slots = new TransferSlots()
  /** What the next look is for: an end of our own work asks for more, a hint or a timer for all there is. */
  #asked: 'nothing' | 'more' | 'all' = 'nothing'
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #tidiedAtMs = Number.NEGATIVE_INFINITY
  #isStopping = false
  #orphansAtMs = Number.NEGATIVE_INFINITY
  #revivedAtMs = Number.NEGATIVE_INFINITY

  constructor(context: WorkContext) {
    this.#context = context
    this.#lease = new LeaseKeeper(context, this.#active)
  }

  get transfers(): number {
    return this.#active.size
  }

  start(): void {
    this.#timer = setInterval(() => this.#poll(), POLL_MS)
    this.#lease.start()
    this.poke()
  }

  /** Looks for work of all kinds now. Calls while it is looking make it look once more. */
  poke(): void {
    this.#tidiedAtMs = Number.NEGATIVE_INFINITY
    this.#look('all')
  }

  #poll(): void {
    const isIdle = this.#active.size === 0
    if (isIdle || performance.now() - this.#lookedAtMs >= BUSY_POLL_MS - POLL_MS / 2) this.#look('all')
  }

  #look(asked: 'more' | 'all'): void {
    if (this.#asked !== 'all') this.#asked = asked
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
    while (this.#asked !== 'nothing' && !this.#isStopping) {
      const isAsked = this.#asked === 'all'
      this.#asked = 'nothing'
      if (isAsked) this.#lookedAtMs = performance.now()
      try {
        await this.#claim(isAsked)
        if (isAsked) await this.#tidy()
      } catch (error) {
        this.#context.log.warn({ err: error }, 'Looking for work failed; trying again.')
      }
    }
  }

  async #tidy(): Promise<void> {
    const nowMs = performance.now()
    if (nowMs - this.#tidiedAtMs < (this.#active.size === 0 ? TIDY_MS : BUSY_TIDY_MS)) return
    this.#tidiedAtMs = nowMs
    await this.#revive()
    await this.#completeAbandoned()
    this.#sweep()
  }

  /** Beside the search for work, because a bucket that does not answer holds an abort up for half a minute. */
  #sweep(): void {
    const endWork = async (id: string) => {
      const active = this.#active.get(id)
      active?.stop('user')
      await active?.done
    }
    const { signal } = this.#stopper
    const sweep = async () => {
      await sweepUploads(this.#context, endWork, signal)
      if (performance.now() - this.#orphansAtMs < ORPHANS_MS) return
      this.#orphansAtMs = performance.now()
      await sweepOrphans(this.#context, signal)
    }
    this.#sweeping ??= sweep()
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

  async #claim(isAsked: boolean): Promise<void> {
    const { db, engineId, env, log } = this.#context
    const limit = this.#slots.room(this.#active.size, isAsked)
    if (limit <= 0) return
    const sentMs = performance.now()
    const activeIds = [...this.#active.keys()]
    const claims = await claimTransfers(db, { engineId, leaseMs: env.SLUICE_LEASE_MS, limit, activeIds })
    if (claims.length === 0) return
    this.#lease.claimedAt(sentMs)
    // For all together; where that fails, each tries for itself.
    const rows = await beginTransfers(
      db,
      claims.map((claim) => claim.transferId),
    ).catch((err) => {
      log.warn({ err }, 'claimed transfers could not be loaded together')
      return []
    })
    for (const claim of claims) {
      const row = rows.find(({ id }) => id === claim.transferId) ?? null
      this.#run(claim.transferId, (active) => workOnTransfer(this.#context, claim, active, row))
    }
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
          else active.stop(error.why)
        } finally {
          await releaseClaims(this.#context.db, this.#context.engineId, id)
        }
      })
    }
  }

  #run(id: string, work: (active: ActiveTransfer) => Promise<void>): void {
    const active = new ActiveTransfer(id, this.#slots)
    this.#active.set(id, active)
    active.done = work(active)
      .catch((error) =>
        this.#context.log.error({ transferId: id, err: error }, 'work on a transfer ended unexpectedly'),
      )
      .finally(() => {
        this.#active.delete(id)
        if (this.#active.size === 0) this.#rest()
        // Cancelled while it was being completed: only now, that the right to it is given back, its upload can be removed.
        if (active.isStoppedByUser) this.poke()
        else this.#look('more')
      })
  }

  /** Lets go of what is kept for the next transfer, when there is none. */
  #rest(): void {
    this.#context.pool.clear()
    this.#context.stores.closeIdle()
  }
}
