import { z } from 'zod'

/** Names a file of this form, so that the report page knows it. */
export const TABLE_REPORT_FORMAT = 'sluice-table-report'

const sectionSchema = z.object({
  title: z.string(),
  sentences: z.array(z.string()).default([]),
  /** Values side by side; `share` is the length of the bar, 0 to 1. `isOurs` is the one that is compared with. */
  bars: z
    .array(z.object({ label: z.string(), share: z.number().min(0).max(1), text: z.string(), isOurs: z.boolean() }))
    .default([]),
  /** Bytes per second over seconds; at most 20 curves are told apart. */
  curves: z
    .array(z.object({ label: z.string(), points: z.array(z.tuple([z.number(), z.number()])).max(5000) }))
    .max(20)
    .default([]),
  columns: z.array(z.object({ title: z.string(), isText: z.boolean().optional() })).default([]),
  /** Cells as they are shown, one for each column. */
  rows: z.array(z.array(z.string())).max(5000).default([]),
  notes: z.array(z.string()).default([]),
})
export type TableSection = z.infer<typeof sectionSchema>

/**
 * A report in words, bars, curves and tables. Scripts may write one (with `format` and `version`), and the report page opens it; files of
 * other forms are turned into one by the page.
 */
const tableReportSchema = z.object({
  /** What wrote it, such as `npm run bench`. */
  kind: z.string(),
  title: z.string(),
  /** The first is the result. */
  sentences: z.array(z.string()).min(1),
  facts: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  sections: z.array(sectionSchema).default([]),
})
export type TableReport = z.infer<typeof tableReportSchema>

/** The same as a file. */
export const tableReportFileSchema = tableReportSchema.extend({
  format: z.literal(TABLE_REPORT_FORMAT),
  version: z.literal(1),
})

/** A section in which a writer fills only what it has. */
export const EMPTY_SECTION: Omit<TableSection, 'title'> = {
  sentences: [],
  bars: [],
  curves: [],
  columns: [],
  rows: [],
  notes: [],
}
