import { describe, expect, it } from 'vitest'
import { MIB } from '../../../server/domain/bytes.ts'
import {
  chartSummary,
  clusterMarks,
  fillHoles,
  largestRate,
  pointsInWindow,
  pointsOfEnded,
  steadyBucket,
  stepOf,
  thinPoints,
} from './chart-points.ts'

const at = (seconds: number, bucket = 100 * MIB) => ({
  at: seconds * 1000,
  sourceBytesPerSecond: bucket,
  bucketBytesPerSecond: bucket,
  cacheBytesPerSecond: 0,
})
const run = (count: number) => Array.from({ length: count }, (_, index) => at(index, index * MIB))

describe('stepOf', () => {
  it('is not misled by a pause', () => {
    expect(stepOf([at(0), at(1), at(2), at(900), at(901)])).toBe(1000)
  })
})

describe('pointsOfEnded', () => {
  it('is nothing where no byte moved, however long it tried', () => {
    expect(pointsOfEnded([at(0, 0), at(1, 0), at(2, 0)])).toEqual([])
  })

  it('is all of it where some did, from wherever', () => {
    for (const moved of ['sourceBytesPerSecond', 'bucketBytesPerSecond', 'cacheBytesPerSecond']) {
      const points = [at(0, 0), { ...at(1, 0), [moved]: 1 }]
      expect(pointsOfEnded(points)).toBe(points)
    }
  })
})

describe('fillHoles', () => {
  it('says that nothing moved during a pause', () => {
    const filled = fillHoles([at(0), at(1), at(2), at(60), at(61)])
    expect(filled.map((point) => [point.at / 1000, point.bucketBytesPerSecond > 0])).toEqual([
      [0, true],
      [1, true],
      [2, true],
      [3, false],
      [59, false],
      [60, true],
      [61, true],
    ])
  })

  it('leaves a late sample alone', () => {
    expect(fillHoles([at(0), at(1), at(3), at(4)])).toHaveLength(4)
  })
})

describe('thinPoints', () => {
  it('keeps what was moved', () => {
    const points = run(5000)
    const thin = thinPoints(points, 600)
    expect(thin.length).toBeLessThanOrEqual(600)
    const mean = (list: typeof points) => list.reduce((sum, one) => sum + one.bucketBytesPerSecond, 0) / list.length
    expect(mean(thin as typeof points) / mean(points)).toBeCloseTo(1, 1)
  })

  it('does not change old points while new ones arrive', () => {
    const before = thinPoints(run(2000), 600)
    const after = thinPoints(run(2003), 600)
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1))
  })

  it('leaves few points as they are', () => {
    expect(thinPoints(run(600), 600)).toHaveLength(600)
  })
})

describe('pointsInWindow', () => {
  it('keeps one neighbour beyond each edge', () => {
    const inside = pointsInWindow(run(20), { from: 5500, to: 8500 })
    expect(inside.map((point) => point.at / 1000)).toEqual([5, 6, 7, 8, 9])
  })
})

describe('largestRate', () => {
  it('looks at every curve', () => {
    expect(largestRate([{ at: 0, sourceBytesPerSecond: 1, bucketBytesPerSecond: 2, cacheBytesPerSecond: 3 }])).toBe(3)
  })
})

describe('chartSummary', () => {
  it('tells average, peak and now', () => {
    expect(chartSummary([at(0, 100 * MIB), at(1, 300 * MIB), at(2, 200 * MIB)])).toBe(
      'Throughput over 0:02. To the bucket 200.0 MiB/s on average, at most 300.0 MiB/s after 0:01. ' +
        'Last from the source 200.0 MiB/s, to the bucket 200.0 MiB/s.',
    )
  })

  it('says so where there is nothing', () => {
    expect(chartSummary([])).toBe('No throughput has been recorded yet.')
  })
})

describe('clusterMarks', () => {
  it('joins marks of one kind that would cover each other', () => {
    const marks = [0, 1, 2, 50].map((time) => ({ at: time, kind: 'retry' as const, label: `r${time}` }))
    expect(clusterMarks(marks, 10).map((mark) => mark.label)).toEqual(['r0, and 2 more about then', 'r50'])
  })
})

describe('steadyBucket', () => {
  const run = (source: number[], bucket: number[]) =>
    steadyBucket(
      source.map((rate, second) => ({
        at: second * 1000,
        sourceBytesPerSecond: rate,
        bucketBytesPerSecond: bucket[second] ?? 0,
      })),
    )

  it('leaves a curve alone that follows the source', () => {
    const { points, steps } = run([10, 10, 10, 10], [8, 9, 12, 11])
    expect(steps).toBe(1)
    expect(points.map((point) => point.bucketBytesPerSecond)).toEqual([8, 9, 12, 11])
  })

  it('turns bursts into the speed that is behind them', () => {
    const seconds = Array.from({ length: 60 }, (_, second) => second)
    const { points, steps } = run(
      seconds.map(() => 10),
      seconds.map((second) => (second % 5 === 4 ? 50 : 0)),
    )
    expect(steps).toBe(5)
    expect(points.slice(4).every((point) => point.bucketBytesPerSecond === 10)).toBe(true)
    expect(points.map((point) => point.sourceBytesPerSecond)).toEqual(seconds.map(() => 10))
  })

  it('has nothing to do without points or without a source', () => {
    expect(run([], [])).toEqual({ points: [], steps: 1 })
    expect(run([0, 0, 0], [0, 5, 0]).steps).toBe(1)
  })
})
