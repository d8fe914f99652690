import type { LiveEntry } from '../domain/live.ts'
import type { RunSettings } from '../domain/run-settings.ts'
import type { TransferMetrics, TransferStatus } from '../domain/transfer.ts'
import type { Db } from './client.ts'

/** A part the bucket has acknowledged, with the claim it was moved under. */
export interface FinishedPart {
  readonly transferId: string
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  readonly crc32c: string | null
  readonly retries: number
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly claimId: string
  readonly epoch: number
}

/** A claim whose parts are all done; its row goes in the same statement that records its last part. */
export interface ClosedClaim {
  readonly claimId: string
  readonly epoch: number
}

/** One interval of one transfer, for its chart. */
export interface SampleRow {
  readonly transferId: string
  readonly at: Date
  readonly durationMs: number
  readonly sourceBytes: number
  readonly bucketBytes: number
  readonly cacheBytes: number
  readonly bufferedBytes: number
  readonly readLanes: number
  readonly uploadLanes: number
  readonly retries: number
  /** For how long of `durationMs` each held the source up, where it was measured. */
  readonly bucketLimitMs?: number
  readonly memoryLimitMs?: number
  readonly processorLimitMs?: number
  readonly rateLimitMs?: number
}

/** What an engine has to say about a transfer it works on. `live` null takes its entry out. */
export interface TransferProgress {
  readonly id: string
  /** Names this run, so that counters of an earlier run of the same engine are kept. */
  readonly runId: string
  readonly live: LiveEntry | null
  readonly metrics: TransferMetrics & { readonly settings?: RunSettings }
}

/** What the user wants of a transfer by now; read back with each flush, so that it costs no statement of its own. */
export interface Wishes {
  readonly id: string
  readonly status: TransferStatus
  readonly cancelRequestedAt: Date | null
  readonly bandwidthLimitBytesPerSecond: bigint | null
  /** Engines that hold claims on it now: they share its bandwidth limit. */
  readonly engines: number
  /** Other engines that have nothing to do. */
  readonly wanting: number
}

/**
 * Writes finished parts to the ledger in one statement: the parts, the transfers' sums, and the claims that are done with.
 * Only parts whose claim is still held under the same epoch are taken; returns which ones are in the ledger as given here
 * (`transferId/number`). Writing the same part again changes nothing, so a flush whose answer was lost may be repeated.
 * What this engine reports as moving shrinks by what is now done, so that nobody who reads in between counts a part twice.
 */
export async function recordParts(
  db: Db,
  engineId: string,
  parts: readonly FinishedPart[],
  closed: readonly ClosedClaim[],
): Promise<Set<string>> {
  const rows = await db.$queryRaw<{ transferId: string; number: number }[]>`
    WITH input AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(parts)}::jsonb) AS p("transferId" uuid, number int, "sizeBytes" bigint,
        etag text, crc32c text, retries int, "startedAt" timestamptz, "finishedAt" timestamptz, "claimId" uuid, epoch int)
    ), fenced AS (
      SELECT i.* FROM input i JOIN "PartClaim" c ON c.id = i."claimId" AND c.epoch = i.epoch AND c."engineId" = ${engineId}::uuid
    ), inserted AS (
      INSERT INTO "Part" ("transferId", number, "sizeBytes", etag, crc32c, "engineId", retries, "startedAt", "finishedAt")
      SELECT "transferId", number, "sizeBytes", etag, crc32c, ${engineId}::uuid, retries, "startedAt", "finishedAt" FROM fenced
      ON CONFLICT DO NOTHING RETURNING "transferId", "sizeBytes"
    ), summed AS (
      SELECT "transferId", sum("sizeBytes")::bigint AS bytes, count(*)::int AS parts FROM inserted GROUP BY "transferId"
    ), counted AS (
      UPDATE "Transfer" t SET "doneBytes" = t."doneBytes" + s.bytes, "partsDone" = t."partsDone" + s.parts, attempts = 0, crashes = 0,
        live = CASE WHEN jsonb_exists(t.live, ${engineId}) THEN jsonb_set(t.live, ARRAY[${engineId}, 'inflightBytes'],
          to_jsonb(greatest(0, coalesce((t.live->${engineId}->>'inflightBytes')::bigint, 0) - s.bytes))) ELSE t.live END
      FROM summed s WHERE t.id = s."transferId"
    ), gone AS (
      DELETE FROM "PartClaim" c USING jsonb_to_recordset(${JSON.stringify(closed)}::jsonb) AS x("claimId" uuid, epoch int)
      WHERE c.id = x."claimId" AND c.epoch = x.epoch AND c."engineId" = ${engineId}::uuid
    )
    SELECT "transferId", number FROM fenced
    UNION
    SELECT i."transferId", i.number FROM input i JOIN "Part" p ON p."transferId" = i."transferId" AND p.number = i.number
      AND p.etag = i.etag AND p."engineId" = ${engineId}::uuid`
  return new Set(rows.map((row) => `${row.transferId}/${row.number}`))
}

