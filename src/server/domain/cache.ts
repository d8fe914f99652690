import { z } from 'zod'

const tierSchema = z.object({ bytes: z.number(), maxBytes: z.number(), slices: z.number() })

/** What an engine says about its slice cache with each heartbeat. Counters count from the start of that engine. */
export const cacheStatsSchema = z.object({
  memory: tierSchema,
  /** Null where there is no disk tier. */
  disk: tierSchema.extend({ state: z.enum(['sweeping', 'ready', 'failing']) }).nullable(),
  /** Null where no tier is shared. */
  shared: z.object({ state: z.enum(['connecting', 'ready', 'away']) }).nullable(),
  objects: z.number(),
  /** Slices that readers were handed: by the tier they were in, and those that had to be fetched. */
  memoryHits: z.number(),
  diskHits: z.number(),
  sharedHits: z.number(),
  misses: z.number(),
  hitBytes: z.number(),
  /** Bytes put into the cache, which is what origins had to send. */
  storedBytes: z.number(),
  memoryEvictions: z.number(),
  diskEvictions: z.number(),
  expired: z.number(),
  /** Entries that were not what was written: read as misses, and removed. */
  corrupt: z.number(),
  writeQueueDepth: z.number(),
  writeQueueLimit: z.number(),
  writesDropped: z.number(),
  diskErrors: z.number(),
  sharedErrors: z.number(),
  /** Bytes saved by compression so far. */
  compressionSavedBytes: z.number(),
})
export type CacheStats = z.infer<typeof cacheStatsSchema>

/** What to purge: one object, all of a published origin, or everything. */
export const purgeTargetSchema = z.union([
  z
    .object({
      objectId: z
        .string()
        .regex(/^[0-9a-f]{48}$/, 'An object id has 48 hexadecimal characters; take it from cache.objects.'),
    })
    .strict(),
  z.object({ originId: z.uuid('An origin id is a UUID.') }).strict(),
  z.literal('all'),
])
export type PurgeTarget = z.infer<typeof purgeTargetSchema>

/** Runs of adjacent slices, `[first, afterLast)` each. */
const runsSchema = z.array(z.tuple([z.number().int(), z.number().int()]))
export type SliceRuns = z.infer<typeof runsSchema>

const cacheObjectSchema = z.object({
  objectId: z.string(),
  originId: z.string().nullable(),
  originName: z.string(),
  path: z.string(),
  sizeBytes: z.number().nullable(),
  sliceSizeBytes: z.number(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  /** Bytes of its slices that are kept, on disk and in memory; a slice that is in both counts once. */
  cachedBytes: z.number(),
  memory: runsSchema,
  disk: runsSchema,
  hits: z.number(),
  storedAtMs: z.number(),
  lastAccessAtMs: z.number(),
})
/** One object in one engine's cache, with the slices that are there. */
export type CacheObject = z.infer<typeof cacheObjectSchema>

export const cacheObjectPageSchema = z.object({
  items: z.array(cacheObjectSchema),
  nextCursor: z.string().nullable(),
  total: z.number(),
})
export type CacheObjectPage = z.infer<typeof cacheObjectPageSchema>

/** The caches over time, in steps of equal length. */
export interface CacheHistory {
  stepMs: number
  steps: { at: Date; hits: number; misses: number; hitBytes: number; storedBytes: number; evictions: number }[]
}

/** `cache.stats`: each healthy engine's cache, and what it was like in the last hour. */
export interface CacheOverview {
  engines: { id: string; name: string; cache: CacheStats }[]
  history: CacheHistory
  /** Share of slices that were found, of those readers were handed in the last hour; null where there were none. */
  hitRate: number | null
}

/** An object over all engines: where engines differ, the runs are those of any of them. */
export interface CachedObjectView extends CacheObject {
  /** Ids of the engines that have some of it. */
  engines: string[]
}

/** Adds up what several engines have of the same objects, the latest used first. Versions that differ are not mixed. */
export function mergeObjects(
  pages: readonly { engineId: string; items: readonly CacheObject[] }[],
): CachedObjectView[] {
  const merged = new Map<string, CachedObjectView>()
  for (const { engineId, items } of pages)
    for (const item of items) {
      const known = merged.get(item.objectId)
      if (!known) {
        merged.set(item.objectId, { ...item, engines: [engineId] })
        continue
      }
      const isNewer = item.storedAtMs > known.storedAtMs
      const isSame =
        item.etag === known.etag && item.lastModified === known.lastModified && item.sizeBytes === known.sizeBytes
      merged.set(item.objectId, {
        ...(isNewer ? item : known),
        hits: known.hits + item.hits,
        lastAccessAtMs: Math.max(known.lastAccessAtMs, item.lastAccessAtMs),
        memory: isSame ? uniteRuns(known.memory, item.memory) : isNewer ? item.memory : known.memory,
        disk: isSame ? uniteRuns(known.disk, item.disk) : isNewer ? item.disk : known.disk,
        cachedBytes: isSame
          ? Math.max(known.cachedBytes, item.cachedBytes)
          : isNewer
            ? item.cachedBytes
            : known.cachedBytes,
        engines: [...known.engines, engineId],
      })
    }
  return [...merged.values()].sort((a, b) => b.lastAccessAtMs - a.lastAccessAtMs || (a.objectId < b.objectId ? -1 : 1))
}

/** Runs that cover what either covers. */
export function uniteRuns(a: SliceRuns, b: SliceRuns): SliceRuns {
  const united: SliceRuns = []
  for (const [first, afterLast] of [...a, ...b].sort(([x], [y]) => x - y)) {
    const last = united.at(-1)
    if (last && first <= last[1]) last[1] = Math.max(last[1], afterLast)
    else united.push([first, afterLast])
  }
  return united
}
