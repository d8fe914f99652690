import { expect, it } from 'vitest'
import { tableReportFileSchema } from '../../src/server/domain/table-report.ts'
import { readersFile } from './report-file.ts'
import { type PhaseResult, targetsOf } from './report-page.ts'

it('what readers under load came to is a file that the report page opens', () => {
  const times = { p50: 1, p95: 2, p99: 3 }
  const phase: PhaseResult = {
    name: 'crowd',
    readers: 1000,
    seconds: 10,
    requests: 2000,
    errors: 1,
    hits: 1900,
    bytes: 10 * 1024 ** 2,
    cachedMs: times,
    originMs: times,
    lateMs: times,
    beside: { requests: 100, errors: 0, firstByteMs: times },
    peakRssMib: 90,
    reasons: [],
  }
  const file = tableReportFileSchema.parse(JSON.parse(JSON.stringify(readersFile([phase], targetsOf([phase], 10), 7))))
  expect(file.sentences[0]).toMatch(/^2,000 requests with one error; \d of 6 targets were met\.$/)
  expect(file.sections[0]?.rows[0]).toContain('1.0 / 2.0 / 3.0')
  for (const { columns, rows } of file.sections) for (const row of rows) expect(row).toHaveLength(columns.length)
})
