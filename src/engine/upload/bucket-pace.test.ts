import { describe, expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { BucketPace, BucketPaces } from './bucket-pace.ts'

const signal = new AbortController().signal
const slowDown = (retryAfterMs?: number) =>
  new TransferError('bucket_slow_down', 'slow down', {
    retry: 'now',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
const begin = (pace: BucketPace, count: number) => Promise.all(Array.from({ length: count }, () => pace.begin(signal)))

describe('correctness 42: the pace of a bucket', () => {
  it('limits nothing while nobody complains, and other errors are not its business', async () => {
    const pace = new BucketPace()
    const ends = await begin(pace, 50)
    expect(ends[0]?.(new TransferError('bucket_error', 'broken', { retry: 'now' }))).toBe(false)
    expect(pace.limit).toBe(Number.POSITIVE_INFINITY)
  })

  it('halves once for a burst of refusals, and grows by one for each full round of successes', async () => {
    const pace = new BucketPace()
    const ends = await begin(pace, 8)
    for (const end of ends) expect(end(slowDown())).toBe(true)
    expect(pace.limit).toBe(4)
    for (let done = 0; done < 4; done++) (await pace.begin(signal))(null)
    expect(pace.limit).toBeGreaterThan(4.8)
    expect(pace.limit).toBeLessThan(5.1)
  })

  it('limits nothing any more once it takes one more than ever wanted to go at once', async () => {
    const pace = new BucketPace(() => 0)
    for (const end of await begin(pace, 3)) end(slowDown())
    const limits = [pace.limit]
    while (Number.isFinite(pace.limit) && limits.length < 100) {
      ;(await pace.begin(signal))(null)
      limits.push(pace.limit)
    }
    expect(limits.at(-2)).toBeGreaterThanOrEqual(3.6)
    expect(limits.at(-1)).toBe(Number.POSITIVE_INFINITY)
  })

  it('waits again, and longer, where what began after the wait is refused too', async () => {
    const pace = new BucketPace(() => 0)
    for (const end of await begin(pace, 4)) end(slowDown())
    expect(pace.limit).toBe(2)
    const second = await pace.begin(signal)
    const refusedMs = performance.now()
    second(slowDown())
    expect(pace.limit).toBe(1)
    const third = await pace.begin(signal)
    expect(performance.now() - refusedMs).toBeGreaterThanOrEqual(249)
    third(null)
  })

  it('makes everybody wait as long as was asked for, and lets no more begin than its limit', async () => {
    const pace = new BucketPace(() => 0)
    const ends = await begin(pace, 4)
    const refusedMs = performance.now()
    for (const end of ends) end(slowDown(300))
    const first = await pace.begin(signal)
    expect(performance.now() - refusedMs).toBeGreaterThanOrEqual(299)
    const second = await pace.begin(signal)
    let hasBegun = false
    const third = pace.begin(signal).then((end) => {
      hasBegun = true
      return end
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(hasBegun).toBe(false)
    first(null)
    ;(await third)(null)
    second(null)
  })

  it('lets no more begin than its limit where several ask in the same moment', async () => {
    const pace = new BucketPace(() => 0)
    for (const end of await begin(pace, 4)) end(slowDown())
    // Its wait is that of all.
    const first = await pace.begin(signal)
    let begun = 0
    for (let asked = 0; asked < 4; asked++) void pace.begin(signal).then(() => begun++)
    await new Promise((resolve) => setImmediate(resolve))
    expect([pace.limit, begun]).toEqual([2, 1])
    first(null)
  })

  it('lets who waits go when its work stops', async () => {
    const pace = new BucketPace()
    const [end] = await begin(pace, 1)
    end?.(slowDown(60_000))
    const stopper = new AbortController()
    const waiting = pace.begin(stopper.signal)
    stopper.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
  })

  it('is one for all transfers into a bucket, and another for another bucket', () => {
    const paces = new BucketPaces()
    const at = (endpoint: string, bucket: string) => paces.of({ endpoint, bucket })
    expect(at('https://a', 'b')).toBe(at('https://a', 'b'))
    expect(at('https://a', 'c')).not.toBe(at('https://a', 'b'))
  })
})
