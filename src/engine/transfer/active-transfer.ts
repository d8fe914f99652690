import { Stop } from './stop.ts'

/** What transfers of an engine were found to be (queue/transfer-slots.ts). */
interface Slots {
  small(): void
  large(sizeBytes: number | null): void
  readonly suitOneRequest: boolean
}

/** A transfer this engine works on right now: how to stop it, and when it has let go of everything. */
export class ActiveTransfer {
  readonly id: string
  readonly stopper = new AbortController()
  readonly #letGo = new AbortController()
  /**
   * True once everything has to be let go of, written down or not: the lease is lost or the engine ends. An abort signal keeps
   * its first reason, so a stop by the user before that would hide it.
   */
  mustLetGo = false
  /** Claims on parts held for it, by id: the lease keeper renews them, and stops the transfer when one is lost. */
  readonly claimIds = new Set<string>()
  /** Raised when claims are given to others: they may come back under a new epoch, so a renewal from before says nothing. */
  givenBack = 0
  /** The claim on its plan or verification. It is renewed too, and goes with the statement that saves what was found. */
  planClaimId: string | null = null
  /** Settles when every buffer, socket and claim of it is given back. */
  done: Promise<void> = Promise.resolve()

  /** Called once it is known: it went as a small file, or it is none. */
  readonly onSmall: () => void
  readonly onLarge: (sizeBytes: number | null) => void

  readonly #slots: Slots

  constructor(id: string, slots: Slots = { small() {}, large() {}, suitOneRequest: true }) {
    this.id = id
    this.#slots = slots
    this.onSmall = () => slots.small()
    this.onLarge = (sizeBytes) => slots.large(sizeBytes)
  }

  /** Those before it were of such a size that more than the least should be asked for at first. */
  get suitsOneRequest(): boolean {
    return this.#slots.suitOneRequest
  }

  get signal(): AbortSignal {
    return this.stopper.signal
  }

  /** Aborted with `mustLetGo`: for work that a wish of the user comes too late for. */
  get letGoSignal(): AbortSignal {
    return this.#letGo.signal
  }

  get isStoppedByUser(): boolean {
    return this.signal.reason instanceof Stop && this.signal.reason.why === 'user'
  }

  stop(why: Stop['why']): void {
    if (why === 'lease-lost' || why === 'shutdown') {
      this.mustLetGo = true
      this.#letGo.abort(new Stop(why))
    }
    this.stopper.abort(new Stop(why))
  }
}
