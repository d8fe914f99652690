import { MIB } from '../../server/domain/bytes.ts'
import { LaneCap } from './lane-cap.ts'

/** What a controller is told, some times in a window. */
export interface LaneFigures {
  /** Bytes that all lanes have delivered so far; only grows. */
  readonly deliveredBytes: number
  /** Lanes with a request under way that count as a load. */
  readonly activeLanes: number
  /** The same with those that stand still because of us. */
  readonly openLanes: number
  /** Lanes that have delivered since they were opened; a window begins when all that are wanted have. */
  readonly warmLanes: number
  /** Usual time from request to first byte. */
  readonly firstByteMs: number
  /** Something else than the source held reading back since the last call: such a window says nothing about the source. */
  readonly isHeldBack: boolean
  /** Share of the time since the last call in which our own thread was busy. */
  readonly busyShare: number
}

const START_LANES = 8
/** Where answers begin late, fewer lanes than this are soon more, and each step costs the wait for a first byte. */
const LATE_START_LANES = 16
/** The least a window lasts: short while doubling, so that growth is quick, longer while cruising, so that it is steady. */
const GROWTH_WINDOW_MS = 200
const CRUISE_WINDOW_MS = 500
/** How long new lanes may take to deliver before they are judged without. */
const SETTLE_MS = 2_000
/** Below this share of busy lanes the source was not what limited us. */
const BUSY_SHARE = 0.75
/** A thread that is busy for so much of a window is what limits: more lanes would cost memory and bring nothing. */
const SATURATED_SHARE = 0.8
/** A first byte is late after this. */
const LATE_FIRST_BYTE_MS = 150
/** The larger step of growth: where first bytes are late, or the step before has paid in full. */
const LARGE_GROWTH = 4
/** Further windows for a step of four: many new connections take a while to come to their pace. */
const LARGE_LOOKS = 3
/** Windows without a verdict after which a trial is given up. */
const MAX_VOID_WINDOWS = 6
const PROBE_UP_EVERY = 6
const PROBE_DOWN_EVERY = 12
/** Lanes that cannot pay are looked for sooner. */
const PROBE_DOWN_SATURATED_EVERY = 4
const DOWN = 0.85
/** Connections that are so fast are read one after the other at our end, and push each other's bytes out of the processor's caches. */
const QUICK_BYTES_PER_MS = (32 * MIB) / 1000
/** The step down where they are; a single one would stand still from request to request. */
const FAR_DOWN = 0.25
const FEWEST_QUICK = 2
/** What a trial has to bring, as a share of the lanes that were added; what giving lanes up may cost. */
const KEEP_DOUBLE_GAIN = 0.2
const KEEP_UP_GAIN = 0.4
const GROW_AGAIN_GAIN = 0.8
const KEEP_DOWN_LOSS = 0.04
/** So much less is no odd window: nothing is looked at again. */
const PLAIN_LOSS = 0.3
/** A cruising baseline is the mean of so many windows. */
const BASELINE_WINDOWS = 3

/** What a window has shown. */
interface Verdict {
  readonly goodput: number
  readonly isSaturated: boolean
  readonly isQuick: boolean
  readonly isLate: boolean
}

interface Trial {
  readonly kind: 'double' | 'up' | 'down' | 'far-down'
  readonly fromLanes: number
  readonly fromGoodput: number
  /** Further windows that growth which seems not to pay is given: one odd window would end it, and many new connections are slow at first. */
  looksLeft: number
}

/**
 * How many lanes a source is read with. Starts at 8 or what was learned and doubles as long as that pays (times 4 where it pays in
 * full), then cruises: every 6 windows it tries a quarter more, every 12 a seventh less. A thread of ours that is busy all the time
 * tries no more. A source that pushes back sets a cap at once (lane-cap.ts). Pure: times come in, in milliseconds of any steady clock.
 */
export class LaneController {
  readonly #cap: LaneCap
  readonly #fixedLanes: number | null
  readonly #isLearned: boolean
  #lanes: number
  #phase: 'growing' | 'cruising' = 'growing'
  #trial: Trial | null = null
  #window: { readonly startedMs: number; readonly startedBytes: number } | null = null
  #settleSinceMs: number | null = null
  #lastMs = 0
  #laneMs = 0
  #openMs = 0
  #busyMs = 0
  #isVoid = false
  #voidWindows = 0
  #voidGoodput = 0
  #cruiseWindows = 0
  #baseline: number[] = []
  #hasVerdict = false
  #isQuick = false
  /** A step far down has cost something since work began. */
  #hasLostFarDown = false

  constructor(
    options: {
      readonly startLanes?: number | null
      readonly maxLanes?: number
      /** Exactly so many, but for what the source refuses. */
      readonly fixedLanes?: number | null
    } = {},
  ) {
    this.#fixedLanes = options.fixedLanes ?? null
    this.#isLearned = typeof options.startLanes === 'number'
    this.#cap = new LaneCap(this.#fixedLanes ?? options.maxLanes ?? 64)
    this.#lanes = this.#fixedLanes ?? Math.max(1, Math.min(options.startLanes ?? START_LANES, this.#cap.lanes))
  }

