import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limitsOfInterval } from './limits-of-interval.ts'

const quiet = {
  durationMs: 1000,
  bucketPausedMs: 0,
  memoryPausedMs: 0,
  rateLimitMs: 0,
  isBucketBehind: false,
  busyShare: 0.3,
}
const none = { bucketLimitMs: 0, memoryLimitMs: 0, processorLimitMs: 0, rateLimitMs: 0 }

describe('who was slow in an interval', () => {
  it('is the source where nothing of ours and no bucket held it up', () => {
    expect(limitsOfInterval(quiet)).toEqual(none)
  })

  it('is the bucket for all of it where bytes wait for it, with a pause or between two', () => {
    expect(limitsOfInterval({ ...quiet, bucketPausedMs: 60 })).toEqual({ ...none, bucketLimitMs: 1000 })
    expect(limitsOfInterval({ ...quiet, isBucketBehind: true })).toEqual({ ...none, bucketLimitMs: 1000 })
  })

  it('is the bandwidth limit or the memory budget for as long as each was waited for', () => {
    expect(limitsOfInterval({ ...quiet, rateLimitMs: 700, memoryPausedMs: 400 })).toEqual({
      ...none,
      rateLimitMs: 700,
      memoryLimitMs: 300,
    })
  })

  it('is this machine where its thread had no time left, whatever waited then', () => {
    expect(limitsOfInterval({ ...quiet, busyShare: 0.99, isBucketBehind: true })).toEqual({
      ...none,
      processorLimitMs: 1000,
    })
  })

  it('never takes more of an interval than it has', () => {
    const ms = fc.double({ min: -10, max: 5000, noNaN: true })
    fc.assert(
      fc.property(ms, ms, ms, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (a, b, c, behind, busy) => {
        const limits = limitsOfInterval({
          durationMs: 1000,
          bucketPausedMs: a,
          memoryPausedMs: b,
          rateLimitMs: c,
          isBucketBehind: behind,
          busyShare: busy,
        })
        const parts = Object.values(limits)
        expect(parts.every((part) => part >= 0 && Number.isInteger(part))).toBe(true)
        expect(parts.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(1000)
      }),
    )
  })
})
