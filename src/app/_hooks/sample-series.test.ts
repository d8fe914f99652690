import { describe, expect, it } from 'vitest'
import { addSample, retryMarks, seriesFromWindow, seriesPoints } from './sample-series.ts'

const sample = (atMs: number, bytes: number, retries = 0) => ({
  at: new Date(atMs),
  sourceBytes: bytes,
  bucketBytes: bytes,
  cacheBytes: 0,
  bufferedBytes: 0,
  readLanes: 4,
  uploadLanes: 4,
  retries,
})
const window = { samples: [sample(1000, 10), sample(2000, 20)], stepMs: 1000, lastEventId: '7' }
const rates = (series: Parameters<typeof seriesPoints>[0]) =>
  seriesPoints(series).map((point) => [point.at, point.bucketBytesPerSecond])

describe('a series of samples', () => {
  it('goes on where the window ended', () => {
    expect(rates(addSample(seriesFromWindow(window), '8', sample(3010, 30)))).toEqual([
      [1000, 10],
      [2000, 20],
      [3000, 30],
    ])
  })

  it('counts no sample twice when a reconnect repeats it', () => {
    const once = addSample(seriesFromWindow(window), '8', sample(3000, 30))
    expect(addSample(once, '8', sample(3000, 30))).toBe(once)
    expect(addSample(once, '7', sample(2000, 20))).toBe(once)
  })

  it('adds up engines that sampled the same second', () => {
    const first = addSample(seriesFromWindow(window), '8', sample(3100, 30))
    expect(rates(addSample(first, '9', sample(3400, 5))).at(-1)).toEqual([3000, 35])
  })

  it('measures the newest long step by the time that has passed of it', () => {
    const long = seriesFromWindow({ samples: [sample(0, 600)], stepMs: 60_000, lastEventId: '1' })
    const next = addSample(addSample(long, '2', sample(60_000, 10)), '3', sample(61_000, 10))
    expect(rates(next)).toEqual([
      [0, 10],
      [60_000, 10],
    ])
  })

  it('marks the steps in which something was tried again', () => {
    const series = addSample(seriesFromWindow(window), '8', sample(3000, 1, 2))
    expect(retryMarks(series)).toEqual([{ at: 3000, kind: 'retry', label: '2 retries' }])
  })
})
