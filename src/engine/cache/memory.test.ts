import { expect, it } from 'vitest'
import { MemoryTier } from './memory.ts'
import { ObjectIndex } from './object-index.ts'
import { bytesOf, keyOf } from './testing/slices.ts'

function tier(options: { maxBytes?: number; ttlMs?: number; nowMs?: () => number } = {}) {
  const index = new ObjectIndex()
  return { index, memory: new MemoryTier({ maxBytes: 10_000, ttlMs: 1_000, index, ...options }) }
}

it('is bounded by bytes, and the least recently used go first', () => {
  const { memory, index } = tier({ maxBytes: 3 * (1_000 + 512) })
  for (const n of [0, 1, 2]) memory.put(keyOf('film', n), bytesOf(keyOf('film', n), 1_000))
  memory.get(keyOf('film', 0))
  memory.put(keyOf('film', 3), bytesOf(keyOf('film', 3), 1_000))
  expect([0, 1, 2, 3].map((n) => memory.has(keyOf('film', n)))).toEqual([true, false, true, true])
  expect(memory).toMatchObject({ slices: 3, evictions: 1 })
  expect(memory.bytes).toBeLessThanOrEqual(memory.maxBytes)
  expect([...index.slicesOf(keyOf('film', 0).objectId, 'memory')].map((key) => key.index)).toEqual([0, 2, 3])
})

it('does not keep a slice that is larger than all of it, nor lose others for it', () => {
  const { memory } = tier({ maxBytes: 2_000 })
  memory.put(keyOf('film', 0), bytesOf(keyOf('film', 0)))
  memory.put(keyOf('film', 1), new Uint8Array(2_000))
  expect(memory.get(keyOf('film', 1))).toBeNull()
  expect(memory.get(keyOf('film', 0))).toEqual(bytesOf(keyOf('film', 0)))
})

it('has nothing that is older than the TTL, however often it was used', () => {
  let nowMs = 1
  const { memory, index } = tier({ ttlMs: 1_000, nowMs: () => nowMs })
  const key = keyOf('film', 0)
  memory.put(key, bytesOf(key))
  nowMs = 999
  expect(memory.get(key)).not.toBeNull()
  nowMs = 1_002
  expect(memory.get(key)).toBeNull()
  expect(memory.expired).toBe(1)
  expect([...index.slicesOf(key.objectId, 'memory')]).toEqual([])
})

it('lets go of what nobody asks for when it is past its TTL', () => {
  let nowMs = 1
  const { memory } = tier({ ttlMs: 1_000, nowMs: () => nowMs })
  memory.put(keyOf('film', 0), bytesOf(keyOf('film', 0)))
  nowMs = 1_002
  memory.purgeExpired()
  expect(memory).toMatchObject({ slices: 0, bytes: 0, expired: 1 })
})

it('counts by object what readers take, and no other look', () => {
  const { memory, index } = tier()
  const key = keyOf('film', 0)
  memory.put(key, bytesOf(key))
  const object = index.get(key.objectId)
  if (!object) throw new Error('The object is not in the index.')
  object.lastAccessAtMs = 0
  memory.get(key)
  expect(memory.take(key, 1)).toBeNull()
  expect(object).toMatchObject({ hits: 0, lastAccessAtMs: 0 })
  expect(memory.take(key, 64)).toEqual(bytesOf(key))
  expect(memory.take(key, 64)).toEqual(bytesOf(key))
  expect(memory.take(keyOf('film', 1), 64)).toBeNull()
  expect(object.hits).toBe(2)
  expect(object.lastAccessAtMs).toBeGreaterThan(0)
})
