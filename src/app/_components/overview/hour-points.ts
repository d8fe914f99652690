import type { SystemHealth } from '../../../server/domain/engine.ts'

export interface HourPoint {
  /** Milliseconds since 1970. */
  at: number
  sourceBytesPerSecond: number
  bucketBytesPerSecond: number
}

/**
 * The last hour as rates. The newest step is still filling, so that its bytes are spread over the time it has lasted; in its
 * first seconds that says little, and it is left out.
 */
export function hourPoints(health: Pick<SystemHealth, 'lastHour' | 'lastHourStepMs'>, nowMs: number): HourPoint[] {
  const { lastHour, lastHourStepMs } = health
  return lastHour.flatMap((step): HourPoint[] => {
    const at = step.at.getTime()
    const lastedMs = Math.min(lastHourStepMs, nowMs - at)
    if (lastedMs < Math.min(lastHourStepMs, 5000)) return []
    const seconds = lastedMs / 1000
    return [{ at, sourceBytesPerSecond: step.sourceBytes / seconds, bucketBytesPerSecond: step.bucketBytes / seconds }]
  })
}

/** The highest rate into buckets in the hour. */
export function peakBytesPerSecond(points: readonly Pick<HourPoint, 'bucketBytesPerSecond'>[]): number {
  return points.reduce((peak, point) => Math.max(peak, point.bucketBytesPerSecond), 0)
}
