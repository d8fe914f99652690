import { expect, test } from 'vitest'
import { median, spread } from './statistics.ts'

test('the median is the middle value, whatever the order', () => {
  expect(median([9, 1, 5])).toBe(5)
})

test('the median of an even number is the mean of the two in the middle', () => {
  expect(median([10, 2, 4, 100])).toBe(7)
})

test('nothing has no median and no spread', () => {
  expect(median([])).toBeNull()
  expect(spread([])).toBeNull()
})

test('the spread is half the distance of the extremes, as a share of the median', () => {
  expect(spread([8, 10, 14])).toBeCloseTo(0.3)
  expect(spread([7])).toBe(0)
})
