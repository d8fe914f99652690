import { expect, test, vi } from 'vitest'
import { Meter } from '../progress/meter.ts'
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
  const meter = new Meter()
  const limited = (ofEngine: number | null) =>
    placeWithin({ limiter, meter, bandwidth: new EngineBandwidth(ofEngine) }, place)
  expect(limited(null)).toBe(place)
  expect(limited(400_000)?.length).toBe(200_000)
  limiter.setLimit(300_000)
  expect([limited(null)?.length, limited(400_000)?.length, limited(10_000)?.length]).toEqual([150_000, 150_000, 16_384])
  expect(placeWithin({ limiter, meter, bandwidth: new EngineBandwidth() }, null)).toBeNull()
})

test('at the end of a slice a read is as short as any other, and copied', () => {
  const [limiter, meter, bandwidth] = [new RateLimiter(), new Meter(), new EngineBandwidth()]
  const endOfSlice = new Uint8Array(1024 * 1024).subarray(-1000)
  expect(placeWithin({ limiter, meter, bandwidth }, endOfSlice)).toBe(endOfSlice)
  limiter.setLimit(300_000)
  const place = placeWithin({ limiter, meter, bandwidth }, endOfSlice)
  expect(place?.length).toBe(16_384)
  expect(place?.buffer).not.toBe(endOfSlice.buffer)
})

test('lanes share what one read may bring, so that each has its turn within half a second', () => {
  const place = new Uint8Array(1024 * 1024)
  const [meter, limiter] = [new Meter(), new RateLimiter()]
  for (let lane = 0; lane < 5; lane++) meter.laneOpened('read')
  const bandwidth = new EngineBandwidth(2_000_000)
  const paced = { limiter, meter, bandwidth }
  expect(placeWithin(paced, place)?.length).toBe(200_000)
  limiter.setLimit(1_000_000)
  expect(placeWithin(paced, place)?.length).toBe(100_000)
  // Of the engine's limit the lanes of other transfers have a part, too.
  limiter.setLimit(null)
  bandwidth.take(bandwidth.share(), 10_000_000)
  for (let lane = 0; lane < 19; lane++) bandwidth.wait(bandwidth.share(), 1, () => {})
  expect(placeWithin(paced, place)?.length).toBe(50_000)
  bandwidth.setLimit(null)
})
