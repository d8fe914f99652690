import { describe, expect, it } from 'vitest'
import { BufferPool } from '../slice/buffer-pool.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { ByteBudget } from './byte-budget.ts'
import { PartStream } from './part-stream.ts'

const SLICE = 512 * 1024
const CHUNK = 100_000
const never = new AbortController().signal

/** A part of so many slices that is read through a window of three, and whoever fills it. */
async function setUp(slices: number) {
  const budget = new ByteBudget(3 * SLICE)
  const pool = new BufferPool(SLICE)
  const counters = { buffersAllocated: 0, bufferReuses: 0, bufferCopies: 0, bytesCopied: 0 }
  const range = { startByte: 0, endByte: slices * SLICE }
  const shape = 'streamed' as const
  const stream = new PartStream({ number: 1, ...range, shape, pool, budget, counters, onChange: () => {} })
  const span = stream.takeSpan(slices * SLICE)
  if (!span) throw new Error('a span is missing')
  await budget.reserve(3 * SLICE, never)
  stream.addWindow(span, 3)
  const writer = stream.writer(span)
  let waits = 0
  /** Writes until the writer has to wait, and goes on by itself when it need not. */
  const fill = () => {
    while (!writer.isDone) {
      writer.write(patternBytes(writer.nextByte, Math.min(writer.nextByte + CHUNK, writer.endByte)))
      if (!writer.waitsForRoom(fill)) continue
      waits++
      return
    }
  }
  return { budget, counters, stream, writer, fill, waitsSoFar: () => waits }
}

describe('a span that is read through a window', () => {
  it('goes through three buffers whatever its length, at the pace of its consumer', async () => {
    const { budget, counters, stream, fill, waitsSoFar } = await setUp(20)
    fill()
    const got: Buffer[] = []
    for await (const slice of stream.consume()) got.push(Buffer.from(slice))
    expect(Buffer.concat(got).equals(patternBytes(0, 20 * SLICE))).toBe(true)
    expect(counters).toMatchObject({ buffersAllocated: 3, bufferReuses: 17, bytesCopied: 20 * SLICE })
    expect(waitsSoFar()).toBeGreaterThan(10)
    expect(budget.usedBytes).toBeLessThanOrEqual(3 * SLICE)
    await stream.dispose(new Error('closed'))
    expect(budget.usedBytes).toBe(0)
  })

  it('does not wait where the span fits its window', async () => {
    const { stream, fill, waitsSoFar } = await setUp(3)
    fill()
    expect([stream.isFilled, waitsSoFar()]).toEqual([true, 0])
  })

  it('pays for no slice that was given to another lane', async () => {
    const { budget, stream, writer, fill } = await setUp(12)
    fill()
    const given = stream.split(writer, true)
    expect(given).toEqual({ startByte: 3 * SLICE, endByte: 12 * SLICE })
    const consumer = stream.consume()
    for (let slice = 0; slice < 3; slice++) await consumer.next()
    expect(writer.isDone).toBe(true)
    expect(budget.usedBytes).toBe(SLICE)
    await budget.reserve(2 * SLICE, never)
    if (given) stream.addWindow(given, 2)
    const rest = given && stream.writer(given)
    rest?.write(patternBytes(3 * SLICE, 3 * SLICE + CHUNK))
    expect(rest?.waitsForRoom(() => {})).toBe(false)
    await stream.dispose(new Error('closed'))
    expect(budget.usedBytes).toBe(0)
  })

  it('gives everything back when the part is closed in the middle', async () => {
    const { budget, stream, fill } = await setUp(12)
    fill()
    const consumer = stream.consume()
    await consumer.next()
    await consumer.next()
    await stream.dispose(new Error('closed'))
    expect(budget.usedBytes).toBe(0)
    await expect(consumer.next()).rejects.toThrow()
  })
})
