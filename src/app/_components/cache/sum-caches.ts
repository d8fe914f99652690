import type { CacheStats } from '../../../server/domain/cache.ts'

/** One tier over all engines; the shared one has no size of its own here, because Redis keeps that itself. */
export interface TierSum {
  bytes: number
  maxBytes: number
  slices: number
  /** How many engines have it, and how many of those cannot use it now. */
  engines: number
  failing: number
  /** Slices that went because others needed the room. */
  evictions: number
}

export interface CacheSum {
  memory: TierSum
  disk: TierSum | null
  shared: { engines: number; away: number } | null
  memoryHits: number
  diskHits: number
  sharedHits: number
  misses: number
  expired: number
  writesDropped: number
  corrupt: number
  errors: number
  queueDepth: number
  compressionSavedBytes: number
}

/** What all engines say, added up; null where none says anything. */
export function sumCaches(caches: readonly CacheStats[]): CacheSum | null {
  if (caches.length === 0) return null
  const sum = (pick: (stats: CacheStats) => number) => caches.reduce((total, stats) => total + pick(stats), 0)
  const disks = caches.map(({ disk }) => disk).filter((disk) => disk !== null)
  const shared = caches.map((stats) => stats.shared).filter((tier) => tier !== null)
  const tier = (
    tiers: readonly { bytes: number; maxBytes: number; slices: number }[],
    evictions: number,
    failing: number,
  ): TierSum => ({
    bytes: tiers.reduce((total, { bytes }) => total + bytes, 0),
    maxBytes: tiers.reduce((total, { maxBytes }) => total + maxBytes, 0),
    slices: tiers.reduce((total, { slices }) => total + slices, 0),
    engines: tiers.length,
    failing,
    evictions,
  })
  return {
    memory: tier(
      caches.map(({ memory }) => memory),
      sum(({ memoryEvictions }) => memoryEvictions),
      0,
    ),
    disk:
      disks.length === 0
        ? null
        : tier(
            disks,
            sum(({ diskEvictions }) => diskEvictions),
            disks.filter(({ state }) => state === 'failing').length,
          ),
    shared:
      shared.length === 0
        ? null
        : { engines: shared.length, away: shared.filter(({ state }) => state === 'away').length },
    memoryHits: sum(({ memoryHits }) => memoryHits),
    diskHits: sum(({ diskHits }) => diskHits),
    sharedHits: sum(({ sharedHits }) => sharedHits),
    misses: sum(({ misses }) => misses),
    expired: sum(({ expired }) => expired),
    writesDropped: sum(({ writesDropped }) => writesDropped),
    corrupt: sum(({ corrupt }) => corrupt),
    errors: sum(({ diskErrors, sharedErrors }) => diskErrors + sharedErrors),
    queueDepth: sum(({ writeQueueDepth }) => writeQueueDepth),
    compressionSavedBytes: sum(({ compressionSavedBytes }) => compressionSavedBytes),
  }
}
