/** What an engine saw of one transfer in one interval. */
export interface IntervalSigns {
  readonly durationMs: number
  /** For how long nothing was asked of the source, because the bucket was behind, and because the memory budget was used up. */
  readonly bucketPausedMs: number
  readonly memoryPausedMs: number
  /** For how long the bandwidth limit held a lane. */
  readonly rateLimitMs: number
  /** Whether, at the end of the interval, more waited for the bucket than the low-water mark. */
  readonly isBucketBehind: boolean
  /** How much of the interval the event loop was at work, 0 to 1. */
  readonly busyShare: number
}

/** For how much of an interval each was the limit. What is left of it is the source's. */
export interface IntervalLimits {
  readonly bucketLimitMs: number
  readonly memoryLimitMs: number
  readonly processorLimitMs: number
  readonly rateLimitMs: number
}

/** From here on a thread has no time left over, and source and bucket look slow although they wait for us. */
const SATURATED_SHARE = 0.97
/** Pauses end at the low-water mark, so a bucket that is a little slower than the source pauses it now and then only. */
const BEHIND_SHARE = 0.05

/**
 * Who was slow. A backlog for the bucket makes the whole interval the bucket's, because reading goes on between two pauses without
 * anything being won by it; waits for memory and for the bandwidth limit count as long as they were. Never more than the interval.
 */
export function limitsOfInterval(signs: IntervalSigns): IntervalLimits {
  const { durationMs, bucketPausedMs } = signs
  const none = { bucketLimitMs: 0, memoryLimitMs: 0, processorLimitMs: 0, rateLimitMs: 0 }
  if (signs.busyShare >= SATURATED_SHARE) return { ...none, processorLimitMs: durationMs }
  if (signs.isBucketBehind || bucketPausedMs >= BEHIND_SHARE * durationMs) return { ...none, bucketLimitMs: durationMs }
  const rateLimitMs = within(signs.rateLimitMs, durationMs)
  const memoryLimitMs = within(signs.memoryPausedMs, durationMs - rateLimitMs)
  const bucketLimitMs = within(bucketPausedMs, durationMs - rateLimitMs - memoryLimitMs)
  return { ...none, bucketLimitMs, memoryLimitMs, rateLimitMs }
}

const within = (value: number, mostMs: number) => Math.round(Math.min(Math.max(0, value), Math.max(0, mostMs)))
