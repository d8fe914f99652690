import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GIB, MIB, TIB } from '../../server/domain/bytes.ts'
import { dialectByName } from '../upload/s3-dialects.ts'
import { partRange, partsPerClaim, planParts } from './part-plan.ts'

const auto = { acceptsRanges: true, sizing: 'auto', wantedPartSizeBytes: null, uploadLanes: 10 } as const

describe('planParts', () => {
  it('gives a 138 MB file 17 parts and not two, so that every lane has work', () => {
    expect(planParts({ ...auto, sizeBytes: 138_000_000 })).toEqual({ partSizeBytes: 8 * MIB, partsTotal: 17 })
  })

  it('follows the table policy at its bounds', () => {
    const size = (sizeBytes: number) => planParts({ ...auto, sizing: 'table', sizeBytes }).partSizeBytes
    expect(size(10 * GIB - 1)).toBe(100 * MIB)
    expect(size(10 * GIB)).toBe(250 * MIB)
    expect(size(100 * GIB)).toBe(250 * MIB)
    expect(size(100 * GIB + 1)).toBe(500 * MIB)
  })

  it('rounds a wanted size up to whole slices and to more than the least S3 takes', () => {
    expect(planParts({ ...auto, sizeBytes: GIB, wantedPartSizeBytes: 5 * MIB }).partSizeBytes).toBe(6 * MIB)
    expect(planParts({ ...auto, sizeBytes: GIB, wantedPartSizeBytes: 7 * MIB }).partSizeBytes).toBe(8 * MIB)
  })

  it('raises a wanted size that would need more than 10,000 parts', () => {
    const plan = planParts({ ...auto, sizeBytes: TIB, wantedPartSizeBytes: 8 * MIB })
    expect(plan.partsTotal).toBeLessThanOrEqual(10_000)
  })

  it('correctness 30: takes 64 MiB where the size is not known, and counts no parts', () => {
    expect(planParts({ ...auto, acceptsRanges: false, sizeBytes: null })).toEqual({
      partSizeBytes: 64 * MIB,
      partsTotal: null,
    })
  })

  it('correctness 32: keeps to what the store takes where that is less than S3', () => {
    const b2 = dialectByName('b2').parts
    const plan = planParts({ ...auto, rules: b2, sizeBytes: 9 * TIB, wantedPartSizeBytes: 5 * GIB })
    expect(plan.partSizeBytes).toBeLessThanOrEqual(b2.maxBytes)
    expect(plan.partSizeBytes % (2 * MIB)).toBe(0)
    const r2 = dialectByName('r2').parts
    expect(() => planParts({ ...auto, rules: r2, sizeBytes: 5 * TIB })).toThrow(/at most 4\.99/)
    expect(() => planParts({ ...auto, rules: dialectByName('gcs').parts, sizeBytes: 6 * TIB })).toThrow('5.00 TiB')
  })

  it('refuses a file that no object can hold', () => {
    expect(() => planParts({ ...auto, sizeBytes: 49 * TIB })).toThrow('48.8 TiB')
  })

  it('correctness 31: always covers the file exactly, in parts that S3 takes and R2 too: all but the last are equal', () => {
    const sizes = fc.integer({ min: 0, max: 48 * TIB })
    const lanes = fc.integer({ min: 1, max: 20 })
    fc.assert(
      fc.property(
        sizes,
        lanes,
        fc.boolean(),
        fc.constantFrom('auto', 'table'),
        (sizeBytes, uploadLanes, acceptsRanges, sizing) => {
          const plan = planParts({ sizeBytes, uploadLanes, acceptsRanges, sizing, wantedPartSizeBytes: null })
          const total = plan.partsTotal ?? 0
          expect(total).toBeGreaterThanOrEqual(1)
          expect(total).toBeLessThanOrEqual(10_000)
          expect(plan.partSizeBytes % (2 * MIB)).toBe(0)
          expect(plan.partSizeBytes).toBeGreaterThanOrEqual(6 * MIB)
          expect(plan.partSizeBytes).toBeLessThanOrEqual(5 * GIB)
          expect(partRange(total, plan.partSizeBytes, sizeBytes).endByte).toBe(sizeBytes)
          expect(partRange(total, plan.partSizeBytes, sizeBytes).startByte).toBeLessThan(Math.max(1, sizeBytes))
        },
      ),
    )
  })
})

describe('partsPerClaim', () => {
  it('keeps claims few for big files and single parts apart for small ones', () => {
    expect([1, 32, 640, 10_000].map(partsPerClaim)).toEqual([1, 1, 10, 16])
  })
})
