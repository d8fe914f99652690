import { expect, test } from 'vitest'
import { hourPoints, peakBytesPerSecond } from './hour-points.ts'

const step = (atSeconds: number, bytes: number) => ({
  at: new Date(atSeconds * 1000),
  bucketBytes: bytes,
  sourceBytes: 2 * bytes,
})
const hour = (...lastHour: ReturnType<typeof step>[]) => ({ lastHour, lastHourStepMs: 30_000 })

test('a full step is its bytes by its seconds', () => {
  expect(hourPoints(hour(step(0, 300)), 60_000)).toEqual([
    { at: 0, sourceBytesPerSecond: 20, bucketBytesPerSecond: 10 },
  ])
})

test('the step that still fills is spread over the time it has lasted, so that the line does not drop at its end', () => {
  const points = hourPoints(hour(step(0, 300), step(30, 100)), 40_000)
  expect(points.at(-1)).toMatchObject({ bucketBytesPerSecond: 10 })
})

test('a step of less than 5 seconds is left out', () => {
  expect(hourPoints(hour(step(0, 300), step(30, 100)), 33_000)).toHaveLength(1)
})

test('the peak is the best step into buckets', () => {
  expect(peakBytesPerSecond(hourPoints(hour(step(0, 300), step(30, 900)), 90_000))).toBe(30)
  expect(peakBytesPerSecond([])).toBe(0)
})
