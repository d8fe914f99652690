import { MIB } from '../../server/domain/bytes.ts'
import { LaneController } from './lane-controller.ts'
import { loopMeter } from './loop-meter.ts'

/** Connections to one host, over all transfers that read from it. */
export const MAX_LANES_PER_ORIGIN = 64
const TICK_MS = 50
/** A second without a request, and measuring stops. */
const REST_AFTER_TICKS = 20
/** So many connections lost within a second are the source's way to say that there are too many. */
const RESET_BURST = 3
const RESET_BURST_MS = 1_000
/** A source whose bytes take so long, for the wait or for the way, is asked for them before they are needed. */
const LATE_MEBIBYTE_MS = 150
/** How fast the usual first-byte time and rate follow the latest. */
const SMOOTHING = 0.3

export interface OriginOptions {
  /** What was remembered from before; null where nothing was. */
  readonly learnedLanes?: number | null
  readonly maxLanes?: number
  /** Exactly so many lanes, but for what the source refuses. */
  readonly fixedLanes?: number | null
  /** How busy this thread was since the last call, 0 to 1; by default what its event loop says. */
  readonly busyShare?: () => number
}

/** After so many lanes for readers one goes to a transfer that waits, so that no crowd of readers stops it. */
const READERS_IN_A_ROW = 8

/** One who waits for a lane. */
interface Waiter {
  readonly holder: object
  readonly isUrgent: boolean
  readonly grant: (lane: ReadLane) => void
}

/**
 * What all transfers share that read from one scheme, host and port: the number of lanes, and until when nothing may be
 * asked. A lane is had with `acquire` for one request and given back after it. The next free one goes to readers who wait, then to
 * whoever has the fewest, then to who has waited longest; and who has none need not wait for one, as far as the source is known to stand it.
 */
export class Origin {
  readonly baseUrl: string
  readonly #controller: LaneController
  readonly #maxLanes: number
  readonly #waiting: Waiter[] = []
  /** Lanes of each holder that has any. */
  readonly #byHolder = new Map<object, number>()
  #readersInARow = 0
  readonly #freeSlots: number[]
  readonly #warm: boolean[] = []
  readonly #lost: number[] = []
  #active = 0
  /** Of these, lanes that stand still because of us. */
  #held = 0
  #idleTicks = 0
  #openUntilMs = 0
  #deliveredBytes = 0
  #isHeldBack = false
  readonly #busyShare: () => number
  #ticking: NodeJS.Timeout | undefined
  #gate: NodeJS.Timeout | undefined
  #firstByteMs = 0
  #laneBytesPerSecond = 0

