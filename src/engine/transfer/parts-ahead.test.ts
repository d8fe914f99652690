import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { fakeEngine, PART, SIZE, SLICE } from './testing/fake-engine.ts'

/** Two upload lanes and four read lanes; the first two parts are not taken by the bucket until `take` is called. */
function slowBucket({ isLate = true, budgetParts = 100, highWaterBytes = 100 * PART, partSizeBytes = PART } = {}) {
  const engine = fakeEngine({ budgetBytes: budgetParts * PART })
  vi.spyOn(engine.origin, 'isLate', 'get').mockReturnValue(isLate)
  const taken = Promise.withResolvers<void>()
  const limits = { shape: 'streamed', uploadLanes: 2, spanBytes: 2 * SLICE, highWaterBytes } as const
  const transfer = engine.begin({ limits, partSizeBytes, onUpload: () => taken.promise })
  const { run, done } = transfer.start()
  const askedParts = () => [...new Set(engine.requests.map(({ startByte }) => Math.floor(startByte / PART) + 1))].sort()
  return { engine, transfer, run, done, askedParts, take: taken.resolve }
}

/** Time for everything that can happen. */
async function settled(): Promise<void> {
  for (let step = 0; step < 200; step++) await turn()
}

describe('parts of a source whose answers begin late', () => {
  it('are read ahead of the upload lanes, as many again as there are lanes', async () => {
    const { transfer, run, done, askedParts, take } = slowBucket()
    await settled()
    expect(askedParts()).toEqual([1, 2, 3, 4])
    expect([...run.board.all].map(({ isAhead, isUploading }) => [isAhead, isUploading])).toEqual([
      [false, true],
      [false, true],
      [true, false],
      [true, false],
    ])
    take()
    await done
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
  })

  it('are not where answers begin at once', async () => {
    const { transfer, done, askedParts, take } = slowBucket({ isLate: false })
    await settled()
    expect(askedParts()).toEqual([1, 2])
    take()
    await done
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
  })

  it('are not waited for by what is open, however long the question for them takes', async () => {
    const { transfer, run, done, take } = slowBucket({ partSizeBytes: 2 * PART })
    const answer = Promise.withResolvers<void>()
    let left = 2
    const takeTask = run.work.take.bind(run.work)
    const taking = vi.spyOn(run.work, 'take').mockImplementation(() => (left-- > 0 ? takeTask() : null))
    const asking = vi.spyOn(run.work, 'refill').mockReturnValue(answer.promise)
    take()
    await settled()
    expect(transfer.parts().map(([number]) => number)).toEqual([1, 2])
    for (const spy of [taking, asking]) spy.mockRestore()
    answer.resolve()
    await done
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
  })

  it('leave a quarter of the memory to what has a lane', async () => {
    const { engine, transfer, done, askedParts, take } = slowBucket({ budgetParts: 5 })
    await settled()
    // Two parts have lanes; one and a half more are as near to three quarters of five as requests of half a part come.
    expect(askedParts()).toEqual([1, 2, 3, 4])
    expect(engine.budget.usedBytes).toBe(3.5 * PART)
    take()
    await done
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
    expect(engine.budget.usedBytes).toBe(0)
    expect(engine.budget.peakBytes).toBeLessThanOrEqual(5 * PART)
  })

  it.each([0.75, 1, 1.5, 2, 3, 4])('come to their end with memory for %s parts', async (budgetParts) => {
    const { engine, transfer, done, take } = slowBucket({ budgetParts, highWaterBytes: PART })
    await settled()
    take()
    await done
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
    expect(engine.budget.usedBytes).toBe(0)
    expect(engine.budget.peakBytes).toBeLessThanOrEqual(Math.max(budgetParts * PART, 2 * SLICE))
  })

  it.each([3, 4, 6, 9])(
    'leave room for other transfers, held ones too, with memory for %s parts',
    async (budgetParts) => {
      const engine = fakeEngine({ budgetBytes: budgetParts * PART, isOn: false })
      vi.spyOn(engine.origin, 'isLate', 'get').mockReturnValue(true)
      const shapes = ['streamed', 'held', 'streamed', 'streamed', 'held'] as const
      const transfers = shapes.map((shape) =>
        engine.begin({ limits: { shape, uploadLanes: 2, highWaterBytes: 100 * PART } }),
      )
      await Promise.all(transfers.map((transfer) => transfer.start().done))
      for (const transfer of transfers) expect(transfer.object()).toEqual(patternBytes(0, SIZE))
      expect(engine.budget.usedBytes).toBe(0)
      expect(engine.budget.peakBytes).toBeLessThanOrEqual(budgetParts * PART)
    },
  )

  it('leave room for the longest request of one lane, while a file is shared', async () => {
    const engine = fakeEngine({ budgetBytes: 10 * SLICE })
    const habits = { lanes: 2, prospectiveLanes: 2, firstByteMs: 100, laneBytesPerSecond: 0 }
    vi.spyOn(engine.origin, 'isLate', 'get').mockReturnValue(true)
    for (const name of ['lanes', 'prospectiveLanes', 'firstByteMs', 'laneBytesPerSecond'] as const)
      vi.spyOn(engine.origin, name, 'get').mockImplementation(() => habits[name])
    const taken = Promise.withResolvers<void>()
    const limits = { shape: 'streamed', uploadLanes: 1, spanBytes: SLICE, highWaterBytes: 100 * PART } as const
    const transfer = engine.begin({ partSizeBytes: 3 * PART, limits, onUpload: () => taken.promise })
    // Another is about to begin, so that nothing goes through windows.
    const { expected } = engine.begin()
    const { run, done } = transfer.start()
    await settled()
    expect([...run.board.all].map(({ isAhead, stream }) => [isAhead, stream.waitingBytes / SLICE])).toEqual([
      [false, 2],
      [true, 5],
    ])
    Object.assign(habits, { lanes: 1, prospectiveLanes: 1, laneBytesPerSecond: 100 * SLICE })
    taken.resolve()
    await done
    expected.end()
    expect(transfer.object()).toEqual(patternBytes(0, SIZE))
    expect(engine.budget.usedBytes).toBe(0)
  })

  it('do not count as waiting for the bucket: a lane gets the bytes of its part, however many wait behind it', async () => {
    const { run, done, take } = slowBucket({ highWaterBytes: 2 * PART + 1 })
    await settled()
    expect(run.board.waitingBytes).toBe(2 * PART)
    expect(run.board.bufferedBytes).toBe(4 * PART)
    take()
    await done
  })
})

describe('a bucket that takes bytes while a source is yet to answer', () => {
  it('is not behind by them: reading goes on that much sooner', async () => {
    const { engine, run, done, askedParts, take } = slowBucket({ highWaterBytes: PART })
    vi.spyOn(engine.origin, 'mebibyteMs', 'get').mockReturnValue(500)
    const rate = vi.spyOn(run.meter, 'bucketBytesPerSecond').mockReturnValue(0)
    await settled()
    const before = askedParts()
    expect(run.meter.isPaused).toBe(true)
    // In half a second it takes all that is here.
    rate.mockReturnValue(8 * PART)
    run.board.notify()
    await settled()
    expect(run.meter.isPaused).toBe(false)
    expect(askedParts().length).toBeGreaterThan(before.length)
    take()
    await done
  })
})
