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
  /** Slices found, by tier, and looked for in vain. */
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

export const cacheObjectSchema = z.object({
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
