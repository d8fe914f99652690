import type { Sample } from '../sample.ts'

/** Rates of one step, in bytes per second. */
export interface StepRate {
  at: Date
  source: number
  bucket: number
  cache: number
}

/**
 * Rates over time. The first and the last step of a run are seldom whole: they are divided by what was sampled of them, so that a
 * curve does not begin and end in a slope that nobody saw. A hole in between stays a hole.
 */
export function stepRates(samples: readonly Sample[], stepMs: number): StepRate[] {
  return samples.map((sample, index) => {
    const isEdge = index === 0 || index === samples.length - 1
    const sampledMs = sample.measuredMs ?? stepMs
    const lengthMs = isEdge ? Math.min(stepMs, Math.max(1000, sampledMs)) : stepMs
    const rate = (bytes: number) => (bytes * 1000) / lengthMs
    return {
      at: sample.at,
      source: rate(sample.sourceBytes),
      bucket: rate(sample.bucketBytes),
      cache: rate(sample.cacheBytes),
    }
  })
}
