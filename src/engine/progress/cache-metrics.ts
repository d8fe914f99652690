import { Counter, Gauge, type Registry } from 'prom-client'
import type { CacheStats } from '../../server/domain/cache.ts'

type Read = (stats: CacheStats) => number

/** Counters the cache keeps itself; they are read when Prometheus asks. */
const COUNTERS: readonly (readonly [name: string, help: string, read: Read])[] = [
  ['misses_total', 'Slices that readers were handed and that had to be fetched.', (stats) => stats.misses],
  ['hit_bytes_total', 'Bytes of slices that readers were handed out of the cache.', (stats) => stats.hitBytes],
  ['stored_bytes_total', 'Bytes of slices that were put into the cache.', (stats) => stats.storedBytes],
  ['expired_total', 'Entries that went because of their age.', (stats) => stats.expired],
  ['corrupt_total', 'Entries that were not what was written, and were removed.', (stats) => stats.corrupt],
  [
    'writes_dropped_total',
    'Slices that memory let go of before they were written to disk or the shared tier.',
    (stats) => stats.writesDropped,
  ],
  ['compression_saved_bytes_total', 'Bytes saved by compression.', (stats) => stats.compressionSavedBytes],
]

const GAUGES: readonly (readonly [name: string, help: string, read: Read])[] = [
  ['objects', 'Objects of which something is known.', (stats) => stats.objects],
  [
    'write_queue_depth',
    'Slices that are held to be written to disk or the shared tier.',
    (stats) => stats.writeQueueDepth,
  ],
  [
    'shared_up',
    '1 while the shared tier answers; absent where there is none.',
    (stats) => Number(stats.shared?.state === 'ready'),
  ],
]

const BY_TIER: readonly (readonly [
  name: string,
  help: string,
  kind: 'counter' | 'gauge',
  read: (stats: CacheStats) => Partial<Record<'memory' | 'disk' | 'shared', number>>,
])[] = [
  [
    'hits_total',
    'Slices that readers were handed out of the cache, by tier.',
    'counter',
    ({ memoryHits, diskHits, sharedHits }) => ({ memory: memoryHits, disk: diskHits, shared: sharedHits }),
  ],
  [
    'evictions_total',
    'Slices that had to make room, by tier.',
    'counter',
    ({ memoryEvictions, diskEvictions }) => ({ memory: memoryEvictions, disk: diskEvictions }),
  ],
  [
    'errors_total',
    'Reads and writes of a tier that failed.',
    'counter',
    ({ diskErrors, sharedErrors }) => ({ disk: diskErrors, shared: sharedErrors }),
  ],
  ['bytes', 'Bytes held, by tier.', 'gauge', ({ memory, disk }) => ({ memory: memory.bytes, disk: disk?.bytes ?? 0 })],
  [
    'max_bytes',
    'Bytes a tier may hold.',
    'gauge',
    ({ memory, disk }) => ({ memory: memory.maxBytes, disk: disk?.maxBytes ?? 0 }),
  ],
  [
    'slices',
    'Slices held, by tier.',
    'gauge',
    ({ memory, disk }) => ({ memory: memory.slices, disk: disk?.slices ?? 0 }),
  ],
]

/** The metrics of the slice cache, `sluice_cache_…`. */
export function addCacheMetrics(registry: Registry, stats: () => CacheStats): void {
  const registers = [registry]
  for (const [name, help, read] of COUNTERS)
    new Counter({
      name: `sluice_cache_${name}`,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read(stats()))
      },
    })
  for (const [name, help, read] of GAUGES)
    new Gauge({
      name: `sluice_cache_${name}`,
      help,
      registers,
      collect() {
        const now = stats()
        if (name === 'shared_up' && now.shared === null) this.remove()
        else this.set(read(now))
      },
    })
  for (const [name, help, kind, read] of BY_TIER) {
    const options = { name: `sluice_cache_${name}`, help, registers, labelNames: ['tier'] as const }
    if (kind === 'gauge')
      new Gauge({
        ...options,
        collect() {
          for (const [tier, value] of Object.entries(read(stats()))) this.set({ tier }, value)
        },
      })
    else
      new Counter({
        ...options,
        collect() {
          this.reset()
          for (const [tier, value] of Object.entries(read(stats()))) this.inc({ tier }, value)
        },
      })
  }
}