  constructor(baseUrl: string, options: OriginOptions = {}) {
    this.baseUrl = baseUrl
    this.#maxLanes = options.fixedLanes ?? options.maxLanes ?? MAX_LANES_PER_ORIGIN
    this.#controller = new LaneController({
      startLanes: options.learnedLanes ?? null,
      maxLanes: this.#maxLanes,
      fixedLanes: options.fixedLanes ?? null,
    })
    this.#busyShare = options.busyShare ?? loopMeter()
    this.#freeSlots = Array.from({ length: this.#maxLanes }, (_, slot) => this.#maxLanes - 1 - slot)
  }

  /** Lanes wanted now. */
  get lanes(): number {
    return this.#controller.lanes
  }

  /** Lanes that may be wanted soon; at least those wanted now. */
  get prospectiveLanes(): number {
    return this.#controller.prospectiveLanes
  }

  /** Requests under way. */
  get activeLanes(): number {
    return this.#active
  }

  /** Worth remembering for the next time; null where nothing was found yet. */
  get learnedLanes(): number | null {
    return this.#controller.learnedLanes
  }

  /** Usual time from request to first byte; 0 where nobody knows. */
  get firstByteMs(): number {
    return this.#firstByteMs
  }

  /** From the request for a MiB to its last byte, usually; 0 where nobody knows. */
  get mebibyteMs(): number {
    const rate = this.#laneBytesPerSecond
    return this.#firstByteMs + (rate > 0 ? (MIB / rate) * 1000 : 0)
  }

  /** Bytes come so long after they are asked for that this should be done before they are needed. */
  get isLate(): boolean {
    return this.mebibyteMs >= LATE_MEBIBYTE_MS
  }

  /** Usual rate of one connection; 0 where nobody knows. */
  get laneBytesPerSecond(): number {
    return this.#laneBytesPerSecond
  }

  /** Nobody has a lane or waits for one, and the source has asked for no pause. */
  get isIdle(): boolean {
    return this.#active === 0 && this.#waiting.length === 0 && performance.now() >= this.#openUntilMs
  }

  /** True where a lane can be had without waiting. */
  get hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#isOpen()
  }

  /**
   * Waits for a lane, for one of whom lanes are shared with the others: a transfer, or a published origin. `isUrgent`: a reader waits for
   * what is asked for. Rejects with the signal's reason; then none was taken.
   */
  acquire(signal: AbortSignal, holder: object = this, isUrgent = false): Promise<ReadLane> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (this.hasRoom || this.#mayBegin(holder, isUrgent)) return Promise.resolve(this.#open(holder))
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(signal.reason)
      }
      const entry: Waiter = {
        holder,
        isUrgent,
        grant: (lane: ReadLane) => {
          signal.removeEventListener('abort', onAbort)
          resolve(lane)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(entry)
      this.#watchGate()
    })
  }

  /** Something else than the source holds reading back, such as a bandwidth limit: nothing is learned from that time. */
  heldBack(): void {
    this.#isHeldBack = true
  }

  /** Nobody asks before then (Retry-After, RFC 9110 section 10.2.3); 0 asks for no wait at all. */
  slowDown(waitMs: number): void {
    this.#openUntilMs = Math.max(this.#openUntilMs, performance.now() + waitMs)
    this.#watchGate()
  }

  /** Its answer to a first question, a probe say, began after so long. */
  met(firstByteMs: number): void {
    this.#controller.met(firstByteMs)
  }

  /** Called by lanes. */
  delivered(bytes: number): void {
    this.#deliveredBytes += bytes
  }

  /** Called by a lane with its first byte. */
  warmed(slot: number, firstByteMs: number): void {
    this.#warm[slot] = true
    this.#firstByteMs = smooth(this.#firstByteMs, firstByteMs)
  }

  /** Called by a lane that was told that there are too many. */
  refused(): void {
    this.#controller.refused(performance.now(), this.#active)
  }

  /** Called by a lane whose connection broke: one is bad luck, several at once are a refusal. */
  lost(): void {
    const nowMs = performance.now()
    this.#lost.push(nowMs)
    while ((this.#lost[0] ?? nowMs) < nowMs - RESET_BURST_MS) this.#lost.shift()
    if (this.#lost.length >= RESET_BURST) this.refused()
  }

  /** Called by a lane that stands still because of us, and when it goes on. */
  held(change: 1 | -1): void {
    this.#held += change
    if (change > 0) this.#serve()
  }

  /** Called by a lane when its request has ended. */
  released(holder: object, slot: number, bytes: number, durationMs: number): void {
    const left = this.#lanesOf(holder) - 1
    if (left > 0) this.#byHolder.set(holder, left)
    else this.#byHolder.delete(holder)
    if (bytes > 0 && durationMs > 0)
      this.#laneBytesPerSecond = smooth(this.#laneBytesPerSecond, (bytes / durationMs) * 1000)
    this.#active--
    this.#freeSlots.push(slot)
    this.#serve()
  }

  #isOpen(): boolean {
    const { lanes, maxLanes } = this.#controller
    return this.#loadLanes < lanes && this.#active < maxLanes && performance.now() >= this.#openUntilMs
  }

  /** Lanes that stand still because of us are no load, unless they go on so soon that others in their place would only come on top. */
  get #loadLanes(): number {
    return this.#controller.isQuick ? this.#active : this.#active - this.#held
  }

  /**
   * Who has no lane may have a first one beyond what is wanted, but never beyond what the source was seen to stand. Where lanes come free
   * many times a second, only a reader may.
   */
  #mayBegin(holder: object, isUrgent: boolean): boolean {
    const { maxLanes, isQuick } = this.#controller
    if (this.#lanesOf(holder) > 0 || (isQuick && !isUrgent)) return false
    return this.#active < maxLanes && performance.now() >= this.#openUntilMs
  }

  #lanesOf(holder: object): number {
    return this.#byHolder.get(holder) ?? 0
  }

  #open(holder: object): ReadLane {
    if (!this.#ticking) this.#begin()
    this.#active++
    this.#byHolder.set(holder, this.#lanesOf(holder) + 1)
    return new ReadLane(this, holder, this.#freeSlots.pop() ?? this.#maxLanes)
  }

  #serve(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      this.#waiting.splice(this.#waiting.indexOf(next), 1)
      this.#readersInARow = next.isUrgent ? this.#readersInARow + 1 : 0
      next.grant(this.#open(next.holder))
    }
    this.#watchGate()
  }

  /** Who gets a lane now, or null. */
  #next(): Waiter | null {
    if (!this.#isOpen()) return this.#waiting.find(({ holder, isUrgent }) => this.#mayBegin(holder, isUrgent)) ?? null
    const isTurnOfOthers = this.#readersInARow >= READERS_IN_A_ROW && this.#waiting.some(({ isUrgent }) => !isUrgent)
    let best: Waiter | null = null
    for (const waiter of this.#waiting) {
      if (isTurnOfOthers && waiter.isUrgent) continue
      if (best === null || isBefore(waiter, best, (holder) => this.#lanesOf(holder))) best = waiter
    }
    return best
  }

  /** Wakes whoever waits when the time the source asked for is over. */
  #watchGate(): void {
    clearTimeout(this.#gate)
    this.#gate = undefined
    const waitMs = this.#openUntilMs - performance.now()
    if (this.#waiting.length === 0 || waitMs <= 0) return
    this.#gate = setTimeout(() => this.#serve(), Math.ceil(waitMs))
    this.#gate.unref()
  }

  #begin(): void {
    this.#controller.restart()
    this.#ticking = setInterval(() => this.#tick(), TICK_MS)
    this.#ticking.unref()
  }

  #tick(): void {
    this.#idleTicks = this.isIdle ? this.#idleTicks + 1 : 0
    if (this.#idleTicks >= REST_AFTER_TICKS) {
      this.#rest()
      return
    }
    this.#controller.tick(performance.now(), {
      deliveredBytes: this.#deliveredBytes,
      // A few that stand still for a moment spoil no measurement; where many do, the source is not what limits.
      activeLanes: this.#loadLanes,
      openLanes: this.#active,
      warmLanes: this.#warm.reduce((sum, isWarm) => (isWarm ? sum + 1 : sum), 0),
      firstByteMs: this.#firstByteMs,
      isHeldBack: this.#isHeldBack,
      busyShare: this.#busyShare(),
    })
    this.#isHeldBack = false
    this.#serve()
  }

  /** Nothing is read: nothing is measured, until somebody reads again. */
  #rest(): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    this.#idleTicks = 0
    this.#warm.length = 0
  }
}

