import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sliceBytes, sliceCount, slicesOf } from './slice-plan.ts'
import { type ReadPattern, type SpanSituation, slicesAhead, spanLength } from './span-plan.ts'

const MIB = 1024 * 1024
const idle: SpanSituation = {
  sliceSizeBytes: MIB,
  activeSpans: 0,
  maxSpans: 4,
  maxSlices: 8,
  firstByteMs: 0,
  laneBytesPerSecond: 0,
}

describe('how many slices one request is for (C1)', () => {
  test.each<[string, number, Partial<SpanSituation>, number]>([
    ['one', 1, {}, 1],
    ['a few adjacent ones are one request', 4, {}, 4],
    ['many are shared out among the requests there may be', 16, {}, 4],
    ['the last of them', 4, { activeSpans: 3 }, 4],
    ['very many: no more than a request may have', 100, {}, 8],
    ['small slices: more of them', 16, { sliceSizeBytes: MIB / 2 }, 8],
    ['answers that begin late: longer requests (C8)', 16, { firstByteMs: 200, laneBytesPerSecond: 20 * MIB }, 8],
  ])('%s', (_, adjacent, changes, length) => {
    expect(spanLength(adjacent, { ...idle, ...changes })).toBe(length)
  })

  test('never none, never more than there are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.nat(20),
        fc.integer({ min: 1, max: 16 }),
        fc.nat(5000),
        (adjacent, activeSpans, maxSlices, firstByteMs) => {
          const length = spanLength(adjacent, { ...idle, activeSpans, maxSlices, firstByteMs, laneBytesPerSecond: 1e8 })
          expect(length).toBeGreaterThanOrEqual(1)
          expect(length).toBeLessThanOrEqual(Math.min(adjacent, maxSlices))
        },
      ),
    )
  })
})

const reading: ReadPattern = {
  slicesLeft: 1000,
  slicesTaken: 0,
  isBounded: false,
  prefetchSlices: 3,
  sliceSizeBytes: MIB,
}

describe('how far ahead is fetched (B7, C8)', () => {
  test.each<[string, Partial<ReadPattern>, number]>([
    ['an open end: the setting', {}, 3],
    ['as the reader goes on: more', { slicesTaken: 4 }, 6],
    ['and more', { slicesTaken: 12 }, 24],
    ['but never beyond 32 MiB', { slicesTaken: 400 }, 32],
    ['a named end: 16 MiB at once', { isBounded: true }, 15],
    ['never beyond what is wanted', { isBounded: true, slicesLeft: 3 }, 2],
    ['the last slice: nothing', { slicesLeft: 1 }, 0],
    ['switched off', { prefetchSlices: 0, isBounded: true }, 0],
  ])('%s', (_, changes, count) => {
    expect(slicesAhead({ ...reading, ...changes })).toBe(count)
  })
})

test('slices cover a file without a gap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 999 }), (sizeBytes, sliceSizeBytes) => {
      let covered = 0
      for (let index = 0; index < sliceCount(sizeBytes, sliceSizeBytes); index++) {
        const { startByte, endByte } = sliceBytes(index, sizeBytes, sliceSizeBytes)
        expect(startByte).toBe(covered)
        expect(slicesOf(startByte, endByte, sliceSizeBytes)).toEqual({ firstIndex: index, endIndex: index + 1 })
        covered = endByte
      }
      expect(covered).toBe(sizeBytes)
    }),
  )
})
