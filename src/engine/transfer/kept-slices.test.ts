import { describe, expect, it } from 'vitest'
import { MemoryTier } from '../cache/memory.ts'
import { ObjectIndex } from '../cache/object-index.ts'
import { KeptSlices } from './kept-slices.ts'

const SLICE = 1000
const key = (index: number, objectId = 'file') => ({ objectId, version: 'v1', index })

function setUp() {
  let nowMs = 0
  const index = new ObjectIndex()
  const memory = new MemoryTier({ maxBytes: 8 * SLICE, ttlMs: 3_600_000, index })
  const kept = new KeptSlices(memory, () => nowMs)
  const keep = (...indices: number[]) => {
    for (const one of indices) kept.keep(key(one), new Uint8Array(SLICE).fill(one))
  }
  const has = (...indices: number[]) => indices.filter((one) => kept.get(key(one)) !== null)
  return { index, memory, kept, keep, has, later: (ms: number) => (nowMs += ms) }
}

describe('slices that transfers wait for', () => {
  it('take half of the memory tier at most, and what came first stays', () => {
    const { kept, keep, has } = setUp()
    keep(1, 2, 3, 4, 5, 6)
    expect(has(1, 2, 3, 4, 5, 6)).toEqual([1, 2, 3, 4])
    expect(kept.bytes).toBe(4 * SLICE)
    kept.drop(key(1))
    keep(7)
    expect(has(1, 2, 3, 4, 5, 6, 7)).toEqual([2, 3, 4, 7])
  })

  it('make room once nobody has come for them for a minute', () => {
    const { kept, keep, has, later } = setUp()
    keep(1, 2)
    later(30_000)
    keep(3, 4)
    later(31_000)
    keep(5)
    expect(has(1, 2, 3, 4, 5)).toEqual([2, 3, 4, 5])
    expect(kept.bytes).toBe(4 * SLICE)
  })

  it('count once, however often they are put and dropped', () => {
    const { kept, keep } = setUp()
    keep(1, 1, 1)
    expect(kept.bytes).toBe(SLICE)
    kept.drop(key(1))
    kept.drop(key(1))
    expect(kept.bytes).toBe(0)
  })

  it('are no longer there where readers needed the memory, and no longer counted once they are dropped', () => {
    const { kept, keep, has, memory } = setUp()
    keep(1, 2)
    for (let one = 0; one < 8; one++) memory.put(key(one, 'read'), new Uint8Array(SLICE))
    expect(has(1, 2)).toEqual([])
    kept.forget('file', 'v1')
    expect(kept.bytes).toBe(0)
  })

  it('leave nothing of their file behind, and all of others', () => {
    const { kept, keep, index } = setUp()
    keep(1, 2)
    kept.keep(key(1, 'other'), new Uint8Array(SLICE))
    kept.forget('file', 'v1')
    expect(index.idsOf(null)).toEqual(['other'])
    expect(kept.bytes).toBe(SLICE)
  })
})
