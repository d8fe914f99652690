import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { Db } from '../../src/server/db/client.ts'
import { type AcknowledgedPart, acknowledgedParts, type LedgerMoment } from './invariants.ts'

/** What went over the wire for one transfer so far, as source and bucket saw it, oldest first. */
export interface Traffic {
  /** Ranges the source was asked for; null: a request without one. */
  asked(): readonly { readonly range: { readonly startByte: number; readonly endByte: number } | null }[]
  /** Parts the bucket was sent. */
  sent(): readonly { readonly partNumber: number | null }[]
}

/**
 * Until a request that was sent before the ledger was read is in the traffic: this process has to have taken its connection and read it,
 * through a proxy or two, and on a slow machine a turn of its event loop may last longer than any delay.
 */
const ARRIVAL_MS = 20
const ARRIVAL_TURNS = 12

/** The ledger of a transfer as it grows: what is in it at one moment must not move after that (I4). */
export class LedgerMoments {
  readonly #db: Db
  readonly #transferId: string
  readonly #traffic: Traffic
  readonly #known = new Set<string>()
  readonly #taken: { acknowledged: AcknowledgedPart[]; asked: number; sent: number }[] = []

  constructor(db: Db, transferId: string, traffic: Traffic) {
    this.#db = db
    this.#transferId = transferId
    this.#traffic = traffic
  }

  /** Looks, and remembers what is new in the ledger together with what had moved by then. */
  async take(): Promise<void> {
    const parts = await acknowledgedParts(this.#db, this.#transferId)
    const acknowledged = parts.filter(({ number, etag }) => !this.#known.has(`${number} ${etag}`))
    if (acknowledged.length === 0) return
    await delay(ARRIVAL_MS)
    for (let turns = 0; turns < ARRIVAL_TURNS; turns++) await turn()
    for (const { number, etag } of acknowledged) this.#known.add(`${number} ${etag}`)
    this.#taken.push({ acknowledged, asked: this.#traffic.asked().length, sent: this.#traffic.sent().length })
  }

  /** Forgets what was not judged yet: for a transfer whose engine may send late what another has sent meanwhile. */
  clear(): void {
    this.#taken.length = 0
  }

  all(): LedgerMoment[] {
    return this.#taken.map(({ acknowledged, asked, sent }) => ({ acknowledged, ...this.since(asked, sent) }))
  }

  /** What moved after so many requests to source and bucket. */
  since(asked: number, sent: number): Pick<LedgerMoment, 'askedAfter' | 'sentAfter'> {
    return {
      askedAfter: this.#traffic
        .asked()
        .slice(asked)
        .flatMap(({ range }) => range ?? []),
      sentAfter: this.#traffic
        .sent()
        .slice(sent)
        .flatMap(({ partNumber }) => partNumber ?? []),
    }
  }
}
