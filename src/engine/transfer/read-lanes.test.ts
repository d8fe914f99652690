import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { fakeEngine, PART, SIZE, SLICE } from './testing/fake-engine.ts'

const LIMITS = { shape: 'streamed', uploadLanes: 4, spanBytes: 8 * PART } as const

/** One part, whose first request covers all of it through a window and gets no answer until `answer` is called. */
function slowFirstRequest(budgetSlices: number) {
  const held = Promise.withResolvers<void>()
  const onRead = ({ startByte }: { startByte: number }) => (startByte === 0 ? held.promise : undefined)
  const engine = fakeEngine({ budgetBytes: budgetSlices * SLICE, onRead })
  const transfer = engine.begin({ partSizeBytes: 8 * PART, limits: LIMITS })
  const { done } = transfer.start()
  const asked = () => engine.requests.map(({ startByte, endByte }) => [startByte / SLICE, Math.ceil(endByte / SLICE)])
  return { engine, transfer, done, asked, answer: held.resolve }
}

/** Time for the end game to look often, and for everything that it begins to come to its end. */
async function letItLook(): Promise<void> {
  for (let look = 0; look < 8; look++) {
    await vi.advanceTimersByTimeAsync(250)
    for (let step = 0; step < 100; step++) await turn()
  }
}

describe('a span that is slow while its part needs help', { timeout: 10_000 }, () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  })
  afterEach(() => vi.useRealTimers())

  it('gives away only what there is memory for, so that the memory is never full of what comes behind', async () => {
    const { engine, transfer, done, asked, answer } = slowFirstRequest(20)
    await letItLook()
    // The half of it fits beside the window of three slices; the half of the rest would not, not even through a window.
    expect(asked()).toEqual([
      [0, 32],
      [16, 32],
    ])
    answer()
    await done
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
    expect(engine.budget.usedBytes).toBe(0)
    expect(engine.budget.peakBytes).toBeLessThanOrEqual(20 * SLICE)
  })

  it('gives away through a window what does not fit whole', async () => {
    const { engine, transfer, done, asked, answer } = slowFirstRequest(23)
    await letItLook()
    expect(asked()).toEqual([
      [0, 32],
      [16, 32],
      [8, 16],
    ])
    answer()
    await done
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
    expect(engine.budget.usedBytes).toBe(0)
    expect(engine.budget.peakBytes).toBeLessThanOrEqual(23 * SLICE)
  })
})
