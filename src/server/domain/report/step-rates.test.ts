import { expect, it } from 'vitest'
import { MIB } from '../bytes.ts'
import { stepRates } from './step-rates.ts'
import { sampleOf } from './testing/recorded-report.ts'

it('the first and the last step are measured by what was sampled of them, those between by their length', () => {
  const part = { measuredMs: 2000, sourceBytes: 200 * MIB, bucketBytes: 100 * MIB }
  const rates = stepRates([sampleOf(0, part), sampleOf(10, part), sampleOf(20, part)], 10_000)
  expect(rates.map(({ source }) => source / MIB)).toEqual([100, 20, 100])
  expect(rates.map(({ bucket }) => bucket / MIB)).toEqual([50, 10, 50])
  expect(stepRates([sampleOf(0, { measuredMs: null })], 1000)[0]?.source).toBe(100 * MIB)
  expect(stepRates([], 1000)).toEqual([])
})
