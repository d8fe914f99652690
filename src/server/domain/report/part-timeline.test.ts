import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partTimeline } from './part-timeline.ts'
import { partOf } from './testing/recorded-report.ts'

describe('the timeline of parts', () => {
  it('puts each part into the first lane of its engine that is free', () => {
    const { lanes, lengthMs, isAggregated } = partTimeline([
      partOf(1, 0, 100),
      partOf(2, 50, 200),
      partOf(3, 120, 300, { retries: 1 }),
      partOf(4, 60, 90, { engineId: 'b' }),
    ])
    expect(lanes.map(({ engineId, bars }) => [engineId, ...bars.map((bar) => bar.firstPart)])).toEqual([
      ['a', 1, 3],
      ['a', 2],
      ['b', 4],
    ])
    expect(lanes[0]?.bars[1]).toMatchObject({ startMs: 120, endMs: 300, retries: 1, parts: 1 })
    expect({ lengthMs, isAggregated }).toEqual({ lengthMs: 300, isAggregated: false })
  })

  it('is empty without parts', () => {
    expect(partTimeline([])).toMatchObject({ lanes: [], lengthMs: 0, parts: 0 })
  })

  it('has a bounded number of bars for 10,000 parts, and loses none of them', () => {
    const parts = Array.from({ length: 10_000 }, (_, index) =>
      partOf(index + 1, Math.floor(index / 10) * 100, Math.floor(index / 10) * 100 + 95, {
        retries: index % 50 === 0 ? 1 : 0,
      }),
    )
    const timeline = partTimeline(parts)
    const bars = timeline.lanes.flatMap((lane) => lane.bars)
    expect(timeline.isAggregated).toBe(true)
    expect(bars.length).toBeLessThanOrEqual(1600)
    expect(bars.reduce((sum, bar) => sum + bar.parts, 0)).toBe(10_000)
    expect(bars.reduce((sum, bar) => sum + bar.retries, 0)).toBe(200)
  })

  it('never draws two bars of a lane over each other, and keeps counts and bytes', () => {
    const part = fc.record({
      from: fc.integer({ min: 0, max: 5000 }),
      length: fc.integer({ min: 0, max: 900 }),
      engineId: fc.constantFrom('a', 'b', null),
    })
    fc.assert(
      fc.property(fc.array(part, { maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (given, mostBars) => {
        const parts = given.map(({ from, length, engineId }, index) =>
          partOf(index + 1, from, from + length, { engineId }),
        )
        const { lanes } = partTimeline(parts, mostBars)
        for (const { bars } of lanes)
          for (const [index, bar] of bars.entries())
            expect(bar.startMs).toBeGreaterThanOrEqual(bars[index - 1]?.endMs ?? 0)
        const bars = lanes.flatMap((lane) => lane.bars)
        expect(bars.reduce((sum, bar) => sum + bar.parts, 0)).toBe(parts.length)
        expect(bars.reduce((sum, bar) => sum + bar.sizeBytes, 0)).toBe(
          parts.reduce((sum, one) => sum + one.sizeBytes, 0),
        )
      }),
    )
  })
})