/** The right to one request at a time. Whatever happens, `release` is called once it is over. */
export class ReadLane {
  readonly #origin: Origin
  readonly #holder: object
  readonly #slot: number
  readonly #openedMs = performance.now()
  #bytes = 0
  #firstMs = 0
  #isHeld = false
  /** It stood still because of us, so its rate says nothing about the source. */
  #wasHeld = false
  #isReleased = false

  constructor(origin: Origin, holder: object, slot: number) {
    this.#origin = origin
    this.#holder = holder
    this.#slot = slot
  }

  /** Bytes that came; per chunk. */
  delivered(bytes: number): void {
    if (this.#bytes === 0) {
      this.#firstMs = performance.now()
      this.#origin.warmed(this.#slot, this.#firstMs - this.#openedMs)
    }
    this.#bytes += bytes
    this.#origin.delivered(bytes)
  }

  /** The source says that there are too many. Call it before `release`. */
  refused(): void {
    this.#origin.refused()
  }

  /** The connection broke. Call it before `release`. */
  lost(): void {
    this.#origin.lost()
  }

  /** It stands still because the bucket is behind, or goes on. Harmless when repeated. */
  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld || this.#isReleased) return
    this.#isHeld = isHeld
    this.#wasHeld = true
    this.#origin.held(isHeld ? 1 : -1)
  }

  /** Harmless when called again. */
  release(): void {
    if (this.#isReleased) return
    this.hold(false)
    this.#isReleased = true
    const isRateKnown = this.#bytes > 0 && !this.#wasHeld
    this.#origin.released(this.#holder, this.#slot, this.#bytes, isRateKnown ? performance.now() - this.#firstMs : 0)
  }
}

/** True where `waiter` is to be served before one that has waited longer. */
function isBefore(waiter: Waiter, longer: Waiter, lanesOf: (holder: object) => number): boolean {
  if (waiter.isUrgent !== longer.isUrgent) return waiter.isUrgent
  return lanesOf(waiter.holder) < lanesOf(longer.holder)
}

const smooth = (usual: number, latest: number) => (usual === 0 ? latest : usual + (latest - usual) * SMOOTHING)
