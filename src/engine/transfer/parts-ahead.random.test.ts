import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import type { PartBoard } from './part-board.ts'
import { Stop } from './stop.ts'
import { fakeEngine, PART, SIZE, SLICE } from './testing/fake-engine.ts'

/** A few of many that were tried; of a failure the state of every part is told. */
const SEEDS = Array.from({ length: 24 }, (_, index) => index + 1)
/** Nothing moves for so long: nothing ever will. */
const STUCK_MS = 60_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function stateOf(board: PartBoard): string {
  const parts = [...board.all].map(({ task, stream, isUploading, isAhead, isHeldUp, sentBytes }) => ({
    ...{ number: task.number, isUploading, isAhead, isHeldUp, sentBytes },
    ...{ aheadBytes: stream.aheadBytes, waitingBytes: stream.waitingBytes, hasUnrequested: stream.hasUnrequested },
  }))
  return JSON.stringify({ isClosed: board.isClosed, parts })
}

/** Some transfers, of one file or each of its own, whose source and lanes change all the time. */
async function play(seed: number): Promise<void> {
  const random = seededRandom(seed)
  vi.spyOn(Math, 'random').mockImplementation(random)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const chance = (share: number) => random() < share
  const wait = async () => {
    for (let turns = Math.floor(random() * 6); turns > 0; turns--) await turn()
    if (chance(0.1)) await new Promise((resolve) => setTimeout(resolve, random() * 400))
  }
  const budgetBytes = pick([8, 9, 12, 13, 16, 24, 40, 100, 400]) * SLICE
  const engine = fakeEngine({ budgetBytes, lanes: pick([4, 12]), isOn: chance(0.4), onRead: wait })
  const origin = { lanes: 4, isLate: true, firstByteMs: 100, mebibyteMs: 150, laneBytesPerSecond: 0 }
  for (const name of ['lanes', 'isLate', 'firstByteMs', 'mebibyteMs', 'laneBytesPerSecond'] as const)
    vi.spyOn(engine.origin, name, 'get').mockImplementation(() => origin[name] as never)
  vi.spyOn(engine.origin, 'prospectiveLanes', 'get').mockImplementation(() => origin.lanes)
  const change = () => {
    origin.lanes = pick([1, 1, 2, 3, 4, 6, 12, 20])
    origin.isLate = chance(0.8)
    origin.firstByteMs = origin.isLate ? pick([50, 100, 500]) : pick([0, 30])
    origin.mebibyteMs = origin.firstByteMs + (origin.isLate ? pick([100, 300]) : 0)
    origin.laneBytesPerSecond = pick([0, 4, 20, 100]) * SLICE
  }
  change()
  const count = pick([1, 1, 2, 3, 4])
  const transfers = Array.from({ length: count }, () => {
    const shape = budgetBytes >= 3 * PART && chance(0.25) ? 'held' : 'streamed'
    const highWaterBytes = pick([PART, 3 * PART, 100 * PART])
    const transfer = engine.begin({
      partSizeBytes: shape === 'held' ? PART : pick([PART, PART, 2 * PART, 4 * PART]),
      limits: {
        ...{ shape, uploadLanes: pick([1, 2, 3]), spanBytes: pick([1, 2, 4]) * SLICE },
        ...{ highWaterBytes, lowWaterBytes: highWaterBytes / 3 },
      },
      onUpload: wait,
    })
    const isStopped = chance(0.15)
    const started = transfer.start()
    const state = { transfer, ...started, isStopped, isOver: false, error: null as unknown, shape }
    started.done.then(
      () => (state.isOver = true),
      (error) => {
        state.isOver = true
        state.error = error
      },
    )
    return state
  })
  const stopAt = 20 + Math.floor(random() * 200)
  const seen = { text: '', sinceMs: performance.now() }
  for (let step = 0; transfers.some(({ isOver }) => !isOver); step++) {
    if (step === stopAt)
      for (const { transfer, isStopped } of transfers) if (isStopped) transfer.stop.abort(new Stop('user'))
    if (chance(0.05)) change()
    for (const { run, shape } of transfers)
      if (shape === 'streamed') expect(run.board.size).toBeLessThanOrEqual(2 * run.limits.uploadLanes)
    for (let turns = 0; turns < 10; turns++) await turn()
    await vi.advanceTimersByTimeAsync(20)
    const text = JSON.stringify([engine.sentBytes(), transfers.map(({ transfer }) => transfer.meter.bucketBytes)])
    if (text !== seen.text) Object.assign(seen, { text, sinceMs: performance.now() })
    if (performance.now() - seen.sinceMs < STUCK_MS) continue
    const states = transfers.map(({ run, shape }) => `${shape}, ${stateOf(run.board)}`)
    for (const { transfer } of transfers) transfer.stop.abort(new Stop('user'))
    throw new Error(`Nothing moves: ${states.join('; ')}.`)
  }
  for (const { transfer, error, isStopped } of transfers) {
    if (error === null) expect(transfer.object().equals(patternBytes(0, SIZE))).toBe(true)
    else if (!isStopped) throw error
  }
  expect(engine.budget.usedBytes).toBe(0)
  expect(engine.budget.peakBytes).toBeLessThanOrEqual(budgetBytes)
}

it.each(SEEDS)('transfers under random conditions come to their end, and give all memory back: seed %i', play)
