import { describe, expect, it } from 'vitest'
import { RateLimiter } from './rate-limiter.ts'

describe('RateLimiter', () => {
  it('lets no more through than the limit, over any number of lanes', () => {
    let nowMs = 0
    const limiter = new RateLimiter(() => nowMs)
    limiter.setLimit(1000)
    let bytes = 0
    while (nowMs < 10_000) {
      bytes += 64
      nowMs += Math.max(0.01, limiter.take(64))
    }
    expect(bytes).toBeGreaterThan(9_900)
    expect(bytes).toBeLessThan(10_300)
  })

  it('holds nobody without a limit, and stops holding when the limit is lifted', () => {
    const limiter = new RateLimiter(() => 0)
    expect(limiter.take(1e9)).toBe(0)
    limiter.setLimit(10)
    expect(limiter.take(100)).toBe(10_000)
    expect(limiter.waitMs).toBe(10_000)
    limiter.setLimit(null)
    expect(limiter.waitMs).toBe(0)
    expect(limiter.take(1e9)).toBe(0)
  })

  it('tells who already waits how long it is by a limit that was raised meanwhile', () => {
    const limiter = new RateLimiter(() => 0)
    limiter.setLimit(10)
    limiter.take(100)
    limiter.setLimit(1000)
    expect(limiter.waitMs).toBe(0)
  })
})
