import { describe, expect, test } from 'vitest'
import { RequestLimiter } from './request-limiter.ts'

const limiterOf = (more: Partial<ConstructorParameters<typeof RequestLimiter>[0]> = {}) =>
  new RequestLimiter({ maxRequests: 2, maxQueued: 10, maxBytes: 100, ...more })

describe('requests to origins', () => {
  test('are never more than the limit, those that race a silent one included', async () => {
    const limiter = limiterOf()
    await limiter.acquire()
    expect(limiter.tryAcquire()).toBe(true)
    expect([limiter.tryAcquire(), limiter.active]).toEqual([false, 2])
    let isServed = false
    const waiting = limiter.acquire().then(() => {
      isServed = true
    })
    expect(isServed).toBe(false)
    limiter.release()
    await waiting
    expect(limiter.active).toBe(2)
  })

  test('that race a silent one need no more bytes than it has', async () => {
    const limiter = limiterOf()
    await limiter.acquire()
    limiter.reserve(100)
    expect(limiter.tryAcquire()).toBe(true)
    limiter.release()
    let isServed = false
    const waiting = limiter.acquire().then(() => {
      isServed = true
    })
    await Promise.resolve()
    expect(isServed).toBe(false)
    limiter.free(100)
    await waiting
    expect(limiter.active).toBe(2)
  })

  test('that wait are refused with a time to come again where the queue is full, those ahead of a reader sooner', () => {
    const limiter = limiterOf({ maxQueued: 4 })
    for (let count = 0; count < 2; count++) limiter.enqueued(true)
    expect(() => limiter.enqueued(true)).toThrow(/SLUICE_ORIGIN_QUEUE/)
    for (let count = 0; count < 2; count++) limiter.enqueued(false)
    expect(() => limiter.enqueued(false)).toThrow(expect.objectContaining({ retryAfterMs: 2000 }))
    limiter.dequeued()
    limiter.enqueued(false)
    expect(limiter.queued).toBe(4)
  })
})
