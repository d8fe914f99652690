import { expect, test, vi } from 'vitest'
import { EngineBandwidth } from './engine-bandwidth.ts'
import { keepsPace, type PacedRun } from './keep-pace.ts'
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
