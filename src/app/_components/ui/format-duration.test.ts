import { expect, test } from 'vitest'
import { formatDuration } from './format-duration.ts'

test.each([
  [0, '0 s'],
  [0.04, '0.1 s'],
  [0.42, '0.4 s'],
  [0.99, '1 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [192, '3 min 12 s'],
  [3600, '1 h'],
  [7500, '2 h 5 min'],
  [90_000, '1 d 1 h'],
  [Number.POSITIVE_INFINITY, '–'],
  [-1, '–'],
])('%d seconds are written as "%s"', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text)
})
