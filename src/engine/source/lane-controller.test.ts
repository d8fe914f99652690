import { describe, expect, it } from 'vitest'
import { LaneController } from './lane-controller.ts'

const TICK_MS = 50

interface SimulatedOrigin {
  /** Bytes per millisecond of one connection, and of all together. */
  perLane: number
  total: number
  firstByteMs: number
  /** More requests than this are answered 429. */
  limit: number
}

/** Plays lanes against an origin on a clock of its own; `demandLanes` is the most that the other side can feed. */
class Play {
  readonly controller: LaneController
  readonly origin: SimulatedOrigin
  demandLanes = Number.POSITIVE_INFINITY
  isHeldBack = false
  busyShare = 0.1
  /** Lanes beside those that count, which stand still because of us. */
  standingLanes = 0
  nowMs = 1_000
  deliveredBytes = 0
  refusals = 0
  peakLanes = 0
  #openedMs: number[] = []

  constructor(origin: Partial<SimulatedOrigin>, controller = new LaneController()) {
    const unlimited = Number.POSITIVE_INFINITY
    this.origin = { perLane: 1000, total: unlimited, firstByteMs: 0, limit: unlimited, ...origin }
    this.controller = controller
  }

  run(durationMs: number): this {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs; ) this.#step()
    return this
  }

  #step(): void {
    const { origin, controller } = this
    this.nowMs += TICK_MS
    const wanted = Math.min(controller.lanes, this.demandLanes)
    this.#openedMs.length = Math.min(this.#openedMs.length, wanted)
    while (this.#openedMs.length < Math.min(wanted, origin.limit)) this.#openedMs.push(this.nowMs)
    for (let active = wanted; active > origin.limit; active--) {
      this.refusals++
      controller.refused(this.nowMs, active)
    }
    const warm = this.#openedMs.filter((opened) => this.nowMs - opened >= origin.firstByteMs).length
    this.deliveredBytes += Math.min(warm * origin.perLane, origin.total) * TICK_MS
    this.peakLanes = Math.max(this.peakLanes, controller.lanes)
    controller.tick(this.nowMs, {
      deliveredBytes: this.deliveredBytes,
      activeLanes: this.#openedMs.length,
      openLanes: this.#openedMs.length + this.standingLanes,
      warmLanes: warm,
      firstByteMs: origin.firstByteMs,
      isHeldBack: this.isHeldBack,
      busyShare: this.busyShare,
    })
  }
}

