import { z } from 'zod'

/** What one run went by on its engine, kept with its counters: settings may have changed by the time a report is read. */
export const runSettingsSchema = z.object({
  uploadLanes: z.number(),
  /** Null where the number of read lanes is found out. */
  readLanes: z.number().nullable(),
  sliceSizeBytes: z.number(),
  memoryBudgetBytes: z.number(),
  highWaterBytes: z.number(),
  lowWaterBytes: z.number(),
  /** Whether a part is held in memory until the bucket has it, or streamed and read again if it fails. */
  shape: z.enum(['held', 'streamed']),
  httpClient: z.string(),
  profile: z.string(),
})
export type RunSettings = z.infer<typeof runSettingsSchema>
