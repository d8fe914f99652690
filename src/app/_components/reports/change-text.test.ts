import { expect, it } from 'vitest'
import { changeText } from './change-text.ts'

it('a change has a direction that needs no colour, and no more digits than it is worth', () => {
  expect([1.53, -0.125, 0.0333, 0.0004, 0, 24].map((share) => changeText(share, 'rate'))).toEqual([
    '▲ 153 %',
    '▼ 13 %',
    '▲ 3.3 %',
    '=',
    '=',
    '▲ 25 ×',
  ])
  expect(changeText(-0.4, 'percent')).toBe('▼ 40 pp')
})
