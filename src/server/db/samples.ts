import type { Sample } from '../domain/sample.ts'
import type { DbOrTx } from './client.ts'

const DAY_MS = 86_400_000

/** Steps a window may have, so that their edges fall on round times. */
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
)

export interface SampleWindow {
  /** By time; steps in which nothing was recorded are absent. Each starts at `at` and lasts `stepMs`. */
  samples: Sample[]
  stepMs: number
  /** Hand it to `progress.onSample` to go on without a gap; null where there is no sample yet. */
  lastEventId: string | null
}

interface StepRow {
  at: Date
  sourceBytes: bigint
  bucketBytes: bigint
  cacheBytes: bigint
  bufferedBytes: bigint
  readLanes: number
  uploadLanes: number
  retries: number
  bucketLimitMs: number | null
  memoryLimitMs: number | null
  processorLimitMs: number | null
  rateLimitMs: number | null
  measuredMs: number
}

/**
 * The whole life of a transfer in at most `points` steps of one length, added up in SQL: bytes and retries over the step and over
 * engines, lanes and buffered bytes as they were at its end.
 */
export async function sampleWindow(db: DbOrTx, transferId: string, points = 300): Promise<SampleWindow> {
  const [span] = await db.$queryRaw<{ first: Date | null; last: Date | null; lastId: bigint | null }[]>`
    SELECT min(at) AS first, max(at) AS last, max(id) AS "lastId" FROM "Sample" WHERE "transferId" = ${transferId}::uuid`
  if (!span?.first || !span.last || span.lastId === null) return { samples: [], stepMs: 1000, lastEventId: null }
  const stepMs = stepFor(span.last.getTime() - span.first.getTime(), points)
  const rows = await db.$queryRaw<StepRow[]>`
    WITH perEngine AS (
      SELECT date_bin(${stepMs}::int * interval '1 millisecond', at, timestamptz 'epoch') AS step,
        sum("sourceBytes")::bigint AS "sourceBytes", sum("bucketBytes")::bigint AS "bucketBytes",
        sum("cacheBytes")::bigint AS "cacheBytes", sum(retries)::int AS retries,
        sum("bucketLimitMs")::int AS "bucketLimitMs", sum("memoryLimitMs")::int AS "memoryLimitMs",
        sum("processorLimitMs")::int AS "processorLimitMs", sum("rateLimitMs")::int AS "rateLimitMs",
        sum("durationMs")::int AS "measuredMs",
        (array_agg("bufferedBytes" ORDER BY id DESC))[1] AS "bufferedBytes",
        (array_agg("readLanes" ORDER BY id DESC))[1] AS "readLanes",
        (array_agg("uploadLanes" ORDER BY id DESC))[1] AS "uploadLanes"
      FROM "Sample" WHERE "transferId" = ${transferId}::uuid AND id <= ${span.lastId}
      GROUP BY step, "engineId")
    SELECT step AS at, sum("sourceBytes")::bigint AS "sourceBytes", sum("bucketBytes")::bigint AS "bucketBytes",
      sum("cacheBytes")::bigint AS "cacheBytes", sum("bufferedBytes")::bigint AS "bufferedBytes",
      sum("readLanes")::int AS "readLanes", sum("uploadLanes")::int AS "uploadLanes", sum(retries)::int AS retries,
      avg("bucketLimitMs")::int AS "bucketLimitMs", avg("memoryLimitMs")::int AS "memoryLimitMs",
      avg("processorLimitMs")::int AS "processorLimitMs", avg("rateLimitMs")::int AS "rateLimitMs",
      max("measuredMs")::int AS "measuredMs"
    FROM perEngine GROUP BY step ORDER BY step`
  return { samples: rows.map(toSample), stepMs, lastEventId: String(span.lastId) }
}

/** The shortest step of the list that covers `spanMs` in at most `points` steps; `points` is at least 2. */
export function stepFor(spanMs: number, points: number): number {
  // The span seldom begins on the edge of a step, so it touches one step more than its length has.
  const fits = (stepMs: number) => Math.floor(spanMs / stepMs) + 2 <= points
  return STEPS_MS.find(fits) ?? (Math.floor(spanMs / ((points - 1) * DAY_MS)) + 1) * DAY_MS
}

/**
 * Recorded samples with an id above `afterId`, oldest first, at most `limit`. Of several engines each has its own: samples of the
 * same second add up.
 */
export async function samplesAfter(
  db: DbOrTx,
  transferId: string,
  afterId: bigint,
  limit = 1000,
): Promise<{ id: bigint; sample: Sample }[]> {
  const rows = await db.sample.findMany({
    where: { transferId, id: { gt: afterId } },
    orderBy: { id: 'asc' },
    take: limit,
    select: {
      id: true,
      at: true,
      sourceBytes: true,
      bucketBytes: true,
      cacheBytes: true,
      bufferedBytes: true,
      readLanes: true,
      uploadLanes: true,
      retries: true,
      bucketLimitMs: true,
      memoryLimitMs: true,
      processorLimitMs: true,
      rateLimitMs: true,
      durationMs: true,
    },
  })
  return rows.map(({ id, ...row }) => ({ id, sample: toSample({ ...row, measuredMs: row.durationMs }) }))
}

/** Bytes moved by all transfers since `since`, by steps of `stepMs`; steps without samples are absent. */
export async function movedSince(
  db: DbOrTx,
  since: Date,
  stepMs: number,
): Promise<{ at: Date; bucketBytes: number; sourceBytes: number }[]> {
  const rows = await db.$queryRaw<{ at: Date; bucketBytes: bigint; sourceBytes: bigint }[]>`
    SELECT date_bin(${stepMs}::int * interval '1 millisecond', at, timestamptz 'epoch') AS at,
      sum("bucketBytes")::bigint AS "bucketBytes", sum("sourceBytes")::bigint AS "sourceBytes"
    FROM "Sample" WHERE at >= ${since} GROUP BY 1 ORDER BY 1`
  return rows.map((row) => ({ at: row.at, bucketBytes: Number(row.bucketBytes), sourceBytes: Number(row.sourceBytes) }))
}

function toSample(row: StepRow): Sample {
  return {
    at: row.at,
    sourceBytes: Number(row.sourceBytes),
    bucketBytes: Number(row.bucketBytes),
    cacheBytes: Number(row.cacheBytes),
    bufferedBytes: Number(row.bufferedBytes),
    readLanes: row.readLanes,
    uploadLanes: row.uploadLanes,
    retries: row.retries,
    bucketLimitMs: row.bucketLimitMs,
    memoryLimitMs: row.memoryLimitMs,
    processorLimitMs: row.processorLimitMs,
    rateLimitMs: row.rateLimitMs,
    measuredMs: row.measuredMs,
  }
}
