import { expect, test, vi } from 'vitest'
import { EngineBandwidth } from './engine-bandwidth.ts'
import { keepsPace, type PacedRun, placeWithin } from './keep-pace.ts'
import { RateLimiter } from './rate-limiter.ts'

function pacedRun(bandwidth: EngineBandwidth): PacedRun {
  return {
    limiter: new RateLimiter(),
    bandwidth,
    share: bandwidth.share(),
    origin: { heldBack: vi.fn() } as unknown as PacedRun['origin'],
    meter: { heldToRate: vi.fn() } as unknown as PacedRun['meter'],
    signal: new AbortController().signal,
  }
}

test('a lane whose turn comes while it asks is woken after it was told to stop', async () => {
  // Time passes between the two looks at the clock, and pays off what was missing.
  let nowMs = 0
  const bandwidth = new EngineBandwidth(1_000, () => nowMs++)
  const { promise, resolve } = Promise.withResolvers<void>()
  const resume = vi.fn(resolve)
  expect(keepsPace(pacedRun(bandwidth), 3, resume)).toBe(false)
  expect(resume).not.toHaveBeenCalled()
  await promise
  expect(resume).toHaveBeenCalledTimes(1)
})

test('a lane that is held is woken once, when its bytes are paid', async () => {
  const bandwidth = new EngineBandwidth(1_000_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  const resume = vi.fn(resolve)
  expect(keepsPace(pacedRun(bandwidth), 20_000, resume)).toBe(false)
  expect(resume).not.toHaveBeenCalled()
  await promise
  expect(resume).toHaveBeenCalledTimes(1)
})

test('one read brings half a second of the lower limit at most, and no less than is worth a read', () => {
  const place = new Uint8Array(1024 * 1024)
  const limiter = new RateLimiter()
  const limited = (ofEngine: number | null) => placeWithin({ limiter, bandwidth: new EngineBandwidth(ofEngine) }, place)
  expect(limited(null)).toBe(place)
  expect(limited(400_000)?.length).toBe(200_000)
  limiter.setLimit(300_000)
  expect([limited(null)?.length, limited(400_000)?.length, limited(10_000)?.length]).toEqual([150_000, 150_000, 65_536])
  expect(placeWithin({ limiter, bandwidth: new EngineBandwidth() }, null)).toBeNull()
})
