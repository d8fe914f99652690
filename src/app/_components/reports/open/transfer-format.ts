import { z } from 'zod'
import type { RecordedReport } from '../../../../server/domain/report/recorded-report.ts'
import { reportView } from '../../../../server/domain/report/report-findings.ts'
import { REPORT_FORMAT, type ReportView } from '../../../../server/domain/report.ts'
import { runSettingsSchema } from '../../../../server/domain/run-settings.ts'
import { sampleSchema } from '../../../../server/domain/sample.ts'
import { transferViewSchema } from '../../../../server/domain/transfer.ts'

/** Times are ISO 8601 text in a file. */
const time = z.coerce.date()
const noSettings = {
  run: null,
  partSizing: null,
  wantedPartSizeBytes: null,
  wantedUploadLanes: null,
  ifExists: null,
  expectedChecksum: null,
}

/** What `reports.export` writes; files of versions before settings and engine names were in them are taken as well. */
const fileSchema = z.object({
  transfer: transferViewSchema.extend({
    createdAt: time,
    startAt: time.nullable(),
    nextRunAt: time.nullable().default(null),
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
  }),
  samples: z.array(sampleSchema.extend({ at: time })).max(10_000),
  stepMs: z.number().positive(),
  parts: z
    .array(
      z.object({
        number: z.number(),
        sizeBytes: z.number(),
        engineId: z.string().nullable(),
        retries: z.number(),
        startedAt: time,
        finishedAt: time,
      }),
    )
    .max(10_000),
  events: z.array(
    z.object({
      id: z.string(),
      at: time,
      level: z.enum(['info', 'warn', 'error']),
      code: z.string(),
      message: z.string(),
      engineId: z.string().nullable(),
    }),
  ),
  settings: z
    .object({
      run: runSettingsSchema.nullable(),
      partSizing: z.string().nullable(),
      wantedPartSizeBytes: z.number().nullable(),
      wantedUploadLanes: z.number().nullable(),
      ifExists: z.string().nullable(),
      expectedChecksum: z.string().nullable(),
    })
    .default(noSettings),
  engines: z.array(z.object({ id: z.string(), name: z.string() })).default([]),
})

/** Whether a file is meant to be the report of a transfer. */
export function isTransferFile(json: object): boolean {
  if ('format' in json && json.format === REPORT_FORMAT) return true
  return 'transfer' in json && 'samples' in json && 'figures' in json
}

/** The report of a file. Sentences and figures are made anew from what was recorded; throws a ZodError where that is damaged. */
export function readTransferFile(json: object): ReportView {
  const recorded: RecordedReport = fileSchema.parse(json)
  const last = recorded.samples.at(-1)
  // A file is of one moment: what ran then is not counted on to now.
  return reportView(recorded, last ? last.at.getTime() + recorded.stepMs : Date.now())
}
