import { z } from 'zod'

/**
 * One second (or one step of a longer window) of numbers. Byte fields count what moved during the step, so that
 * rate = bytes / stepMs; lanes and bufferedBytes are as they were at its end.
 */
export const sampleSchema = z.object({
  at: z.date(),
  sourceBytes: z.number(),
  bucketBytes: z.number(),
  cacheBytes: z.number(),
  bufferedBytes: z.number(),
  readLanes: z.number(),
  uploadLanes: z.number(),
  retries: z.number(),
})
export type Sample = z.infer<typeof sampleSchema>
