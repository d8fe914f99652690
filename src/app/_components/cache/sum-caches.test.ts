import { expect, test } from 'vitest'
import type { CacheStats } from '../../../server/domain/cache.ts'
import { sumCaches } from './sum-caches.ts'

const one: CacheStats = {
  memory: { bytes: 10, maxBytes: 100, slices: 2 },
  disk: null,
  shared: null,
  objects: 1,
  memoryHits: 5,
  diskHits: 0,
  sharedHits: 0,
  misses: 1,
  hitBytes: 0,
  storedBytes: 0,
  memoryEvictions: 1,
  diskEvictions: 2,
  expired: 0,
  corrupt: 0,
  writeQueueDepth: 1,
  writeQueueLimit: 5,
  writesDropped: 0,
  diskErrors: 1,
  sharedErrors: 2,
  compressionSavedBytes: 0,
}

test('adds up what engines say, and tells how many of them cannot use a tier', () => {
  const disk = { bytes: 7, maxBytes: 70, slices: 1, state: 'failing' as const }
  expect(sumCaches([one, { ...one, disk, shared: { state: 'away' } }])).toMatchObject({
    memory: { bytes: 20, maxBytes: 200, slices: 4, engines: 2, evictions: 2 },
    disk: { bytes: 7, engines: 1, failing: 1, evictions: 4 },
    shared: { engines: 1, away: 1 },
    memoryHits: 10,
    errors: 6,
  })
})

test('a tier that no engine has is none, and no engine is nothing', () => {
  expect(sumCaches([one])).toMatchObject({ disk: null, shared: null })
  expect(sumCaches([])).toBeNull()
})
