import { z } from 'zod'
import { readingAgainSchema, readingBackSchema } from './transfer.ts'

/**
 * What one engine moves right now for one transfer: an entry of `Transfer.live`, which is an object keyed by engine id. An engine
 * rewrites its own entry with each flush and removes it when it stops working on the transfer.
 */
export const liveEntrySchema = z.object({
  /** When it was written, ISO 8601. */
  at: z.string(),
  /** Bytes of unfinished parts that the bucket has taken. */
  inflightBytes: z.number(),
  bytesPerSecond: z.number(),
  readLanes: z.number(),
  uploadLanes: z.number(),
  bufferedBytes: z.number(),
  movingParts: z.array(z.number()),
  /** While the source is read once more for a checksum: `bytesPerSecond` is that read's then. */
  readingAgain: readingAgainSchema.optional(),
  /** While the object is read back by a verification: `bytesPerSecond` is that read's then. */
  readingBack: readingBackSchema.optional(),
})
export type LiveEntry = z.infer<typeof liveEntrySchema>

/** An entry older than this is left out: its engine is gone. */
export const LIVE_ENTRY_TTL_MS = 10_000
