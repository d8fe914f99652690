import { describe, expect, it } from 'vitest'
import { BufferPool } from './buffer-pool.ts'

const SLICE = 1024 * 1024

function setUp() {
  return { pool: new BufferPool(SLICE), counters: { buffersAllocated: 0, bufferReuses: 0 } }
}

describe('BufferPool', () => {
  it('hands out buffers of one size that do not overlap, over the end of a block too', () => {
    const { pool, counters } = setUp()
    const buffers = Array.from({ length: 80 }, () => pool.take(counters))
    for (const [index, buffer] of buffers.entries()) buffer.fill(index)
    expect(buffers.every((buffer, index) => buffer.length === SLICE && buffer[0] === index)).toBe(true)
    expect(buffers.every((buffer, index) => buffer.at(-1) === index)).toBe(true)
    expect(counters).toEqual({ buffersAllocated: 80, bufferReuses: 0 })
  })

  it('gives the buffer that came back last, and counts that as a reuse', () => {
    const { pool, counters } = setUp()
    const [first, second] = [pool.take(counters), pool.take(counters)]
    pool.give(second)
    pool.give(first)
    expect(pool.freeBytes).toBe(2 * SLICE)
    expect(pool.take(counters)).toBe(first)
    expect(counters).toEqual({ buffersAllocated: 2, bufferReuses: 1 })
  })

  it('frees idle blocks at once and leaves those in use alone', () => {
    const { pool, counters } = setUp()
    const buffers = Array.from({ length: 50 }, () => pool.take(counters))
    const inUse = buffers[49] as Uint8Array
    inUse.fill(7)
    for (const buffer of buffers.slice(0, 49)) pool.give(buffer)
    pool.clear()
    expect(buffers[0]?.byteLength).toBe(0)
    expect(inUse[0]).toBe(7)
    expect(pool.freeBytes).toBe(13 * SLICE)
    pool.give(inUse)
    pool.clear()
    expect([inUse.byteLength, pool.freeBytes]).toEqual([0, 0])
    expect(pool.take(counters).length).toBe(SLICE)
  })
})
