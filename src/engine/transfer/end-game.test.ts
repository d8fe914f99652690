import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../part/byte-budget.ts'
import { PartStream } from '../part/part-stream.ts'
import { BufferPool } from '../slice/buffer-pool.ts'
import { EndGame } from './end-game.ts'
import type { SpanRead } from './read-span.ts'

const SLICE = 1000
const HABITS = { firstByteMs: 20, laneBytesPerSecond: 10_000 }

/** A read of `slices` slices that has run since 0 and has got so many bytes. */
function readOf(slices: number, got: number): SpanRead {
  const counters = { buffersAllocated: 0, bufferReuses: 0, bufferCopies: 0, bytesCopied: 0 }
  const stream = new PartStream({
    number: 1,
    startByte: 0,
    endByte: slices * SLICE,
    shape: 'held',
    pool: new BufferPool(SLICE),
    budget: new ByteBudget(1_000_000),
    counters,
    onChange: () => {},
  })
  const span = stream.takeSpan(slices * SLICE)
  if (!span) throw new Error('a span is missing')
  const writer = stream.writer(span)
  writer.write(new Uint8Array(got))
  return { stream, writer, isRival: false, request: { openedMs: 0, openedByte: 0 }, isHeld: false, poolFromByte: null }
}

describe('the end game', () => {
  it('correctness 25: splits the span that will take longest', () => {
    const quick = readOf(10, 6 * SLICE)
    const slow = readOf(10, SLICE)
    const help = new EndGame().help([quick, slow], HABITS, 1_000)
    expect(help).toMatchObject({ kind: 'split', read: slow, span: { startByte: 6 * SLICE, endByte: 10 * SLICE } })
  })

  it('leaves alone what stands still because the bucket is behind', () => {
    const held = { ...readOf(10, SLICE), isHeld: true }
    expect(new EndGame().help([held], HABITS, 60_000)).toBeNull()
  })

  it('leaves alone what is nearly done', () => {
    expect(new EndGame().help([readOf(10, 9 * SLICE)], HABITS, 1_000)).toBeNull()
  })

  it('helps nobody who waits for a lane', () => {
    const waiting = { ...readOf(10, SLICE), request: null }
    expect(new EndGame().help([waiting], HABITS, 1_000)).toBeNull()
  })

  it('takes all but its slice from a connection that stands still, then races for that', () => {
    const stalled = readOf(10, 8 * SLICE + 100)
    const game = new EndGame()
    expect(game.help([stalled], HABITS, 100)).toBeNull()
    const split = game.help([stalled], HABITS, 1_200)
    expect(split).toMatchObject({ kind: 'split', span: { startByte: 9 * SLICE, endByte: 10 * SLICE } })
    const race = game.help([stalled], HABITS, 1_300)
    expect(race).toMatchObject({ kind: 'race', writer: { nextByte: 8 * SLICE + 100, endByte: 9 * SLICE } })
    expect(game.help([stalled], HABITS, 9_000)).toBeNull()
  })

  it('does not race where the source is as slow on any connection', () => {
    const slow = readOf(1, 100)
    expect(new EndGame().help([slow], { ...HABITS, laneBytesPerSecond: 100 }, 1_000)).toBeNull()
    expect(new EndGame().help([slow], HABITS, 1_000)?.kind).toBe('race')
  })

  it('has no more than four races at once', () => {
    const slow = readOf(1, 100)
    const rivals = (count: number) => Array.from({ length: count }, () => ({ ...readOf(1, 900), isRival: true }))
    expect(new EndGame().help([slow, ...rivals(4)], HABITS, 1_000)).toBeNull()
    expect(new EndGame().help([slow, ...rivals(3)], HABITS, 1_000)?.kind).toBe('race')
  })

  it('races for nothing while there is more to ask for later', () => {
    expect(new EndGame().help([readOf(1, 100)], HABITS, 1_000, false)).toBeNull()
    expect(new EndGame().help([readOf(4, 100)], HABITS, 1_000, false)?.kind).toBe('split')
  })

  it('takes an answer that has not begun for slow once it is late', () => {
    const late = readOf(4, 0)
    expect(new EndGame().help([late], HABITS, 100)).toBeNull()
    expect(new EndGame().help([late], { ...HABITS, firstByteMs: 500 }, 1_500)).toBeNull()
    expect(new EndGame().help([late], HABITS, 400)?.kind).toBe('split')
  })
})
