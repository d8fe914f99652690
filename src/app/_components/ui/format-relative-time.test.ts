import { expect, test } from 'vitest'
import { formatRelativeTime } from './format-relative-time.ts'

const now = new Date(2026, 10, 21, 12).getTime()

test.each([
  [1_000, 'just now'],
  [42_000, '42 s ago'],
  [180_000, '3 min ago'],
  [7_200_000, '2 h ago'],
  [4 * 86_400_000, '4 d ago'],
  [-7_200_000, 'in 2 h'],
])('%d ms before now are "%s"', (distance, text) => {
  expect(formatRelativeTime(now - distance, now)).toBe(text)
})

test('what is more than 30 days away is a date', () => {
  expect(formatRelativeTime(new Date(2026, 2, 5, 9).getTime(), now)).toBe('5 Mar 2026')
})
