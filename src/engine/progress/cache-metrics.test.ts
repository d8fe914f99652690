import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { ObjectIndex } from '../cache/object-index.ts'
import { bytesOf, keyOf } from '../cache/testing/slices.ts'
import { TieredCache } from '../cache/tiered-cache.ts'
import { addCacheMetrics } from './cache-metrics.ts'

it('tells what the cache counted, by tier, and counts nothing twice', async () => {
  const cache = new TieredCache({ memoryBytes: 100_000, ttlMs: 60_000, writeQueue: 5 }, new ObjectIndex(), null, null)
  const registry = new Registry()
  addCacheMetrics(registry, () => cache.stats())
  const key = keyOf('film', 0)
  cache.put(key, bytesOf(key))
  cache.take(key, 64)
  cache.take(key, 64)
  cache.handed(keyOf('film', 1), 64, null)
  await registry.metrics()
  const text = await registry.metrics()
  for (const line of [
    'sluice_cache_hits_total{tier="memory"} 2',
    'sluice_cache_hits_total{tier="shared"} 0',
    'sluice_cache_misses_total 1',
    'sluice_cache_hit_bytes_total 128',
    'sluice_cache_slices{tier="memory"} 1',
    'sluice_cache_max_bytes{tier="memory"} 100000',
    'sluice_cache_write_queue_depth 0',
  ])
    expect(text).toContain(`${line}\n`)
  expect(text).not.toMatch(/^sluice_cache_shared_up \d/m)
  await cache.close()
})
