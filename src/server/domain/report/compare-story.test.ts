import { describe, expect, it } from 'vitest'
import { MIB } from '../bytes.ts'
import type { ComparedRun } from '../report.ts'
import { compareRows } from './compare-rows.ts'
import { compareSentences } from './compare-story.ts'
import { reportFindings } from './report-findings.ts'
import { reportOf, START_MS, samplesOf, transferOf } from './testing/recorded-report.ts'

/** A run of 1,000 MiB in so many seconds. */
function runOf(seconds: number, over: Parameters<typeof transferOf>[0] = {}, limits = {}): ComparedRun {
  const report = reportOf({
    transfer: transferOf({ finishedAt: new Date(START_MS + seconds * 1000), ...over }),
    samples: samplesOf(1, seconds, limits),
  })
  return { ...report, ...reportFindings(report), curve: [] }
}

describe('what differs between two runs', () => {
  it.each([
    [10, 4, 'B was 2.50 times as fast as A: 250.0 MiB/s against 100.0 MiB/s.'],
    [10, 8, 'B was 25 % faster than A: 125.0 MiB/s against 100.0 MiB/s.'],
    [10, 20, 'B was 50 % slower than A: 50.0 MiB/s against 100.0 MiB/s.'],
    [10, 10, 'B was as fast as A: 100.0 MiB/s against 100.0 MiB/s.'],
  ])('is led by the speed: %i s and %i s', (a, b, sentence) => {
    expect(compareSentences([runOf(a), runOf(b)])[0]).toBe(sentence)
  })

  it('goes on with who was slow, with lanes and plan, and with what makes them hard to compare', () => {
    const other = { metrics: { peakReadLanes: 4 }, sourceHost: 'mirror.example.org', sizeBytes: 500 * MIB }
    expect(compareSentences([runOf(10), runOf(10, other, { bucketLimitMs: 1000 })]).slice(1)).toEqual([
      'A waited most for the source (100 %); B waited most for the bucket (100 %).',
      'What else differs: read lanes 12 in A, 4 in B.',
      'They have different sources. The files differ in size, so rates say more than times.',
    ])
    expect(compareSentences([runOf(10), runOf(4)])).toContain('Both waited most for the source.')
  })

  it('says what did not end and what moved nothing', () => {
    const failed = runOf(10, { status: 'failed', transferredBytes: 0 })
    expect(compareSentences([runOf(10), failed])[0]).toBe(
      'B moved nothing, so there is nothing to compare with the 100.0 MiB/s of A.',
    )
    expect(compareSentences([runOf(10), failed]).at(-1)).toContain('B did not come to the end.')
    expect(compareSentences([runOf(10)])[0]).toContain('One run alone')
  })
})

it('of several runs the fastest and the slowest are named', () => {
  expect(compareSentences([runOf(10), runOf(5), runOf(20)])[0]).toBe(
    'B was the fastest with 200.0 MiB/s, 4.00 times as fast as C with 50.0 MiB/s.',
  )
  expect(compareSentences([runOf(10), runOf(10), runOf(10)])[0]).toContain('All 3 were as fast as each other')
})

describe('the table of a comparison', () => {
  const rows = compareRows([
    runOf(10, { metrics: { partRetries: 0, activeMs: 10 } }),
    runOf(5, { metrics: { partRetries: 2, activeMs: 5 } }),
  ])
  const row = (name: string) => rows.find((one) => one.name === name)

  it('has the change against the first, and whether that is good', () => {
    expect(row('Average')?.changes).toEqual([null, { share: 1, verdict: 'better' }])
    expect(row('Took')?.changes[1]).toEqual({ share: -0.5, verdict: 'better' })
    expect(row('Most read lanes')?.changes[1]).toEqual({ share: 0, verdict: 'same' })
  })

  it('has no percentage of nothing', () => {
    expect(row('Parts sent again')).toMatchObject({ values: [0, 2], changes: [null, null] })
    expect(compareRows([runOf(10, { startedAt: null }), runOf(5)])[0]?.changes[1]).toBeNull()
  })
})
