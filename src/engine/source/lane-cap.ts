/** Refusals this close to each other have one cause: many lanes met the same limit. */
const EPISODE_MS = 1_000
/** Quiet time after which the cap is raised, by 1, then 2, then 4, as long as nothing is refused. */
const RAISE_AFTER_MS = 30_000

/**
 * The most lanes a source has been seen to stand. A refusal sets it at once to one less than were busy; since each refused
 * lane is busy no more, a burst ends at the number that is served. One burst never takes more than half, so that an outage
 * of a moment, which refuses everybody, is not taken for a limit of one.
 */
export class LaneCap {
  readonly #maxLanes: number
  #lanes: number
  #floor = 1
  #episodeEndsMs = Number.NEGATIVE_INFINITY
  #raiseAtMs = Number.POSITIVE_INFINITY
  #step = 1

  constructor(maxLanes: number) {
    this.#maxLanes = maxLanes
    this.#lanes = maxLanes
  }

  get lanes(): number {
    return this.#lanes
  }

  /** `activeLanes` counts the refused one. */
  refused(nowMs: number, activeLanes: number): void {
    if (nowMs >= this.#episodeEndsMs) {
      this.#episodeEndsMs = nowMs + EPISODE_MS
      this.#floor = Math.max(1, Math.floor(Math.min(activeLanes, this.#lanes) / 2))
    }
    this.#lanes = Math.min(this.#lanes, Math.max(this.#floor, activeLanes - 1))
    this.#step = 1
    this.#raiseAtMs = nowMs + RAISE_AFTER_MS
  }

  tick(nowMs: number): void {
    if (nowMs < this.#raiseAtMs) return
    this.#lanes = Math.min(this.#maxLanes, this.#lanes + this.#step)
    this.#step *= 2
    this.#raiseAtMs = this.#lanes < this.#maxLanes ? nowMs + RAISE_AFTER_MS : Number.POSITIVE_INFINITY
  }
}