/** Writes what moves and the counters of all transfers of an engine in one statement, and reads the users' wishes back. */
export function recordProgress(db: Db, engineId: string, progress: readonly TransferProgress[]): Promise<Wishes[]> {
  return db.$queryRaw<Wishes[]>`
    UPDATE "Transfer" t SET
      live = CASE WHEN i.live IS NULL OR i.live = 'null' THEN t.live - ${engineId} ELSE jsonb_set(t.live, ARRAY[${engineId}], i.live) END,
      metrics = jsonb_set(t.metrics, ARRAY[i."runId"], i.metrics)
    FROM jsonb_to_recordset(${JSON.stringify(progress)}::jsonb) AS i(id uuid, "runId" text, live jsonb, metrics jsonb)
    WHERE t.id = i.id
    RETURNING t.id, t.status, t."cancelRequestedAt", t."bandwidthLimitBytesPerSecond",
      (SELECT count(DISTINCT c."engineId")::int FROM "PartClaim" c
        WHERE c."transferId" = t.id AND c."engineId" IS NOT NULL AND c."leaseUntil" >= now()) AS engines,
      (SELECT count(*)::int FROM "Engine" e
        WHERE e.id <> ${engineId}::uuid AND e."wantsWorkAt" > now() - interval '3 seconds') AS wanting`
}

/** Writes the samples of all transfers of an engine in one statement, and tells whoever watches. */
export async function recordSamples(db: Db, engineId: string, samples: readonly SampleRow[]): Promise<void> {
  const ids = [...new Set(samples.map((sample) => sample.transferId))]
  await db.$executeRaw`
    WITH written AS (
      INSERT INTO "Sample" ("transferId", "engineId", at, "durationMs", "sourceBytes", "bucketBytes", "cacheBytes", "bufferedBytes",
        "readLanes", "uploadLanes", retries, "bucketLimitMs", "memoryLimitMs", "processorLimitMs", "rateLimitMs")
      SELECT "transferId", ${engineId}::uuid, at, "durationMs", "sourceBytes", "bucketBytes", "cacheBytes", "bufferedBytes",
        "readLanes", "uploadLanes", retries, "bucketLimitMs", "memoryLimitMs", "processorLimitMs", "rateLimitMs"
      FROM jsonb_to_recordset(${JSON.stringify(samples)}::jsonb) AS s("transferId" uuid, at timestamptz, "durationMs" int,
        "sourceBytes" bigint, "bucketBytes" bigint, "cacheBytes" bigint, "bufferedBytes" bigint, "readLanes" int,
        "uploadLanes" int, retries int, "bucketLimitMs" int, "memoryLimitMs" int, "processorLimitMs" int, "rateLimitMs" int)
      WHERE EXISTS (SELECT 1 FROM "Transfer" t WHERE t.id = s."transferId")
    )
    SELECT pg_notify('sluice_progress', ${ids.join(',').slice(0, 7900)})`
}