  /** Lanes wanted now. */
  get lanes(): number {
    return this.#lanes
  }

  /** Lanes that may be wanted soon: while they grow, as many as the next steps could bring. */
  get prospectiveLanes(): number {
    const isGrowing = this.#phase === 'growing' && this.#fixedLanes === null
    return isGrowing ? Math.min(this.#cap.lanes, this.#lanes * LARGE_GROWTH) : this.#lanes
  }

  /** The most lanes that may be open, whatever they do: what the source has been seen to stand. */
  get maxLanes(): number {
    return this.#cap.lanes
  }

  /** Connections are so fast, when they were last looked at, that a few of them bring all there is and a request is over at once. */
  get isQuick(): boolean {
    return this.#isQuick
  }

  /** What is worth remembering: the number last found good, null before anything was found. */
  get learnedLanes(): number | null {
    return this.#hasVerdict ? (this.#trial?.fromLanes ?? this.#lanes) : null
  }

  /** How long the answer to a first question took. Where that is long and nothing is known yet, it starts with more lanes. */
  met(firstByteMs: number): void {
    if (firstByteMs < LATE_FIRST_BYTE_MS || this.#isLearned || this.#hasVerdict || this.#fixedLanes !== null) return
    const lanes = Math.min(LATE_START_LANES, this.#cap.lanes)
    if (lanes <= this.#lanes) return
    this.#lanes = lanes
    this.#change(null)
  }

  /** Work begins again after a quiet time: grow from what was found before. */
  restart(): void {
    if (this.#trial) this.#lanes = Math.min(this.#trial.fromLanes, this.#cap.lanes)
    this.#phase = 'growing'
    this.#isQuick = false
    this.#hasLostFarDown = false
    this.#change(null)
  }

  /** The source pushed back (429, 503, refused, a burst of resets) while so many lanes were busy, that one included. */
  refused(nowMs: number, activeLanes: number): void {
    this.#cap.refused(nowMs, activeLanes)
    this.#lanes = Math.min(this.#trial?.fromLanes ?? this.#lanes, this.#cap.lanes)
    this.#phase = 'cruising'
    this.#hasVerdict = true
    this.#change(null)
  }

  /** Call it some times per window; decides at the end of one. */
  tick(nowMs: number, figures: LaneFigures): void {
    this.#cap.tick(nowMs)
    if (this.#fixedLanes !== null) {
      this.#lanes = this.#cap.lanes
      return
    }
    const elapsedMs = Math.max(0, nowMs - this.#lastMs)
    this.#lastMs = nowMs
    if (!this.#window) {
      this.#settle(nowMs, figures)
      return
    }
    this.#laneMs += figures.activeLanes * elapsedMs
    this.#openMs += figures.openLanes * elapsedMs
    this.#busyMs += figures.busyShare * elapsedMs
    if (figures.isHeldBack) this.#isVoid = true
    const { startedMs, startedBytes } = this.#window
    const lastedMs = nowMs - startedMs
    const leastMs = this.#phase === 'growing' ? GROWTH_WINDOW_MS : CRUISE_WINDOW_MS
    if (lastedMs < Math.max(leastMs, figures.firstByteMs)) return
    const isBusy = this.#laneMs / lastedMs >= BUSY_SHARE * this.#lanes
    const goodput = (figures.deliveredBytes - startedBytes) / lastedMs
    const verdict: Verdict = {
      goodput,
      isSaturated: this.#busyMs / lastedMs >= SATURATED_SHARE,
      isQuick: goodput >= QUICK_BYTES_PER_MS * Math.max(this.#lanes, this.#openMs / lastedMs),
      isLate: figures.firstByteMs >= LATE_FIRST_BYTE_MS,
    }
    this.#isQuick = verdict.isQuick
    this.#open(nowMs, figures.deliveredBytes)
    if (this.#isVoid || !isBusy) this.#noVerdict(verdict.goodput)
    else this.#judge(verdict)
    this.#isVoid = false
  }

  /** Waits until the lanes that are wanted have delivered, or have had time enough to. */
  #settle(nowMs: number, figures: LaneFigures): void {
    this.#settleSinceMs ??= nowMs
    const isLate = nowMs - this.#settleSinceMs >= Math.max(SETTLE_MS, 4 * figures.firstByteMs)
    if (figures.warmLanes < this.#lanes && !isLate) return
    this.#settleSinceMs = null
    this.#isVoid = false
    this.#open(nowMs, figures.deliveredBytes)
  }

  #open(nowMs: number, deliveredBytes: number): void {
    this.#window = { startedMs: nowMs, startedBytes: deliveredBytes }
    this.#laneMs = 0
    this.#openMs = 0
    this.#busyMs = 0
  }

  #noVerdict(goodput: number): void {
    this.#voidWindows++
    this.#voidGoodput += goodput
    if (!this.#trial || this.#voidWindows < MAX_VOID_WINDOWS) return
    this.#giveUp(this.#trial, this.#voidGoodput / this.#voidWindows)
  }

  #judge(verdict: Verdict): void {
    this.#voidWindows = 0
    this.#voidGoodput = 0
    this.#hasVerdict = true
    if (this.#trial) this.#judgeTrial(this.#trial, verdict)
    else if (this.#phase === 'growing') this.#grow(verdict, verdict.isLate)
    else this.#cruise(verdict)
  }

  #grow(verdict: Verdict, isLarge: boolean): void {
    const { goodput, isSaturated } = verdict
    if (this.#mayGoFarDown(verdict)) {
      this.#tryFewer(verdict, goodput)
      return
    }
    const wanted = Math.min(this.#cap.lanes, this.#lanes * (isLarge ? LARGE_GROWTH : 2))
    if (wanted > this.#lanes && !isSaturated) this.#try('double', wanted, goodput)
    else {
      this.#phase = 'cruising'
      this.#baseline = [goodput]
    }
  }

  #judgeTrial(trial: Trial, verdict: Verdict): void {
    const { goodput } = verdict
    const gain = trial.fromGoodput === 0 ? 1 : goodput / trial.fromGoodput - 1
    const added = this.#lanes / trial.fromLanes - 1
    if (trial.kind === 'down' || trial.kind === 'far-down') {
      if (gain > -KEEP_DOWN_LOSS) {
        this.#phase = 'cruising'
        this.#change([goodput])
      } else if (trial.looksLeft > 0 && gain > -PLAIN_LOSS) trial.looksLeft--
      else this.#revert(trial)
      return
    }
    const isPaidInFull = gain >= added * GROW_AGAIN_GAIN
    const isKept = gain >= added * (trial.kind === 'double' ? KEEP_DOUBLE_GAIN : KEEP_UP_GAIN)
    if (isKept && (trial.kind === 'double' || isPaidInFull)) {
      this.#phase = 'growing'
      this.#trial = null
      this.#grow(verdict, verdict.isLate || isPaidInFull)
    } else if (isKept) this.#change([goodput])
    else if (trial.looksLeft > 0) trial.looksLeft--
    else this.#giveUp(trial, goodput)
  }

  #cruise(verdict: Verdict): void {
    const { goodput, isSaturated } = verdict
    this.#baseline = [...this.#baseline, goodput].slice(-BASELINE_WINDOWS)
    this.#cruiseWindows++
    const mean = this.#baseline.reduce((sum, value) => sum + value, 0) / this.#baseline.length
    if (this.#cruiseWindows % (isSaturated ? PROBE_DOWN_SATURATED_EVERY : PROBE_DOWN_EVERY) === 0) {
      this.#tryFewer(verdict, mean)
    } else if (this.#cruiseWindows % PROBE_UP_EVERY === 0 && this.#lanes < this.#cap.lanes && !isSaturated)
      this.#try('up', Math.min(this.#cap.lanes, Math.ceil(this.#lanes * 1.25)), mean)
  }

  #mayGoFarDown({ isQuick }: Verdict): boolean {
    return isQuick && !this.#hasLostFarDown && this.#lanes > FEWEST_QUICK
  }

  #tryFewer(verdict: Verdict, fromGoodput: number): void {
    if (this.#mayGoFarDown(verdict))
      this.#try('far-down', Math.max(FEWEST_QUICK, Math.round(this.#lanes * FAR_DOWN)), fromGoodput)
    else if (this.#lanes > (verdict.isQuick ? FEWEST_QUICK : 1))
      this.#try('down', Math.min(this.#lanes - 1, Math.round(this.#lanes * DOWN)), fromGoodput)
  }

  #try(kind: Trial['kind'], lanes: number, fromGoodput: number): void {
    const looksLeft = lanes > 2 * this.#lanes ? LARGE_LOOKS : kind === 'double' || kind === 'far-down' ? 1 : 0
    const trial = { kind, fromLanes: this.#lanes, fromGoodput, looksLeft }
    this.#lanes = lanes
    this.#change(null)
    this.#trial = trial
  }

  /** Growth that was too large, or that something else than the source held back: what it brought says how many lanes it took. */
  #giveUp(trial: Trial, goodput: number): void {
    this.#phase = 'cruising'
    const needed = Math.min(this.#lanes, this.#cap.lanes, Math.ceil((trial.fromLanes * goodput) / trial.fromGoodput))
    if (trial.kind !== 'double' || !(needed > trial.fromLanes)) this.#revert(trial)
    else {
      this.#lanes = needed
      this.#change([goodput])
    }
  }

  #revert(trial: Trial): void {
    if (trial.kind === 'far-down') this.#hasLostFarDown = true
    this.#lanes = Math.min(trial.fromLanes, this.#cap.lanes)
    this.#change([trial.fromGoodput])
  }

  /** Another number of lanes from here on: nothing measured so far belongs to it, unless a baseline is given. */
  #change(baseline: number[] | null): void {
    this.#trial = null
    this.#window = null
    this.#settleSinceMs = null
    this.#voidWindows = 0
    this.#voidGoodput = 0
    this.#baseline = baseline ?? []
  }
}
