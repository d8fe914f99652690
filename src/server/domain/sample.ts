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
  /**
   * For how long of the step bucket, memory budget, processor and bandwidth limit each were what held the source up; the rest is
   * the source's own. The mean of the engines that reported. Null where it was not measured.
   */
  bucketLimitMs: z.number().nullish(),
  memoryLimitMs: z.number().nullish(),
  processorLimitMs: z.number().nullish(),
  rateLimitMs: z.number().nullish(),
  /** How much of the step was sampled: less than its length where nobody worked on the transfer for a while. */
  measuredMs: z.number().nullish(),
})
export type Sample = z.infer<typeof sampleSchema>
