import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { BucketPace } from '../upload/bucket-pace.ts'
import { Stop } from './stop.ts'
import { fakeEngine, PART, SIZE, SLICE } from './testing/fake-engine.ts'

/** Some; then those that stand still where parts without a request take the memory, and whose lanes do not end after a stop. */
const SEEDS = [
  ...Array.from({ length: 12 }, (_, index) => index + 1),
  ...[132, 146, 307, 710, 778, 814],
  ...[58, 168, 171, 218, 318, 610],
]
/** Longer than a bucket makes anybody wait. */
const STUCK_MS = 120_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Some transfers into one bucket that asks for fewer requests now and then, before a part or in the middle of it; some are stopped. */
async function play(seed: number): Promise<void> {
  const random = seededRandom(seed)
  vi.spyOn(Math, 'random').mockImplementation(random)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const chance = (share: number) => random() < share
  const wait = async () => {
    for (let turns = Math.floor(random() * 6); turns > 0; turns--) await turn()
    if (chance(0.1)) await new Promise((resolve) => setTimeout(resolve, random() * 400))
  }
  const budgetBytes = pick([24, 40, 100, 400]) * SLICE
  const pace = new BucketPace(random)
  const engine = fakeEngine({ budgetBytes, lanes: pick([2, 4, 12]), isOn: chance(0.4), pace, onRead: wait })
  vi.spyOn(engine.origin, 'isLate', 'get').mockReturnValue(chance(0.5))
  let refusals = pick([1, 5, 20])
  const refusal = pick([0.02, 0.1, 0.3])
  const mayRefuse = async () => {
    await wait()
    if (refusals === 0 || !chance(refusal)) return
    refusals--
    throw new TransferError('bucket_slow_down', 'Less, please.', { retry: 'now', retryAfterMs: pick([0, 0, 3000]) })
  }
  const transfers = Array.from({ length: pick([1, 2, 3, 4]) }, () => {
    const uploadLanes = pick([1, 2, 3])
    // As in limitsFor: parts are held that need no more than a quarter of the memory.
    const shape = chance(0.5) && PART * (uploadLanes + 2) <= budgetBytes / 4 ? 'held' : 'streamed'
    const highWaterBytes = pick([PART, 3 * PART, 100 * PART])
    const transfer = engine.begin({
      partSizeBytes: shape === 'held' ? PART : pick([PART, 2 * PART, 4 * PART]),
      limits: {
        ...{ shape, uploadLanes, spanBytes: pick([1, 2, 4]) * SLICE },
        ...{ highWaterBytes, lowWaterBytes: highWaterBytes / 3 },
      },
      onUpload: mayRefuse,
      onSlice: mayRefuse,
    })
    const { run, done } = transfer.start()
    const state = { transfer, run, shape, stopAt: chance(0.25) ? 5 + random() * 100 : null, isOver: false, error: null }
    const end = (error: unknown = null) => Object.assign(state, { isOver: true, error })
    done.then(() => end(), end)
    return state
  })
  const seen = { text: '', sinceMs: performance.now() }
  for (let step = 0; transfers.some(({ isOver }) => !isOver); step++) {
    for (const { transfer, stopAt } of transfers)
      if (stopAt !== null && step > stopAt) transfer.stop.abort(new Stop('user'))
    for (let turns = 0; turns < 10; turns++) await turn()
    await vi.advanceTimersByTimeAsync(20)
    const text = JSON.stringify([
      refusals,
      engine.sentBytes(),
      transfers.map(({ transfer }) => transfer.meter.bucketBytes),
    ])
    if (text !== seen.text) Object.assign(seen, { text, sinceMs: performance.now() })
    if (performance.now() - seen.sinceMs < STUCK_MS) continue
    const states = transfers.map(({ run, shape, isOver }) => [
      ...[shape, isOver, run.board.isClosed],
      ...[...run.board.all].map(({ task, stream, hasRequest, isHeldUp, isAhead }) => ({
        ...{ number: task.number, hasRequest, isHeldUp, isAhead },
        ...{ aheadBytes: stream.aheadBytes, waitingBytes: stream.waitingBytes, hasUnrequested: stream.hasUnrequested },
      })),
    ])
    for (const { transfer } of transfers) transfer.stop.abort(new Stop('user'))
    throw new Error(`Nothing moves with ${budgetBytes / SLICE} slices: ${JSON.stringify(states)}`)
  }
  for (const { transfer, error, stopAt } of transfers) {
    if (error === null) expect(transfer.object().equals(patternBytes(0, SIZE))).toBe(true)
    else if (stopAt === null) throw error
  }
  expect(engine.budget.usedBytes).toBe(0)
  expect(engine.budget.peakBytes).toBeLessThanOrEqual(budgetBytes)
}

it.each(SEEDS)('transfers into a bucket that says "slow down" come to their end, or stop: seed %i', play)
