import type { ReportFile, TransferReport } from '../domain/report.ts'

const COLUMNS = [
  'sourceBytes',
  'bucketBytes',
  'cacheBytes',
  'bufferedBytes',
  'readLanes',
  'uploadLanes',
  'retries',
  'bucketLimitMs',
  'memoryLimitMs',
  'processorLimitMs',
  'rateLimitMs',
  'measuredMs',
] as const

/** A report as a file: JSON has everything, CSV (RFC 4180) the samples, one step a line; what was not measured is empty. */
export function exportReport(report: TransferReport, format: 'json' | 'csv'): ReportFile {
  const name = `sluice-${report.transfer.id}`
  if (format === 'json')
    return {
      fileName: `${name}.json`,
      contentType: 'application/json',
      content: `${JSON.stringify(report, null, 2)}\n`,
    }
  const lines = report.samples.map((sample) =>
    [sample.at.toISOString(), report.stepMs, ...COLUMNS.map((column) => sample[column])].join(','),
  )
  return {
    fileName: `${name}.csv`,
    contentType: 'text/csv; charset=utf-8',
    content: [['at', 'stepMs', ...COLUMNS].join(','), ...lines, ''].join('\r\n'),
  }
}
