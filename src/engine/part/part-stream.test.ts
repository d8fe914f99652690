import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { updateCrc32c } from '../cache/update-crc32c.ts'
import { BufferPool } from '../slice/buffer-pool.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { crc32cOf, encodeCrc32c } from '../upload/crc32c.ts'
import { ByteBudget } from './byte-budget.ts'
import { encodeLinear, LINEAR_ALGORITHMS, type LinearAlgorithm, updateLinear } from './linear-checksum.ts'
import { PartStream } from './part-stream.ts'

const SLICE = 64
const never = new AbortController().signal

function setUp(shape: 'held' | 'streamed', startByte: number, endByte: number) {
  const budget = new ByteBudget(10_000)
  const pool = new BufferPool(SLICE)
  const counters = { buffersAllocated: 0, bufferReuses: 0, bufferCopies: 0, bytesCopied: 0 }
  const options = { number: 1, startByte, endByte, shape, pool, budget, counters, onChange: () => {} }
  const stream = new PartStream({ ...options, linear: LINEAR_ALGORITHMS })
  return { budget, pool, counters, stream }
}

const linearOf = (bytes: Uint8Array) => {
  const of = (algorithm: LinearAlgorithm) => encodeLinear(algorithm, updateLinear(algorithm, bytes, 0n))
  return { crc32: of('crc32'), crc64nvme: of('crc64nvme') }
}

