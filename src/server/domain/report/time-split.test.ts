import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { START_MS, sampleOf, samplesOf, transferOf } from './testing/recorded-report.ts'
import { limitVerdict, splitTime, TIME_KINDS } from './time-split.ts'

const kinds = (split: { ms: Record<string, number> }) =>
  Object.fromEntries(Object.entries(split.ms).filter(([, ms]) => ms > 0.5))

describe('where the time of a run went', () => {
  it('is the start, the source, and the finish of a run that nothing held up', () => {
    const split = splitTime(transferOf(), samplesOf(3, 8), 1000)
    expect(kinds(split)).toEqual({ start: 2000, source: 6000, finish: 2000 })
    expect(limitVerdict(split)).toEqual({ kind: 'source', share: 1 })
  })

  it('is shared out as the engine measured it', () => {
    const samples = [...samplesOf(1, 4, { bucketLimitMs: 1000 }), ...samplesOf(5, 10, { rateLimitMs: 500 })]
    const split = splitTime(transferOf(), samples, 1000)
    expect(kinds(split)).toEqual({ bucket: 4000, rate: 3000, source: 3000 })
    expect(limitVerdict(split)).toMatchObject({ kind: 'mixed', first: { kind: 'bucket', share: 0.4 } })
  })

  it('stood still in a hole between samples, and in the part of a long step that nobody sampled', () => {
    const holes = splitTime(transferOf(), [...samplesOf(1, 3), ...samplesOf(8, 10)], 1000)
    expect(kinds(holes)).toEqual({ source: 6000, still: 4000 })
    const long = transferOf({ finishedAt: new Date(START_MS + 30_000) })
    const steps = [sampleOf(1), sampleOf(11, { measuredMs: 4000 }), sampleOf(21)]
    const split = splitTime(
      long,
      steps.map((step, index) => (index === 1 ? step : { ...step, measuredMs: 10_000 })),
      10_000,
    )
    expect(kinds(split)).toEqual({ source: 24_000, still: 6000 })
  })

  it('is the start before a first step that was sampled in part, and the finish after a last one', () => {
    const steps = [sampleOf(1, { measuredMs: 7000 }), sampleOf(11, { measuredMs: 8000 })]
    const split = splitTime(transferOf({ finishedAt: new Date(START_MS + 20_000) }), steps, 10_000)
    expect(kinds(split)).toEqual({ start: 3000, source: 15_000, finish: 2000 })
  })

  it('stood still at the end of what failed later, and goes no further than the last sample of what is paused', () => {
    const failed = transferOf({ status: 'failed' })
    expect(kinds(splitTime(failed, samplesOf(1, 4), 1000))).toEqual({ source: 4000, still: 6000 })
    const paused = transferOf({ status: 'paused', finishedAt: null })
    expect(kinds(splitTime(paused, samplesOf(1, 4), 1000))).toEqual({ source: 4000 })
  })

  it('is the finish while the source is read again: all parts are there, and nothing goes to the bucket', () => {
    const again = samplesOf(5, 9, { bucketBytes: 0, uploadLanes: 0, rateLimitMs: 1000 })
    const samples = [...samplesOf(1, 4), ...again]
    expect(kinds(splitTime(transferOf(), samples, 1000))).toEqual({ source: 4000, finish: 6000 })
    // Before all parts are there, the bucket has nothing because nothing came.
    const running = transferOf({ status: 'running', finishedAt: null, partsDone: 4 })
    expect(kinds(splitTime(running, samples, 1000))).toEqual({ source: 4000, rate: 5000 })
    // The bucket is slow to answer: its lanes are still open.
    const waiting = [...samplesOf(1, 4), ...samplesOf(5, 9, { bucketBytes: 0, bucketLimitMs: 1000 })]
    expect(kinds(splitTime(transferOf(), waiting, 1000))).toEqual({ source: 4000, bucket: 5000, finish: 1000 })
  })

  it('is nothing before the start, and the start alone without a sample', () => {
    expect(splitTime(transferOf({ startedAt: null }), [], 1000).totalMs).toBe(0)
    const unsampled = splitTime(transferOf(), [], 1000)
    expect(kinds(unsampled)).toEqual({ start: 10_000 })
    expect(limitVerdict(unsampled)).toEqual({ kind: 'unsampled' })
  })

  it('says when nobody measured it, and when there was too little of it', () => {
    const unmeasured = samplesOf(1, 10, { bucketLimitMs: null })
    expect(limitVerdict(splitTime(transferOf(), unmeasured, 1000))).toEqual({ kind: 'unmeasured' })
    expect(limitVerdict(splitTime(transferOf(), samplesOf(1, 2), 1000))).toEqual({ kind: 'short' })
  })

  it('adds up to the run, whatever was sampled', () => {
    const sample = fc.record({
      second: fc.integer({ min: -3, max: 15 }),
      bucketLimitMs: fc.option(fc.integer({ min: 0, max: 1000 }), { nil: null }),
      memoryLimitMs: fc.integer({ min: 0, max: 1000 }),
      rateLimitMs: fc.integer({ min: 0, max: 1000 }),
      measuredMs: fc.integer({ min: 0, max: 5000 }),
    })
    fc.assert(
      fc.property(fc.array(sample), fc.constantFrom(1000, 2000, 5000), (given, stepMs) => {
        const seconds = [...new Map(given.map((one) => [one.second, one])).values()].sort((a, b) => a.second - b.second)
        const samples = seconds.map(({ second, ...over }) => sampleOf(second, over))
        const split = splitTime(transferOf(), samples, stepMs)
        expect(split.totalMs).toBeCloseTo(10_000, 3)
        expect(TIME_KINDS.every((kind) => split.ms[kind] >= -0.001)).toBe(true)
      }),
    )
  })
})
