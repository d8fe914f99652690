import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../part/byte-budget.ts'
import { PartStream } from '../part/part-stream.ts'
import { BufferPool } from '../slice/buffer-pool.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { PartBoard } from './part-board.ts'
import type { PartTask } from './remaining-work.ts'

const SLICE = 64
const PART = 4 * SLICE
const never = new AbortController().signal

function setUp() {
  const board = new PartBoard()
  const pool = new BufferPool(SLICE)
  const budget = new ByteBudget(100 * PART)
  const counters = { buffersAllocated: 0, bufferReuses: 0, bufferCopies: 0, bytesCopied: 0 }
  const open = async (number: number, shape: 'held' | 'streamed') => {
    const range = { startByte: (number - 1) * PART, endByte: number * PART }
    if (shape === 'held') await budget.reserve(PART, never)
    const task = { number } as PartTask
    return board.open(task, new PartStream({ number, ...range, shape, pool, budget, counters, onChange: board.notify }))
  }
  const fill = async (part: Awaited<ReturnType<typeof open>>, slices = 4) => {
    const span = part.stream.takeSpan(slices * SLICE)
    if (!span) throw new Error('nothing left to fill')
    if (part.stream.shape === 'streamed') {
      await budget.reserve(slices * SLICE, never)
      part.stream.addReservation(slices * SLICE)
    }
    part.stream.writer(span).write(patternBytes(span.startByte, span.endByte))
  }
  return { board, budget, pool, open, fill }
}

describe('PartBoard', () => {
  it('gives an upload lane a streamed part at once and a held one when it is filled, each part once', async () => {
    const { board, open, fill } = setUp()
    const held = await open(1, 'held')
    const taken = board.takeForUpload(never)
    await Promise.resolve()
    const streamed = await open(2, 'streamed')
    expect(await taken).toBe(streamed)
    const next = board.takeForUpload(never)
    await fill(held)
    expect(await next).toBe(held)
    expect(held.isUploading).toBe(true)
  })

  it('ends lanes that wait once no part will come, and those that are stopped', async () => {
    const { board } = setUp()
    const stopper = new AbortController()
    const stopped = board.takeForUpload(stopper.signal)
    stopper.abort(new Error('stopped'))
    await expect(stopped).rejects.toThrow('stopped')
    const waiting = board.takeForUpload(never)
    board.isClosed = true
    board.notify()
    expect(await waiting).toBeNull()
    expect(board.isDone).toBe(true)
  })

  it('reads the lowest held part first, else the lowest streamed one that is begun, up to its mark', async () => {
    const { board, open, fill } = setUp()
    const first = await open(1, 'streamed')
    const second = await open(2, 'streamed')
    expect(board.nextToRead(2 * SLICE, SLICE)).toBe(first)
    await fill(first, 1)
    expect(board.nextToRead(2 * SLICE, SLICE)).toBe(first)
    await fill(first, 1)
    expect(board.nextToRead(2 * SLICE, SLICE)).toBe(second)
    await fill(second, 1)
    expect(board.nextToRead(3 * SLICE, SLICE)).toBe(first)
    await fill(second, 1)
    expect(board.nextToRead(2 * SLICE, SLICE)).toBeNull()
    const held = await open(3, 'held')
    expect(board.nextToRead(2 * SLICE, SLICE)).toBe(held)
  })

  it('reads a part that is begun and lacks bytes before all others, and begins none before it has to', async () => {
    const { board, open, fill } = setUp()
    const first = await open(1, 'streamed')
    const second = await open(2, 'streamed')
    const third = await open(3, 'streamed')
    await fill(first, 3)
    await fill(second, 1)
    // The bucket has taken all that the second has.
    const taking = second.stream.consume()
    await taking.next()
    void taking.next().catch(() => {})
    await expect.poll(() => second.stream.aheadBytes).toBe(0)
    expect(board.nextToRead(4 * SLICE, SLICE)).toBe(second)
    await fill(second, 1)
    expect(board.nextToRead(4 * SLICE, 0)).toBe(first)
    expect(board.nextToRead(2 * SLICE, 0)).toBe(second)
    await fill(second, 2)
    expect(board.nextToRead(2 * SLICE, SLICE)).toBe(third)
    await board.closeAll(new Error('over'))
  })

  it('counts as waiting what no lane sends yet, and as buffered all that is here', async () => {
    const { board, open, fill } = setUp()
    const held = await open(1, 'held')
    await fill(held)
    expect([board.waitingBytes, board.bufferedBytes]).toEqual([PART, PART])
    await board.takeForUpload(never)
    expect([board.waitingBytes, board.bufferedBytes]).toEqual([0, PART])
    const streamed = await open(2, 'streamed')
    await fill(streamed, 1)
    streamed.sentBytes = 7
    expect([board.waitingBytes, board.bufferedBytes, board.sentBytes]).toEqual([SLICE, PART + SLICE, 7])
  })

  it('counts as waiting what the bucket could take now, and not what comes behind bytes that are not here', async () => {
    const { board, budget, open } = setUp()
    const part = await open(1, 'streamed')
    const [first, second] = [part.stream.takeSpan(2 * SLICE), part.stream.takeSpan(2 * SLICE)]
    if (!first || !second) throw new Error('no spans')
    await budget.reserve(PART, never)
    part.stream.addReservation(PART)
    part.stream.writer(second).write(patternBytes(second.startByte, second.endByte))
    expect([board.bufferedBytes, board.waitingBytes]).toEqual([2 * SLICE, 0])
    part.stream.writer(first).write(patternBytes(first.startByte, first.startByte + SLICE))
    expect([board.bufferedBytes, board.waitingBytes]).toEqual([3 * SLICE, SLICE])
    const taking = part.stream.consume()
    await taking.next()
    void taking.next().catch(() => {})
    await expect.poll(() => board.waitingBytes).toBe(0)
    part.stream.writer({ ...first, startByte: first.startByte + SLICE }).write(patternBytes(SLICE, 2 * SLICE))
    expect([board.waitingBytes, board.bytesAtMarks]).toEqual([3 * SLICE, 3 * SLICE])
    part.isHeldUp = true
    expect([board.waitingBytes, board.bytesAtMarks]).toEqual([3 * SLICE, 0])
    await board.closeAll(new Error('over'))
  })

  it('waits in closeAll for parts that were being closed before, until every byte is back', async () => {
    const { board, budget, pool, open, fill } = setUp()
    const part = await open(1, 'held')
    await fill(part)
    let end = () => {}
    part.stream.track(new Promise((resolve) => (end = resolve)))
    void board.closeAll(new Error('first'))
    let isBack = false
    const second = board.closeAll(new Error('second')).then(() => {
      isBack = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect([isBack, budget.usedBytes]).toEqual([false, PART])
    end()
    await second
    expect([budget.usedBytes, pool.freeBytes]).toEqual([0, PART])
  })

  it('misses no change that came after the version that was seen', async () => {
    const { board } = setUp()
    const { version } = board
    board.notify()
    await board.changed(never, version)
    let woken = false
    const waiting = board.changed(never).then(() => {
      woken = true
    })
    await Promise.resolve()
    expect(woken).toBe(false)
    board.notify()
    await waiting
  })
})
