import { describe, expect, it } from 'vitest'
import { partTimeline } from '../../../server/domain/report/part-timeline.ts'
import { partOf } from '../../../server/domain/report/testing/recorded-report.ts'
import { barAt, layOutTimeline, neighbour, retryMarksOf } from './part-timeline-layout.ts'

const layout = layOutTimeline(
  partTimeline([
    partOf(1, 0, 100),
    partOf(2, 0, 50, { retries: 1 }),
    partOf(3, 60, 100, { retries: 2 }),
    partOf(4, 0, 100, { engineId: 'b' }),
  ]),
  100,
)

describe('the layout of the timeline', () => {
  it('stands the rows of an engine together and keeps bars at their times', () => {
    expect(layout.engines.map(({ engineId, rows }) => [engineId, rows])).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    expect(layout.bars.map(({ bar, x, width }) => [bar.firstPart, x, width])).toEqual([
      [1, 0, 99],
      [2, 0, 49],
      [3, 60, 39],
      [4, 0, 99],
    ])
  })

  it('finds the bar under the pointer, and nothing between bars', () => {
    const second = layout.bars[1]
    expect(barAt(layout, 10, (second?.y ?? 0) + 1)).toBe(1)
    expect(barAt(layout, 55, (second?.y ?? 0) + 1)).toBeNull()
    expect(barAt(layout, 10, 0)).toBeNull()
  })

  it('goes from bar to bar by keys, within the bars', () => {
    expect(neighbour(layout, 0, 'ArrowLeft')).toBe(0)
    expect(neighbour(layout, 1, 'ArrowRight')).toBe(2)
    expect(neighbour(layout, 0, 'ArrowDown')).toBe(1)
    expect(neighbour(layout, 2, 'ArrowUp')).toBe(0)
    expect(neighbour(layout, 0, 'End')).toBe(3)
  })

  it('marks retries, those that are near as one', () => {
    expect(retryMarksOf(layout)).toEqual([24.5, 79.5])
    expect(retryMarksOf(layout, 60)).toEqual([24.5])
  })

  it('stays within its height for hundreds of lanes', () => {
    const many = Array.from({ length: 320 }, (_, index) => partOf(index + 1, 0, 100))
    expect(layOutTimeline(partTimeline(many), 800).heightPx).toBeLessThan(1000)
  })
})