describe('PartStream', () => {
  it('holds the bytes of a part, however they were cut into spans and chunks', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 900 }),
        cuts,
        fc.integer({ min: 1, max: 5 }),
        async (size, chunks, spanSlices) => {
          const { stream, budget, counters } = setUp('held', 640, 640 + size)
          await budget.reserve(stream.reservationBytes(size), never)
          const spans = []
          const take = () => stream.takeSpan(spanSlices * SLICE)
          for (let span = take(); span; span = take()) spans.push(span)
          for (const [index, span] of spans.reverse().entries()) {
            const writer = stream.writer(span)
            while (!writer.isDone) {
              const bytes = chunks[(index + writer.nextByte) % chunks.length] ?? 1
              writer.write(patternBytes(writer.nextByte, writer.nextByte + bytes))
            }
          }
          expect(stream.isFilled).toBe(true)
          expect(Buffer.concat(stream.heldSlices())).toEqual(patternBytes(640, 640 + size))
          expect(encodeCrc32c(stream.crc32c)).toBe(crc32cOf([patternBytes(640, 640 + size)]))
          expect(stream.linearChecksums).toEqual(linearOf(patternBytes(640, 640 + size)))
          expect(counters.bytesCopied).toBe(size)
          await stream.dispose(new Error('closed'))
          expect(budget.usedBytes).toBe(0)
        },
      ),
    )
  })

  it('takes whole slices that others have too as they are, copies pieces of them, and gives none of their memory to the pool', async () => {
    const { stream, budget, pool, counters } = setUp('held', 640, 900)
    await budget.reserve(stream.reservationBytes(260), never)
    const span = stream.takeSpan(1000)
    const writer = stream.writer(span ?? { startByte: 0, endByte: 0 })
    const shared = patternBytes(640, 704)
    writer.adopt(shared)
    writer.adopt(patternBytes(704, 724))
    writer.adopt(patternBytes(724, 768))
    writer.adopt(patternBytes(768, 832))
    writer.adopt(patternBytes(832, 896))
    writer.adopt(patternBytes(896, 900))
    expect(stream.isFilled).toBe(true)
    expect(stream.heldSlices()[0]?.buffer).toBe(shared.buffer)
    expect(Buffer.concat(stream.heldSlices())).toEqual(patternBytes(640, 900))
    expect(encodeCrc32c(stream.crc32c)).toBe(crc32cOf([patternBytes(640, 900)]))
    expect(stream.linearChecksums).toEqual(linearOf(patternBytes(640, 900)))
    expect([counters.bytesCopied, counters.buffersAllocated]).toEqual([64, 1])
    await stream.dispose(new Error('closed'))
    expect([budget.usedBytes, pool.freeBytes]).toEqual([0, SLICE])
  })

  it('gives slices to its consumer in order, and each buffer back once the next is asked for', async () => {
    const { stream, budget, pool } = setUp('streamed', 0, 200)
    const second = stream.takeSpan(128)
    const last = stream.takeSpan(128)
    expect([second, last]).toEqual([
      { startByte: 0, endByte: 128 },
      { startByte: 128, endByte: 200 },
    ])
    for (const span of [last, second]) {
      if (!span) throw new Error('a span is missing')
      const bytes = stream.reservationBytes(span.endByte - span.startByte)
      await budget.reserve(bytes, never)
      stream.addReservation(bytes)
      stream.writer(span).write(patternBytes(span.startByte, span.endByte))
    }
    const seen: Buffer[] = []
    const held: number[] = []
    for await (const slice of stream.consume()) {
      seen.push(Buffer.from(slice))
      held.push(budget.usedBytes)
    }
    expect(stream.linearChecksums).toEqual(linearOf(patternBytes(0, 200)))
    expect(Buffer.concat(seen)).toEqual(patternBytes(0, 200))
    expect(held).toEqual([4 * SLICE, 3 * SLICE, 2 * SLICE, SLICE])
    expect(pool.freeBytes).toBe(3 * SLICE)
    await stream.dispose(new Error('closed'))
    expect(budget.usedBytes).toBe(0)
    expect(pool.freeBytes).toBe(4 * SLICE)
  })

  it('gives what there is of a slice that takes long, each byte once, with the checksum of each piece', async () => {
    vi.useFakeTimers()
    try {
      const { stream, budget } = setUp('streamed', 0, 100)
      await budget.reserve(2 * SLICE, never)
      stream.addReservation(2 * SLICE)
      const writer = stream.writer({ startByte: 0, endByte: 100 })
      const pieces: Buffer[] = []
      const sums: number[] = []
      const reading = (async () => {
        for await (const piece of stream.consume()) {
          pieces.push(Buffer.from(piece))
          sums.push(stream.consumedCrc32c)
        }
      })()
      writer.write(patternBytes(0, 10))
      await vi.advanceTimersByTimeAsync(4_000)
      expect(pieces).toEqual([])
      await vi.advanceTimersByTimeAsync(1_000)
      expect(pieces).toEqual([patternBytes(0, 10)])
      writer.write(patternBytes(10, 30))
      // Nothing new came out of a silence without bytes, and what came meanwhile goes with the next one.
      await vi.advanceTimersByTimeAsync(5_000)
      expect(pieces).toEqual([patternBytes(0, 10), patternBytes(10, 30)])
      await vi.advanceTimersByTimeAsync(10_000)
      expect(pieces).toHaveLength(2)
      writer.write(patternBytes(30, 100))
      await reading
      expect(Buffer.concat(pieces)).toEqual(patternBytes(0, 100))
      expect(pieces.map((piece) => piece.length)).toEqual([10, 20, 34, 36])
      expect(sums).toEqual(pieces.map((piece) => updateCrc32c(piece, 0)))
      await stream.dispose(new Error('closed'))
      expect(vi.getTimerCount()).toBe(0)
      expect(budget.usedBytes).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends a consumer that waits for bytes which will not come', async () => {
    const { stream } = setUp('streamed', 0, 200)
    const reading = (async () => {
      for await (const _ of stream.consume());
    })()
    await stream.dispose(new Error('stopped'))
    await expect(reading).rejects.toThrow('stopped')
  })

  it('gives buffers back only after the reads that fill them have ended', async () => {
    const { stream, pool, budget } = setUp('held', 0, 100)
    await budget.reserve(128, never)
    stream.writer({ startByte: 0, endByte: 100 }).write(patternBytes(0, 64))
    let end = () => {}
    stream.track(new Promise((resolve) => (end = resolve)))
    const disposed = stream.dispose(new Error('stopped'))
    await Promise.resolve()
    expect(pool.freeBytes).toBe(0)
    end()
    await disposed
    expect(pool.freeBytes).toBe(SLICE)
  })

  it('can end early where the source does, also on the bound of a slice and with nothing at all', async () => {
    for (const size of [0, 1, SLICE, SLICE + 1]) {
      const { stream, budget } = setUp('held', 0, 1000)
      await budget.reserve(stream.reservationBytes(1000), never)
      const span = stream.takeSpan(1000)
      if (span) stream.writer(span).write(patternBytes(0, size))
      stream.endAt(size)
      expect(stream.isFilled).toBe(true)
      expect(Buffer.concat(stream.heldSlices())).toEqual(patternBytes(0, size))
      await stream.dispose(new Error('closed'))
      expect(budget.usedBytes).toBe(0)
    }
  })

  it('takes no byte beyond its span', () => {
    const { stream } = setUp('held', 0, 100)
    const writer = stream.writer({ startByte: 0, endByte: 64 })
    expect(writer.write(patternBytes(0, 90))).toBe(64)
    expect(writer.isDone).toBe(true)
  })

  it('holds the right bytes when slow spans are split and raced at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1500 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 100 }), fc.nat(9)), { minLength: 20, maxLength: 200 }),
        async (size, steps) => {
          const { stream, budget } = setUp('held', 640, 640 + size)
          await budget.reserve(stream.reservationBytes(size), never)
          const span = stream.takeSpan(size)
          if (!span) throw new Error('a span is missing')
          const writers = [stream.writer(span)]
          const beaten = new Set<number>()
          const write = (index: number, bytes: number) => {
            const writer = writers[index]
            if (!writer) return
            writer.onBeaten = () => beaten.add(index)
            // A read that has ended may still deliver: its bytes must go nowhere, so they are wrong ones here.
            const isOver = writer.isDone
            const chunk = patternBytes(writer.nextByte, writer.nextByte + bytes, isOver ? 9 : undefined)
            expect(writer.write(chunk)).toBeLessThanOrEqual(isOver ? 0 : bytes)
          }
          for (const [pick, bytes, action] of steps) {
            const index = pick % writers.length
            const writer = writers[index]
            if (!writer) continue
            const rest = action < 2 && !writer.isDone && !writer.hasRival ? stream.split(writer, action === 1) : null
            const rival = action === 2 ? stream.rival(writer) : null
            if (rest) writers.push(stream.writer(rest))
            else if (rival) writers.push(rival)
            else write(index, bytes)
          }
          for (let index = 0; index < writers.length; index++) while (!writers[index]?.isDone) write(index, 50)
          expect(stream.isFilled).toBe(true)
          expect(stream.waitingBytes).toBe(size)
          expect(Buffer.concat(stream.heldSlices())).toEqual(patternBytes(640, 640 + size))
          expect(encodeCrc32c(stream.crc32c)).toBe(crc32cOf([patternBytes(640, 640 + size)]))
          expect(stream.linearChecksums).toEqual(linearOf(patternBytes(640, 640 + size)))
          await stream.dispose(new Error('closed'))
          expect(budget.usedBytes).toBe(0)
        },
      ),
    )
  })

  it('gives away half of the slices that a writer has not begun, or all of them where it stands still', () => {
    const { stream } = setUp('held', 0, 10 * SLICE)
    const span = stream.takeSpan(10 * SLICE)
    if (!span) throw new Error('a span is missing')
    const writer = stream.writer(span)
    writer.write(patternBytes(0, SLICE + 1))
    expect(stream.split(writer, false)).toEqual({ startByte: 6 * SLICE, endByte: 10 * SLICE })
    expect(writer.endByte).toBe(6 * SLICE)
    expect(stream.split(writer, true)).toEqual({ startByte: 2 * SLICE, endByte: 6 * SLICE })
    expect(stream.split(writer, true)).toBeNull()
    expect(writer.isDone).toBe(false)
  })

  it('ends the loser of a race, and has none where more than a slice is left', () => {
    const { stream } = setUp('held', 0, 2 * SLICE)
    const span = stream.takeSpan(2 * SLICE)
    if (!span) throw new Error('a span is missing')
    const writer = stream.writer(span)
    expect(stream.rival(writer)).toBeNull()
    writer.write(patternBytes(0, SLICE + 5))
    const rival = stream.rival(writer)
    if (!rival) throw new Error('the rival is missing')
    expect(stream.rival(writer)).toBeNull()
    let isBeaten = false
    writer.onBeaten = () => {
      isBeaten = true
    }
    expect(rival.nextByte).toBe(SLICE + 5)
    rival.write(patternBytes(SLICE + 5, 2 * SLICE))
    expect([isBeaten, writer.isDone, stream.isFilled]).toEqual([true, true, true])
    expect(writer.write(patternBytes(0, SLICE))).toBe(0)
  })

  it('takes bytes that were read right to their place, and sums every byte once', async () => {
    const { stream, budget, counters } = setUp('held', 0, 10 * SLICE)
    await budget.reserve(10 * SLICE, never)
    const span = stream.takeSpan(10 * SLICE)
    if (!span) throw new Error('a span is missing')
    const writer = stream.writer(span)
    for (let turn = 0; !writer.isDone; turn++) {
      const from = writer.nextByte
      const place = turn % 3 === 0 ? null : writer.place()
      const bytes = patternBytes(from, from + Math.min(place?.length ?? 40, 40))
      place?.set(bytes)
      expect(writer.write(place ? place.subarray(0, bytes.length) : bytes)).toBe(
        Math.min(bytes.length, 10 * SLICE - from),
      )
    }
    expect(Buffer.concat(stream.heldSlices())).toEqual(patternBytes(0, 10 * SLICE))
    expect(counters.bytesCopied).toBeLessThan(10 * SLICE)
    expect(encodeCrc32c(stream.crc32c)).toBe(crc32cOf([patternBytes(0, 10 * SLICE)]))
    await stream.dispose(new Error('closed'))
  })
})
