import { expect, test } from 'vitest'
import { hitBars } from './hit-bars.ts'

const step = (hits: number, misses: number) => ({
  at: new Date(0),
  hits,
  misses,
  hitBytes: 0,
  storedBytes: 0,
  evictions: 0,
})

test('all bars have one scale, and a single miss can be seen beside thousands of hits', () => {
  const bars = hitBars({ stepMs: 60_000, steps: [step(9_999, 1), step(5_000, 0), step(0, 0)] })
  expect(bars.map(({ hitHeight, missHeight }) => [hitHeight, missHeight])).toEqual([
    [0.9999, 0.02],
    [0.5, 0],
    [0, 0],
  ])
})

test('an hour without a request has no bars, and no division by zero', () => {
  expect(hitBars({ stepMs: 60_000, steps: [step(0, 0)] })).toMatchObject([{ hitHeight: 0, missHeight: 0 }])
})
