import { TABLE_REPORT_FORMAT, type TableReport, tableReportFileSchema } from '../../../../server/domain/table-report.ts'

export function isTableFile(json: object): boolean {
  return 'format' in json && json.format === TABLE_REPORT_FORMAT
}

/** A file that is a report in words, bars and tables already. Throws a ZodError where it is damaged. */
export function readTableFile(json: object): TableReport {
  const { format: _, version: __, ...report } = tableReportFileSchema.parse(json)
  return report
}
