import { describe, expect, it } from 'vitest'
import { MIB } from '../bytes.ts'
import type { RecordedReport } from './recorded-report.ts'
import { reportFindings } from './report-findings.ts'
import { percent } from './report-story.ts'
import { reportOf, START_MS, samplesOf, transferOf } from './testing/recorded-report.ts'

const story = (over: Partial<RecordedReport> = {}) => reportFindings(reportOf(over), START_MS + 5000).sentences

describe('the story of a run', () => {
  it('begins with the result and says who was slow', () => {
    expect(story()).toEqual([
      '0.98 GiB in 10.0 s, 100.0 MiB/s on average.',
      'The source was the limit 100 % of the time.',
    ])
  })

  it('says that more lanes did not pay only where they were searched for long enough', () => {
    const long = { transfer: transferOf({ finishedAt: new Date(START_MS + 40_000) }), samples: samplesOf(1, 40) }
    expect(story(long)[1]).toBe(
      'The source was the limit 100 % of the time; it was read with up to 12 lanes, and more did not pay.',
    )
    const { settings } = reportOf()
    const fixed = { ...settings, run: settings.run && { ...settings.run, readLanes: 12 } }
    expect(story({ ...long, settings: fixed })[1]).toContain('a number that you fixed')
    expect(story({ ...long, transfer: transferOf({ acceptsRanges: false }) })[1]).toContain('no ranges')
  })

  it('names the bucket with its pauses, and the limit that was asked for', () => {
    const transfer = transferOf({ metrics: { pauses: 42, pausedMs: 3100 } })
    expect(story({ transfer, samples: samplesOf(1, 10, { bucketLimitMs: 1000 }) })[1]).toBe(
      'The bucket was the limit 100 % of the time: bytes waited for it, and reading paused 42 times, 3.1 s in all.',
    )
    const limited = transferOf({ bandwidthLimitBytesPerSecond: 50 * MIB })
    expect(story({ transfer: limited, samples: samplesOf(1, 10, { rateLimitMs: 950 }) })[1]).toBe(
      'The bandwidth limit of 50.0 MiB/s held it back 95 % of the time.',
    )
  })

  it('says so where nobody can tell', () => {
    expect(story({ samples: [] })[1]).toContain('No samples')
    expect(story({ samples: samplesOf(1, 2) })[1]).toContain('too short')
    expect(story({ samples: samplesOf(1, 9, { bucketLimitMs: null }) })[1]).toContain('not measured')
    expect(story({ samples: [...samplesOf(1, 5), ...samplesOf(6, 10, { bucketLimitMs: 1000 })] })[1]).toBe(
      'Nobody was slow alone: the source held it up 50 % of the time, the bucket 50 %.',
    )
  })

  it.each([
    [
      'running',
      { etaSeconds: 4, transferredBytes: 500 * MIB },
      '500.0 MiB of 0.98 GiB so far in 5.0 s, 100.0 MiB/s on average; about 4 s left.',
    ],
    ['running', { transferredBytes: 0 }, 'It has begun; no byte has arrived yet.'],
    ['queued', { transferredBytes: 0, startedAt: null }, 'It has not begun yet.'],
    ['failed', { transferredBytes: 0 }, 'Failed; nothing is in the bucket.'],
    [
      'failed',
      { transferredBytes: 500 * MIB, finishedAt: new Date(START_MS + 10_000) },
      'Failed after 500.0 MiB of 0.98 GiB in 10.0 s, 50.0 MiB/s on average.',
    ],
    ['cancelled', { transferredBytes: 0 }, 'Cancelled; nothing is in the bucket.'],
    ['paused', { transferredBytes: 500 * MIB }, 'Paused at 500.0 MiB of 0.98 GiB.'],
    ['completed', { sizeBytes: 0, transferredBytes: 0 }, 'The file is empty: there was nothing to move.'],
  ] as const)('of one that is %s begins fittingly', (status, over, sentence) => {
    const transfer = transferOf({ finishedAt: null, ...over, status })
    expect(story({ transfer })[0]).toBe(sentence)
  })

  it.each([
    ['failed', 'Failed before the first byte arrived.'],
    ['cancelled', 'Cancelled before the first byte arrived.'],
  ] as const)('of one that is %s and moved nothing says so', (status, sentence) => {
    expect(story({ transfer: transferOf({ transferredBytes: 0, status }), samples: [] })[0]).toBe(sentence)
  })

  it('says how much the source was not asked for', () => {
    expect(story({ samples: samplesOf(1, 10, { sourceBytes: 60 * MIB, cacheBytes: 40 * MIB }) })).toContain(
      '400.0 MiB of it had been read already, by another transfer of the same file: the source was not asked again.',
    )
  })

  it('has a word for what was skipped, what stood still and what was tried again', () => {
    const warnings = [{ code: 'skipped_existing', message: '' }]
    expect(story({ transfer: transferOf({ warnings }) })).toHaveLength(1)
    const transfer = transferOf({
      finishedAt: new Date(START_MS + 60_000),
      metrics: { sourceRetries: 1, partRetries: 3 },
    })
    expect(story({ transfer, samples: [...samplesOf(1, 10), ...samplesOf(51, 60)] }).slice(2)).toEqual([
      'It stood still for 40 s.',
      '1 request to the source and 3 parts to the bucket were tried again.',
    ])
  })
})

it('a share is never rounded to all or nothing', () => {
  expect([0, 0.001, 0.5, 0.996, 1].map(percent)).toEqual(['0 %', 'under 1 %', '50 %', '99 %', '100 %'])
})
