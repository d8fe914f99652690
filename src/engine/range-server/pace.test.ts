import { afterEach, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import type { HostileAnswer } from '../testing/hostile-behaviour.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

const SIZE = 6 * SLICE + 5

let fixture: RangeFixture
afterEach(() => fixture.close())

/** Lets nothing through before it is told to. */
function closedPace() {
  const waiting: (() => void)[] = []
  let bytes = 0
  let isOpen = false
  return {
    pace(count: number, resume: () => void) {
      bytes += count
      if (isOpen) return true
      waiting.push(resume)
      return false
    },
    get bytes() {
      return bytes
    },
    open() {
      isOpen = true
      for (const resume of waiting.splice(0)) resume()
    },
  }
}

test.each<[string, HostileAnswer]>([
  ['by ranges', {}],
  ['as one stream', { ranges: 'ignored' }],
  ['of unknown length', { ranges: 'ignored', length: 'chunked' }],
])('what comes from an origin %s stands still at the limit, is not asked for twice, and goes on', async (_, answer) => {
  const limit = closedPace()
  const waitLimitMs = 200
  fixture = await openRangeFixture({ settings: { waitLimitMs }, pace: limit.pace })
  fixture.serve('/a', { sizeBytes: SIZE, ...answer })
  const reading = fixture.get('/a')
  while (limit.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  // Longer than a silent connection would be waited for.
  await new Promise((resolve) => setTimeout(resolve, 2 * waitLimitMs))
  expect(limit.bytes).toBeLessThan(SIZE)
  expect(fixture.figures().counters.fallbacks).toBe(0)
  limit.open()
  expect((await reading).body.equals(patternBytes(0, SIZE))).toBe(true)
  expect(limit.bytes).toBeGreaterThanOrEqual(SIZE)
})
