import { describe, expect, it } from 'vitest'
import { curveAt, endLabels, normalised } from './compare-curves.ts'

const points = [
  [10, 5],
  [14, 7],
  [20, 9],
] as const

describe('curves of runs on one chart', () => {
  it('begin together, and where wanted end together', () => {
    expect(normalised(points, 'seconds')).toEqual([
      [0, 5],
      [4, 7],
      [10, 9],
    ])
    expect(normalised(points, 'share').map(([at]) => at)).toEqual([0, 0.4, 1])
    expect(normalised([[3, 1]], 'share')).toEqual([[0, 1]])
    expect(normalised([], 'share')).toEqual([])
  })

  it('fall to nothing where nothing was recorded', () => {
    const hole = [1, 2, 3, 9, 10].map((at) => [at, 5] as const)
    expect(normalised(hole, 'seconds')).toContainEqual([3, 0])
    expect(normalised(hole, 'seconds')).toContainEqual([7, 0])
  })

  it('are read at a moment, and not before or after', () => {
    expect([9, 10, 11, 14, 20, 21].map((at) => curveAt(points, at))).toEqual([null, 5, 5, 7, 9, null])
  })

  it('have letters at their ends that do not lie on each other', () => {
    const labels = endLabels(
      [
        { letter: 'A', points: [[10, 50]] },
        { letter: 'B', points: [[10, 51]] },
        { letter: 'C', points: [] },
      ],
      10,
      1,
      100,
    )
    expect(labels.map(({ letter }) => letter)).toEqual(['B', 'A'])
    expect((labels[1]?.y ?? 0) - (labels[0]?.y ?? 0)).toBeGreaterThanOrEqual(13)
  })
})
