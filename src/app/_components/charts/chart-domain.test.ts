import { describe, expect, it } from 'vitest'
import { GIB, MIB } from '../../../server/domain/bytes.ts'
import { formatElapsed, formatElapsedTick, nearestPoint, rateScale, timeTicks, zoomWindow } from './chart-domain.ts'

const point = (at: number) => ({ at, sourceBytesPerSecond: at, bucketBytesPerSecond: 0 })

describe('rateScale', () => {
  it('has round ticks of one binary unit that reach above the largest rate', () => {
    const scale = rateScale(412.6 * MIB)
    expect(scale.ticks.map(scale.label)).toEqual(['0', '200 MiB/s', '400 MiB/s', '600 MiB/s'])
    expect(scale.maxBytesPerSecond).toBe(600 * MIB)
  })

  it('shows quarters just above a unit, where whole steps would leave the plot empty', () => {
    const scale = rateScale(1.1 * GIB, 6)
    expect(scale.ticks.map(scale.label)).toEqual([
      '0',
      '0.25 GiB/s',
      '0.50 GiB/s',
      '0.75 GiB/s',
      '1.00 GiB/s',
      '1.25 GiB/s',
    ])
  })

  it('never has more ticks than asked for, at any rate', () => {
    for (let rate = 1; rate < 2 ** 44; rate *= 1.7) {
      const scale = rateScale(rate)
      expect(scale.ticks.length).toBeLessThanOrEqual(5)
      expect(scale.maxBytesPerSecond).toBeGreaterThanOrEqual(rate)
    }
  })

  it('still has a scale where nothing moves, in whole bytes', () => {
    expect(rateScale(0).ticks.map(rateScale(0).label)).toEqual(['0', '25 B/s', '50 B/s', '75 B/s', '100 B/s'])
  })

  it('has labels that fit beside the plot, at any rate', () => {
    // PLOT_MARGIN has room for ten characters.
    for (let rate = 1; rate < 2 ** 44; rate *= 1.07) {
      const { ticks, label } = rateScale(rate)
      expect(Math.max(...ticks.map((tick) => label(tick).length))).toBeLessThanOrEqual(10)
    }
  })
})

describe('timeTicks', () => {
  it('counts round steps from the origin, not from the edge of the window', () => {
    expect(timeTicks({ from: 1_003_000, to: 1_033_000 }, 1_000_000, 6)).toEqual([
      1_005_000, 1_010_000, 1_015_000, 1_020_000, 1_025_000, 1_030_000,
    ])
  })

  it('has one tick where the window has no length', () => {
    expect(timeTicks({ from: 5, to: 5 }, 0, 6)).toEqual([5])
  })

  it('keeps to the most ticks from a second to a month', () => {
    for (let length = 1000; length < 30 * 86_400_000; length *= 1.9)
      expect(timeTicks({ from: 0, to: length }, 0, 5).length).toBeLessThanOrEqual(6)
  })
})

describe('formatElapsed', () => {
  it('grows with the time', () => {
    expect([0, 11_000, 245_000, 3_723_000, 183_845_000].map(formatElapsed)).toEqual([
      '0:00',
      '0:11',
      '4:05',
      '1:02:03',
      '2 d 03:04:05',
    ])
  })
})

describe('formatElapsedTick', () => {
  it('is a stopwatch under a day and whole hours above', () => {
    expect(formatElapsedTick(3_723_000, 7_200_000)).toBe('1:02:03')
    expect([0, 6, 24, 30].map((hours) => formatElapsedTick(hours * 3_600_000, 172_800_000))).toEqual([
      '0 h',
      '6 h',
      '1 d',
      '1 d 6 h',
    ])
  })
})

describe('nearestPoint', () => {
  it('finds the nearer neighbour', () => {
    const points = [point(0), point(10), point(20)]
    expect([-5, 4, 6, 14, 99].map((at) => nearestPoint(points, at)?.at)).toEqual([0, 0, 10, 10, 20])
  })

  it('finds nothing among nothing', () => {
    expect(nearestPoint([], 1)).toBeNull()
  })
})

describe('zoomWindow', () => {
  it('takes a drag in either direction and keeps it inside the data', () => {
    expect(zoomWindow(9000, -4000, { from: 0, to: 60_000 })).toEqual({ from: 0, to: 9000 })
  })

  it('takes a click for a click', () => {
    expect(zoomWindow(9000, 9100, { from: 0, to: 60_000 })).toBeNull()
  })
})
