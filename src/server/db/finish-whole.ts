import type { Warning } from '../domain/failure.ts'
import type { SourceDigest, Verification } from '../domain/transfer.ts'
import type { Db } from './client.ts'
import type { SampleRow, TransferProgress } from './ledger.ts'

/** A file that was moved whole, in one request, under the claim of its plan: what its plan, ledger and end would have said. */
export interface WholeFile {
  readonly transferId: string
  readonly claimId: string
  readonly epoch: number
  readonly runId: string
  readonly metrics: TransferProgress['metrics']
  /** The last second of the run, or all of it. */
  readonly sample: SampleRow
  readonly sizeBytes: number
  /** Of the source. */
  readonly etag: string | null
  readonly lastModified: string | null
  readonly acceptsRanges: boolean
  readonly contentType: string | null
  readonly partSizeBytes: number
  readonly sliceSizeBytes: number
  readonly sourceDigests: readonly SourceDigest[]
  readonly writeToken: string
  readonly warnings: readonly Warning[]
  readonly verification: Verification
  readonly part: {
    readonly etag: string
    readonly crc32c: string
    readonly retries: number
    readonly startedAt: Date
    readonly finishedAt: Date
  }
  /** Sentences of the events. */
  readonly planned: string
  readonly completed: string
}

/**
 * Ends transfers whose objects are in the bucket, in one statement for all of them: the plan, the ledger's one row, the last
 * sample, the events, the end. Each is fenced by the claim of its plan, which goes with it. A pause or a wish to cancel that came
 * after the object was sent comes too late. Returns the ids that are completed as given here; repeating it changes nothing.
 */
export async function finishWhole(db: Db, engineId: string, files: readonly WholeFile[]): Promise<Set<string>> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    WITH input AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(files)}::jsonb) AS i("transferId" uuid, "claimId" uuid, epoch int,
        "runId" text, metrics jsonb, sample jsonb, "sizeBytes" bigint, etag text, "lastModified" text, "acceptsRanges" boolean,
        "contentType" text, "partSizeBytes" bigint, "sliceSizeBytes" bigint, "sourceDigests" jsonb, "writeToken" text, warnings jsonb,
        verification jsonb, part jsonb, planned text, completed text)
    ), locked AS MATERIALIZED (
      SELECT t.id FROM "Transfer" t JOIN input i ON i."transferId" = t.id
      WHERE t.status IN ('running', 'paused') ORDER BY t.id FOR UPDATE OF t
    ), closed AS (
      DELETE FROM "PartClaim" c USING input i, locked l
      WHERE l.id = i."transferId" AND c.id = i."claimId" AND c.epoch = i.epoch AND c."engineId" = ${engineId}::uuid
      RETURNING c."transferId"
    ), mine AS MATERIALIZED (
      SELECT i.* FROM input i JOIN closed c ON c."transferId" = i."transferId"
    ), done AS (
      UPDATE "Transfer" t SET status = 'completed', "finishedAt" = now(), "sizeBytes" = m."sizeBytes", etag = m.etag,
        "lastModified" = m."lastModified", "acceptsRanges" = m."acceptsRanges", "contentType" = m."contentType",
        "partSizeBytes" = m."partSizeBytes", "sliceSizeBytes" = m."sliceSizeBytes", "partsTotal" = 1, "partsDone" = 1,
        "doneBytes" = m."sizeBytes", "uploadId" = NULL, "writeToken" = m."writeToken", "sourceDigests" = m."sourceDigests", attempts = 0, crashes = 0,
        "nextRunAt" = NULL,
        failure = NULL, warnings = m.warnings, verification = m.verification, live = '{}', "cancelRequestedAt" = NULL,
        metrics = jsonb_set(t.metrics, ARRAY[m."runId"], m.metrics)
      FROM mine m WHERE t.id = m."transferId" RETURNING t.id
    ), ledger AS (
      INSERT INTO "Part" ("transferId", number, "sizeBytes", etag, crc32c, "engineId", retries, "startedAt", "finishedAt")
      SELECT m."transferId", 1, m."sizeBytes", m.part->>'etag', m.part->>'crc32c', ${engineId}::uuid, (m.part->>'retries')::int,
        (m.part->>'startedAt')::timestamptz, (m.part->>'finishedAt')::timestamptz FROM mine m
      ON CONFLICT ("transferId", number) DO UPDATE SET "sizeBytes" = excluded."sizeBytes", etag = excluded.etag,
        crc32c = excluded.crc32c, "engineId" = excluded."engineId", retries = excluded.retries,
        "startedAt" = excluded."startedAt", "finishedAt" = excluded."finishedAt"
    ), sampled AS (
      INSERT INTO "Sample" ("transferId", "engineId", at, "durationMs", "sourceBytes", "bucketBytes", "cacheBytes", "bufferedBytes",
        "readLanes", "uploadLanes", retries, "bucketLimitMs", "memoryLimitMs", "processorLimitMs", "rateLimitMs")
      SELECT m."transferId", ${engineId}::uuid, s.at, s."durationMs", s."sourceBytes", s."bucketBytes", s."cacheBytes",
        s."bufferedBytes", s."readLanes", s."uploadLanes", s.retries, s."bucketLimitMs", s."memoryLimitMs", s."processorLimitMs", s."rateLimitMs"
      FROM mine m, jsonb_to_record(m.sample) AS s(at timestamptz, "durationMs" int, "sourceBytes" bigint, "bucketBytes" bigint,
        "cacheBytes" bigint, "bufferedBytes" bigint, "readLanes" int, "uploadLanes" int, retries int, "bucketLimitMs" int,
        "memoryLimitMs" int, "processorLimitMs" int, "rateLimitMs" int)
    ), told AS (
      INSERT INTO "Event" ("transferId", "engineId", code, message)
      SELECT m."transferId", ${engineId}::uuid, e.code, e.message
      FROM mine m, LATERAL (VALUES (1, 'planned', m.planned), (2, 'completed', m.completed)) AS e(place, code, message)
      ORDER BY m."transferId", e.place
    )
    SELECT d.id::text, n.sent::text FROM done d,
      (SELECT pg_notify('sluice_progress', left(string_agg("transferId"::text, ','), 7900)) AS sent FROM mine) n
    UNION
    SELECT t.id::text, '' FROM "Transfer" t JOIN input i ON i."transferId" = t.id
    WHERE t.status = 'completed' AND t."writeToken" = i."writeToken" AND t."sizeBytes" = i."sizeBytes"`
  return new Set(rows.map((row) => row.id))
}
