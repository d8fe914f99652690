import { expect, test } from 'vitest'
import { countRuns, mapSpans, slicesTotal } from './slice-map-layout.ts'

const object = { sizeBytes: 1000, sliceSizeBytes: 64, memory: [], disk: [] }

test('an object has as many slices as its size needs, or as far as they are known', () => {
  expect(slicesTotal(object)).toBe(16)
  expect(slicesTotal({ ...object, sizeBytes: 0 })).toBe(0)
  expect(slicesTotal({ ...object, sizeBytes: null, memory: [[0, 2]], disk: [[7, 9]] })).toBe(9)
})

test('runs lie on the map where their slices are in the file', () => {
  expect(
    mapSpans(
      [
        [0, 4],
        [8, 16],
      ],
      16,
    ),
  ).toEqual([
    { left: 0, width: 0.25 },
    { left: 0.5, width: 0.5 },
  ])
  expect(
    countRuns([
      [0, 4],
      [8, 16],
    ]),
  ).toBe(12)
})

test('a single slice of a huge file can be seen, also the last one', () => {
  const [first, last] = mapSpans(
    [
      [0, 1],
      [99_999, 100_000],
    ],
    100_000,
  )
  expect(first?.width).toBeGreaterThan(0.005)
  expect((last?.left ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual(1)
})
