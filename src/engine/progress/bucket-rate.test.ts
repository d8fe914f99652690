import { describe, expect, it } from 'vitest'
import { BucketRate } from './bucket-rate.ts'

describe('the rate of a bucket', () => {
  it('is that of the last two seconds, and 0 until there is something to go by', () => {
    const rate = new BucketRate()
    expect(rate.at(0, 0)).toBe(0)
    expect(rate.at(100, 500)).toBe(0)
    expect(rate.at(200, 1_000)).toBe(5_000)
    for (let ms = 300; ms <= 4_000; ms += 100) rate.at(ms, 5 * ms)
    expect(rate.at(4_000, 20_000)).toBeCloseTo(5_000)
    // It stands still from here on, and two seconds later that is all there is to say.
    for (let ms = 4_100; ms <= 6_400; ms += 100) rate.at(ms, 20_000)
    expect(rate.at(6_400, 20_000)).toBe(0)
  })

  it('keeps to what it last saw where nobody has looked for long', () => {
    const rate = new BucketRate()
    rate.at(0, 0)
    expect(rate.at(10_000, 10_000)).toBe(1_000)
  })
})
