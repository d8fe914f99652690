import { describe, expect, it } from 'vitest'
import { MIB } from '../../../server/domain/bytes.ts'
import { sampleOf, samplesOf } from '../../../server/domain/report/testing/recorded-report.ts'
import { coarserSamples } from './coarser-samples.ts'

describe('the table beside a curve', () => {
  it('has the samples themselves while they are few', () => {
    const { rows, rowMs } = coarserSamples(samplesOf(1, 5), 1000, 24)
    expect(rows.map(({ atMs }) => atMs)).toEqual([0, 1000, 2000, 3000, 4000])
    expect(rowMs).toBe(1000)
  })

  it('adds up bytes and retries of longer rows, and loses none', () => {
    const samples = samplesOf(1, 100, { retries: 1 })
    const { rows, rowMs } = coarserSamples(samples, 1000, 24)
    expect(rows.length).toBeLessThanOrEqual(24)
    expect(rowMs).toBe(5000)
    expect(rows.reduce((sum, row) => sum + row.bucketBytes, 0)).toBe(100 * 100 * MIB)
    expect(rows.reduce((sum, row) => sum + row.retries, 0)).toBe(100)
  })

  it('leaves out what was not sampled, and is empty without samples', () => {
    expect(coarserSamples([sampleOf(1), sampleOf(9)], 1000, 24).rows).toHaveLength(2)
    expect(coarserSamples([], 1000, 24).rows).toEqual([])
  })
})