describe('the lane controller', () => {
  it('starts at 8 and doubles to 64 within two seconds where each connection is limited', () => {
    const play = new Play({})
    expect(play.controller.lanes).toBe(8)
    play.run(2_000)
    expect(play.controller.lanes).toBe(64)
  })

  it('is at 64 after two steps where each connection is limited, the second one larger', () => {
    const play = new Play({}).run(650)
    expect(play.controller.lanes).toBe(64)
  })

  it('takes one step at a time where lanes pay, but not in full', () => {
    const play = new Play({ total: 12_000 })
    const seen = new Set<number>()
    for (let step = 0; step < 40; step++) seen.add(play.run(50).controller.lanes)
    expect([...seen].sort((a, b) => a - b)).toEqual([8, 16, 32])
  })

  it('opens no more lanes while our own thread is busy all the time, and gives up those that bring nothing', () => {
    const play = new Play({ total: 8_000 }, new LaneController({ startLanes: 16 }))
    play.busyShare = 0.95
    play.run(60_000)
    expect(play.peakLanes).toBe(16)
    expect(play.controller.lanes).toBeLessThanOrEqual(9)
  })

  it('says how many lanes there may soon be, while it grows', () => {
    const play = new Play({})
    expect(play.controller.prospectiveLanes).toBe(32)
    expect(play.run(5_000).controller.prospectiveLanes).toBe(64)
    expect(new LaneController({ fixedLanes: 8 }).prospectiveLanes).toBe(8)
    const settled = new Play({ total: 8_000 }).run(20_000).controller
    expect(settled.prospectiveLanes).toBe(settled.lanes)
  })

  it('never asks for more than 64', () => {
    const play = new Play({}).run(120_000)
    expect(play.peakLanes).toBe(64)
  })

  it('settles near the number that fills a total limit, and gives up what brings nothing', () => {
    const play = new Play({ total: 20_000 }).run(120_000)
    expect(play.controller.lanes).toBeGreaterThanOrEqual(18)
    expect(play.controller.lanes).toBeLessThanOrEqual(32)
  })

  it('goes down to a few lanes where one connection is as fast as many', () => {
    const play = new Play({ total: 1_000 }).run(180_000)
    expect(play.controller.lanes).toBeLessThanOrEqual(3)
  })

  it('goes down to 2 at once where connections are so fast that a few bring all there is', () => {
    const play = new Play({ perLane: 1_000_000, total: 800_000 }).run(400)
    expect(play.controller.lanes).toBe(2)
    expect(play.controller.isQuick).toBe(true)
    const seen = new Set<number>()
    for (let step = 0; step < 1_000; step++) seen.add(play.run(50).controller.lanes)
    // Now and then it looks whether one more would pay.
    expect([...seen].sort((a, b) => a - b)).toEqual([2, 3])
  })

  it('takes them back where fast connections are limited each, and grows on; it does not try that twice', () => {
    const play = new Play({ perLane: 50_000 }).run(400)
    expect(play.controller.lanes).toBe(2)
    play.run(2_000)
    expect(play.controller.lanes).toBe(64)
    let fewest = 64
    for (let step = 0; step < 600; step++) fewest = Math.min(fewest, play.run(50).controller.lanes)
    expect(fewest).toBeGreaterThanOrEqual(54)
  })

  it('does not take connections for fast that are many only because others stand still', () => {
    const play = new Play({ perLane: 1_000_000, total: 300_000 })
    play.standingLanes = 8
    play.run(1_000)
    expect(play.controller.isQuick).toBe(false)
    expect(play.controller.lanes).toBeGreaterThanOrEqual(8)
  })

  it('finds 8 where the ninth request is answered 429, and asks again but rarely', () => {
    const play = new Play({ limit: 8 }).run(2_000)
    expect(play.controller.lanes).toBe(8)
    expect(play.refusals).toBe(8)
    play.run(29_000)
    expect(play.refusals).toBe(8)
    play.run(120_000)
    expect(play.refusals).toBeLessThanOrEqual(8 + 5)
    expect(play.controller.lanes).toBeGreaterThanOrEqual(7)
  })

  it('takes a moment in which everybody is refused for an outage: half stays', () => {
    const play = new Play({}).run(3_000)
    for (let active = 64; active > 0; active--) play.controller.refused(play.nowMs, active)
    expect(play.controller.lanes).toBe(32)
    play.run(1_500)
    for (let active = 32; active > 0; active--) play.controller.refused(play.nowMs, active)
    expect(play.controller.lanes).toBe(16)
  })

  it('never goes below one lane', () => {
    const controller = new LaneController()
    for (let nowMs = 0; nowMs < 60_000; nowMs += 2_000) controller.refused(nowMs, 1)
    expect(controller.lanes).toBe(1)
  })

  it('comes back to all its lanes once nothing is refused any more', () => {
    const play = new Play({ limit: 8 }).run(10_000)
    play.origin.limit = Number.POSITIVE_INFINITY
    play.run(300_000)
    expect(play.controller.lanes).toBe(64)
  })

  it('waits for the first bytes of new lanes before it judges them', () => {
    const play = new Play({ firstByteMs: 900 })
    play.run(900 + 850)
    expect(play.controller.lanes).toBe(8)
    play.run(15_000)
    expect(play.controller.learnedLanes).toBe(64)
  })

  it('starts with 16 where the first answer was late, unless it knows better', () => {
    const started = (options: ConstructorParameters<typeof LaneController>[0], firstByteMs: number) => {
      const controller = new LaneController(options)
      controller.met(firstByteMs)
      return controller.lanes
    }
    expect(started({}, 149)).toBe(8)
    expect(started({}, 500)).toBe(16)
    expect(started({ startLanes: 8 }, 500)).toBe(8)
    expect(started({ fixedLanes: 8 }, 500)).toBe(8)
    expect(started({ maxLanes: 12 }, 500)).toBe(12)
  })

  it('gives lanes up when the goodput of more than a few falls', () => {
    const play = new Play({}).run(5_000)
    expect(play.controller.lanes).toBe(64)
    play.origin.total = 16_000
    play.run(120_000)
    expect(play.controller.lanes).toBeLessThan(32)
    expect(play.controller.lanes).toBeGreaterThanOrEqual(14)
  })

  it('grows again when the source gets room', () => {
    const play = new Play({ total: 8_000 }).run(20_000)
    expect(play.controller.lanes).toBeLessThan(16)
    play.origin.total = Number.POSITIVE_INFINITY
    play.run(20_000)
    expect(play.controller.lanes).toBe(64)
  })

  it('judges nothing while the other side cannot feed the lanes', () => {
    const play = new Play({})
    play.demandLanes = 3
    play.run(60_000)
    expect(play.controller.lanes).toBe(8)
    expect(play.controller.learnedLanes).toBeNull()
  })

  it('judges nothing while something else holds reading back', () => {
    const play = new Play({ total: 1_000 })
    play.isHeldBack = true
    play.run(60_000)
    expect(play.controller.lanes).toBe(8)
  })

  it('gives a doubling up that cannot be filled', () => {
    const play = new Play({})
    play.demandLanes = 8
    play.run(60_000)
    expect(play.controller.lanes).toBeLessThanOrEqual(10)
    expect(play.controller.learnedLanes).toBe(8)
  })

  it('keeps of a large step what the other side could feed, and what the source paid for', () => {
    const fed = new Play({})
    fed.demandLanes = 40
    fed.run(5_000)
    expect(fed.peakLanes).toBe(64)
    expect(fed.controller.lanes).toBe(40)
    const paid = new Play({ total: 22_000 }).run(3_000)
    expect(paid.peakLanes).toBe(64)
    expect(paid.controller.lanes).toBe(22)
  })

  it('begins with what was learned, and remembers what it found', () => {
    const play = new Play({ total: 40_000 }, new LaneController({ startLanes: 40 }))
    expect(play.controller.lanes).toBe(40)
    expect(play.controller.learnedLanes).toBeNull()
    play.run(1_500)
    expect(play.controller.learnedLanes).toBe(40)
  })

  it('grows anew from what it has found when work begins again', () => {
    const play = new Play({ limit: 8 }).run(5_000)
    play.controller.restart()
    expect(play.controller.lanes).toBe(8)
    play.run(5_000)
    expect(play.controller.lanes).toBe(8)
    expect(play.refusals).toBe(8)
  })

  it('keeps to a smaller bound where one is set', () => {
    const play = new Play({}, new LaneController({ maxLanes: 10 })).run(60_000)
    expect(play.peakLanes).toBe(10)
    expect(play.controller.lanes).toBeGreaterThanOrEqual(9)
  })
})
