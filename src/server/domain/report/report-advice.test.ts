import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RecordedReport } from './recorded-report.ts'
import { ADVICE_HEADINGS } from './report-advice.ts'
import { reportFindings } from './report-findings.ts'
import { reportOf, samplesOf, transferOf } from './testing/recorded-report.ts'

const advice = (over: Partial<RecordedReport>) => reportFindings(reportOf(over)).advice
const headings = (over: Partial<RecordedReport>) => advice(over).map(({ explainedAt }) => explainedAt)

describe('advice', () => {
  it.each([
    ['the source', {}, 'the-source-was-the-limit'],
    ['the bucket', { samples: samplesOf(1, 10, { bucketLimitMs: 1000 }) }, 'the-bucket-was-the-limit'],
    ['memory', { samples: samplesOf(1, 10, { memoryLimitMs: 900 }) }, 'the-memory-budget-was-the-limit'],
    ['the processor', { samples: samplesOf(1, 10, { processorLimitMs: 1000 }) }, 'the-processor-was-the-limit'],
    ['the limit', { samples: samplesOf(1, 10, { rateLimitMs: 900 }) }, 'the-bandwidth-limit-was-the-limit'],
  ] as const)('begins with %s where that was slow', (_, over, heading) => {
    expect(headings(over as Partial<RecordedReport>)).toEqual([heading])
  })

  it('names the setting that is not at its end yet', () => {
    const samples = samplesOf(1, 10, { bucketLimitMs: 1000 })
    expect(advice({ samples })[0]?.settings).toEqual(['MAX_CONCURRENT_UPLOADS'])
    const { settings } = reportOf()
    const most = { ...settings, run: settings.run && { ...settings.run, uploadLanes: 20 } }
    expect(advice({ samples, settings: most })[0]?.settings).toEqual([])
  })

  it('names the second read of the source, which is no matter of size', () => {
    const events = [
      { id: '1', at: new Date(), level: 'info' as const, code: 'reading_source_again', message: '', engineId: null },
    ]
    const samples = [...samplesOf(1, 4), ...samplesOf(5, 9, { bucketBytes: 0, uploadLanes: 0 })]
    const [, found] = advice({ samples, events })
    expect(found).toMatchObject({ explainedAt: 'the-source-was-read-again' })
    expect(found?.cause).toMatch(/^6(\.0)? s of 10(\.0)? s went by when all parts were in the bucket/)
    const { sentences } = reportFindings(reportOf({ samples, events }))
    expect(sentences.join(' ')).toContain('in reading the source again for its checksum')
  })

  it('is not given on a guess', () => {
    expect(headings({ samples: [] })).toEqual(['short-transfers'])
    expect(headings({ samples: samplesOf(1, 10, { bucketLimitMs: null }) })).toEqual([])
  })

  it('is given for parts that failed, requests that failed, many short pauses, a standstill and a failure', () => {
    const transfer = transferOf({
      status: 'failed',
      finishedAt: new Date(transferOf().startedAt?.getTime() ?? 0 + 100_000),
      failure: { code: 'bucket_slow_down', message: 'The bucket asked us to slow down.', retry: 'later' },
      metrics: { partRetries: 4, sourceRetries: 20, pauses: 30, averagePauseMs: 20, pausedMs: 600 },
    })
    const late = { ...transfer, finishedAt: new Date((transfer.startedAt?.getTime() ?? 0) + 100_000) }
    expect(headings({ transfer: late, samples: samplesOf(1, 10) })).toEqual([
      'it-failed',
      'the-source-was-the-limit',
      'reading-paused-often',
      'parts-failed',
      'requests-to-the-source-failed',
      'it-stood-still',
    ])
  })

  it('leads to headings that docs/reports.md has', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/reports.md'), 'utf8')
    const there = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    expect(there).toEqual(expect.arrayContaining([...ADVICE_HEADINGS]))
  })
})
