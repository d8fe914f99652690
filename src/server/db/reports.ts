import { z } from 'zod'
import type { RecordedReport, ReportSettings } from '../domain/report/recorded-report.ts'
import { type PartFigures, partFigures, reportFigures } from '../domain/report/report-figures.ts'
import { reportFindings, reportView } from '../domain/report/report-findings.ts'
import { stepRates } from '../domain/report/step-rates.ts'
import { splitTime } from '../domain/report/time-split.ts'
import {
  type ComparedRun,
  REPORT_FORMAT,
  type ReportComparison,
  type ReportView,
  type TransferReport,
} from '../domain/report.ts'
import { runSettingsSchema } from '../domain/run-settings.ts'
import { checksumAlgorithmSchema } from '../domain/transfer.ts'
import type { DbOrTx } from './client.ts'
import { sampleWindow } from './samples.ts'
import { toNumber } from './transfer-view.ts'
import { getTransfer, getTransfers } from './transfers.ts'

/** A report keeps a finer curve than the chart of a page. */
const REPORT_POINTS = 600
/** As many as are told apart where several curves share a chart; 20 runs of them are an answer of a sensible size. */
const COMPARED_POINTS = 200

/** Everything kept of one run, and what follows from it. Throws `not_found`. */
export async function reportByTransfer(db: DbOrTx, transferId: string): Promise<TransferReport> {
  const recorded = await recordedReport(db, transferId)
  return { format: REPORT_FORMAT, version: 1, ...recorded, ...reportFindings(recorded) }
}

/** The same for a page: 10,000 parts become the bars of a timeline. Throws `not_found`. */
export async function reportViewOf(db: DbOrTx, transferId: string): Promise<ReportView> {
  return reportView(await recordedReport(db, transferId))
}

async function recordedReport(db: DbOrTx, transferId: string): Promise<RecordedReport> {
  const [detail, window, settings] = await Promise.all([
    getTransfer(db, transferId),
    sampleWindow(db, transferId, REPORT_POINTS),
    reportSettings(db, [transferId]),
  ])
  const { parts, events, movingParts: _, ...transfer } = detail
  const { samples, stepMs } = window
  const ids = [...new Set([...parts, ...events].flatMap(({ engineId }) => engineId ?? []))]
  const engines = await db.engine.findMany({ where: { id: { in: ids } }, select: { id: true, name: true } })
  return { transfer, samples, stepMs, parts, events, settings: settings.get(transferId) ?? NO_SETTINGS, engines }
}

/** Several runs side by side, in the order asked for. Throws `not_found` where one is missing. */
export async function compareReports(db: DbOrTx, transferIds: readonly string[]): Promise<ReportComparison> {
  const transfers = await getTransfers(db, transferIds)
  const [settings, parts] = await Promise.all([reportSettings(db, transferIds), partFiguresOf(db, transferIds)])
  const runs = await Promise.all(
    transfers.map(async (transfer): Promise<ComparedRun> => {
      const { samples, stepMs } = await sampleWindow(db, transfer.id, COMPARED_POINTS)
      const startMs = transfer.startedAt?.getTime() ?? samples[0]?.at.getTime() ?? 0
      return {
        transfer,
        figures: reportFigures(transfer, parts.get(transfer.id) ?? partFigures([]), samples, stepMs),
        timeSplit: splitTime(transfer, samples, stepMs),
        settings: settings.get(transfer.id) ?? NO_SETTINGS,
        curve: stepRates(samples, stepMs).map(({ at, source, cache, bucket }) => [
          Math.max(0, Math.round((at.getTime() - startMs) / 100) / 10),
          Math.round(source + cache),
          Math.round(bucket),
        ]),
      }
    }),
  )
  return { runs }
}

/** Added up by the database: the parts of 20 runs may be 200,000. */
async function partFiguresOf(db: DbOrTx, ids: readonly string[]): Promise<Map<string, PartFigures>> {
  const rows = await db.$queryRaw<(PartFigures & { id: string })[]>`
    WITH took AS (
      SELECT "transferId" AS id, retries, extract(epoch FROM "finishedAt" - "startedAt")::float8 AS seconds
      FROM "Part" WHERE "transferId" = ANY(${[...ids]}::uuid[]))
    SELECT id, avg(seconds) AS "averagePartSeconds", percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS "medianPartSeconds",
      max(seconds) AS "slowestPartSeconds", sum(retries)::int AS "partRetries" FROM took GROUP BY id`
  return new Map(rows.map(({ id, ...figures }) => [id, figures]))
}

const NO_SETTINGS: ReportSettings = {
  run: null,
  partSizing: null,
  wantedPartSizeBytes: null,
  wantedUploadLanes: null,
  ifExists: null,
  expectedChecksum: null,
}

const expectedSchema = z.object({ algorithm: checksumAlgorithmSchema })

/** What each transfer went by: its own wishes, and what the latest run of it recorded. */
async function reportSettings(db: DbOrTx, ids: readonly string[]): Promise<Map<string, ReportSettings>> {
  const rows = await db.transfer.findMany({
    where: { id: { in: [...ids] } },
    select: {
      id: true,
      partSizing: true,
      wantedPartSizeBytes: true,
      wantedLanes: true,
      ifExists: true,
      expectedChecksum: true,
      metrics: true,
    },
  })
  return new Map(
    rows.map((row) => [
      row.id,
      {
        run: latestRun(row.metrics),
        partSizing: row.partSizing,
        wantedPartSizeBytes: toNumber(row.wantedPartSizeBytes),
        wantedUploadLanes: row.wantedLanes,
        ifExists: row.ifExists,
        expectedChecksum: expectedSchema.safeParse(row.expectedChecksum).data?.algorithm ?? null,
      },
    ]),
  )
}

/** Runs are keyed by ids that grow with time. */
function latestRun(metrics: unknown): ReportSettings['run'] {
  if (metrics === null || typeof metrics !== 'object') return null
  const newestFirst = Object.entries(metrics).sort(([a], [b]) => b.localeCompare(a))
  for (const [, entry] of newestFirst) {
    const settings = runSettingsSchema.safeParse((entry as { settings?: unknown } | null)?.settings)
    if (settings.success) return settings.data
  }
  return null
}
