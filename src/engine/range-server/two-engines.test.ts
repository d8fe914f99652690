import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createPlainCache, type PlainShared } from '../slice/testing/plain-cache.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { firstly } from '../testing/hostile-behaviour.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

const SIZE = 12 * SLICE
const open: RangeFixture[] = []
afterEach(async () => {
  for (const fixture of open.splice(0).reverse()) await fixture.close()
})

/** Two engines in front of the origin of the first one, with a tier they share. */
async function startTwo(): Promise<[RangeFixture, RangeFixture]> {
  const shared: PlainShared = { slices: new Map(), leases: new Map() }
  const first = await openRangeFixture({ cache: createPlainCache({ shared }) })
  const origin = { baseUrl: first.hostile.origin }
  const second = await openRangeFixture({ cache: createPlainCache({ shared }), origin })
  open.push(first, second)
  return [first, second]
}

const fetched = (fixtures: readonly RangeFixture[]) =>
  fixtures.reduce((sum, fixture) => sum + fixture.figures().counters.originBytes, 0)

test('a slice is fetched once between two engines, whoever asks first', async () => {
  const [first, second] = await startTwo()
  first.serve('/a', { sizeBytes: SIZE, headDelayMs: 10 })
  const answers = await Promise.all([first.get('/a'), second.get('/a'), first.get('/a'), second.get('/a')])
  for (const { body } of answers) expect(body.equals(patternBytes(0, SIZE))).toBe(true)
  expect(fetched([first, second])).toBe(SIZE)
})

test('when the reader of the engine that fetches goes away, the other engine takes over', async () => {
  const [first, second] = await startTwo()
  first.serve('/a', firstly(1, { sizeBytes: SIZE, breakAfterBytes: 100, breakBy: 'stall' }, { sizeBytes: SIZE }))
  const leaving = first.get('/a').catch(() => null)
  while (fetched([first]) < 100) await delay(2)
  const staying = second.get('/a')
  // It has asked what the file is, and leaves the slices to the engine that has the right to fetch them.
  await first.hostile.until(() => first.hostile.requests('/a').length === 2)
  first.drop()
  expect((await staying).body.equals(patternBytes(0, SIZE))).toBe(true)
  await leaving
})
