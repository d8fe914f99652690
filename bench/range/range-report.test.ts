import { expect, it } from 'vitest'
import { tableReportFileSchema } from '../../src/server/domain/table-report.ts'
import type { RangeResult } from './range-bench.ts'
import { rangeReport } from './range-report.ts'

it('what the bench of ranges writes is a file that the report page opens', () => {
  const result: RangeResult = {
    name: 'warm-64k',
    shows: 'Random ranges.',
    rows: [
      { subject: 'sluice', figures: { 'requests/s': 100, 'p95 ms': 2.345, errors: 0 } },
      { subject: 'varnish', figures: { 'requests/s': 200, 'p95 ms': 1, errors: 0 } },
    ],
    skipped: { nginx: 'nginx is not installed.' },
  }
  const written = JSON.parse(JSON.stringify(rangeReport([result], { rounds: 3, seconds: 5 })))
  const report = tableReportFileSchema.parse(written)
  expect(report.sentences[0]).toBe('Sluice served one scenario with no errors.')
  const [section] = report.sections
  expect(section?.bars.map(({ share, isOurs }) => [share, isOurs])).toEqual([
    [0.5, true],
    [1, false],
  ])
  expect(section?.rows[0]).toEqual(['sluice', '100', '2.35', '0'])
  for (const row of section?.rows ?? []) expect(row).toHaveLength(section?.columns.length ?? 0)
  expect(section?.notes).toEqual(['Without a result: nginx: nginx is not installed.'])
  // The figures behind it stay in the file, for whoever compares runs with a script.
  expect(written.results[0].rows[0].figures['p95 ms']).toBe(2.345)
})
