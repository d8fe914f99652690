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
  /** Other checksums that were asked for, base64 by algorithm. */
  readonly checksums?: Readonly<Record<string, string>> | null
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
  /** Whether another engine held parts of it whose lease has ended: it died, or is cut off. */
  readonly lost: boolean
}

/** All that is due of an engine at one moment. */
export interface Due {
  readonly parts: readonly FinishedPart[]
  readonly closed: readonly ClosedClaim[]
  readonly progress: readonly TransferProgress[]
  readonly samples: readonly SampleRow[]
}

/** What was written of it, and what the users want by now. */
export interface Recorded {
  /** Parts that are in the ledger as given, as `transferId/number`. */
  readonly taken: ReadonlySet<string>
  /** Of every transfer whose progress was given and that still is. */
  readonly wishes: readonly Wishes[]
}

/**
 * Writes all that is due in one statement, however many transfers and parts it is: parts, the transfers' sums, the claims that are
 * done with, what moves and the counters, samples; whoever watches is told.
 * Only parts whose claim is still held under the same epoch are taken. Writing the same again changes nothing but samples, so a
 * flush whose answer was lost may be repeated. What moves and what is done change together, so that nobody counts a part twice.
 */
export async function recordDue(db: Db, engineId: string, due: Due): Promise<Recorded> {
  const watched = [...new Set(due.samples.map((sample) => sample.transferId))].join(',').slice(0, 7900)
  const [row] = await db.$queryRaw<{ taken: string[] | null; wishes: StoredWishes[] | null }[]>`
    WITH input AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(due.parts)}::jsonb) AS p("transferId" uuid, number int, "sizeBytes" bigint,
        etag text, crc32c text, checksums jsonb, retries int, "startedAt" timestamptz, "finishedAt" timestamptz, "claimId" uuid, epoch int)
    ), fenced AS (
      SELECT i.* FROM input i JOIN "PartClaim" c ON c.id = i."claimId" AND c.epoch = i.epoch AND c."engineId" = ${engineId}::uuid
    ), inserted AS (
      INSERT INTO "Part" ("transferId", number, "sizeBytes", etag, crc32c, checksums, "engineId", retries, "startedAt", "finishedAt")
      SELECT "transferId", number, "sizeBytes", etag, crc32c, nullif(checksums, 'null'::jsonb), ${engineId}::uuid, retries, "startedAt", "finishedAt" FROM fenced
      ON CONFLICT DO NOTHING RETURNING "transferId", "sizeBytes"
    ), summed AS (
      SELECT "transferId", sum("sizeBytes")::bigint AS bytes, count(*)::int AS parts FROM inserted GROUP BY "transferId"
    ), due AS (
      SELECT coalesce(p.id, s."transferId") AS id, p."runId", p.live, p.metrics, coalesce(s.bytes, 0) AS bytes, coalesce(s.parts, 0) AS parts
      FROM jsonb_to_recordset(${JSON.stringify(due.progress)}::jsonb) AS p(id uuid, "runId" text, live jsonb, metrics jsonb)
      FULL JOIN summed s ON s."transferId" = p.id
    ), changed AS (
      UPDATE "Transfer" t SET "doneBytes" = t."doneBytes" + d.bytes, "partsDone" = t."partsDone" + d.parts,
        attempts = CASE WHEN d.parts > 0 THEN 0 ELSE t.attempts END,
        crashes = CASE WHEN d.parts > 0 THEN 0 ELSE t.crashes END,
        metrics = CASE WHEN d."runId" IS NULL THEN t.metrics ELSE jsonb_set(t.metrics, ARRAY[d."runId"], d.metrics) END,
        live = CASE WHEN d."runId" IS NOT NULL AND (d.live IS NULL OR d.live = 'null') THEN t.live - ${engineId}
          WHEN d."runId" IS NOT NULL THEN jsonb_set(t.live, ARRAY[${engineId}], d.live)
          WHEN jsonb_exists(t.live, ${engineId}) THEN jsonb_set(t.live, ARRAY[${engineId}, 'inflightBytes'],
            to_jsonb(greatest(0, coalesce((t.live->${engineId}->>'inflightBytes')::bigint, 0) - d.bytes)))
          ELSE t.live END
      FROM due d WHERE t.id = d.id
      RETURNING t.id, t.status, t."cancelRequestedAt", t."bandwidthLimitBytesPerSecond",
        (SELECT count(DISTINCT c."engineId")::int FROM "PartClaim" c
          WHERE c."transferId" = t.id AND c."engineId" IS NOT NULL AND c."leaseUntil" >= now()) AS engines,
        (SELECT count(*)::int FROM "Engine" e
          WHERE e.id <> ${engineId}::uuid AND e."wantsWorkAt" > now() - interval '3 seconds') AS wanting,
        EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id AND c."firstPart" > 0
          AND c."engineId" <> ${engineId}::uuid AND c."leaseUntil" < now()) AS lost
    ), sampled AS (
      INSERT INTO "Sample" ("transferId", "engineId", at, "durationMs", "sourceBytes", "bucketBytes", "cacheBytes", "bufferedBytes",
        "readLanes", "uploadLanes", retries, "bucketLimitMs", "memoryLimitMs", "processorLimitMs", "rateLimitMs")
      SELECT "transferId", ${engineId}::uuid, at, "durationMs", "sourceBytes", "bucketBytes", "cacheBytes", "bufferedBytes",
        "readLanes", "uploadLanes", retries, "bucketLimitMs", "memoryLimitMs", "processorLimitMs", "rateLimitMs"
      FROM jsonb_to_recordset(${JSON.stringify(due.samples)}::jsonb) AS s("transferId" uuid, at timestamptz, "durationMs" int,
        "sourceBytes" bigint, "bucketBytes" bigint, "cacheBytes" bigint, "bufferedBytes" bigint, "readLanes" int,
        "uploadLanes" int, retries int, "bucketLimitMs" int, "memoryLimitMs" int, "processorLimitMs" int, "rateLimitMs" int)
      WHERE EXISTS (SELECT 1 FROM "Transfer" t WHERE t.id = s."transferId")
    ), gone AS (
      DELETE FROM "PartClaim" c USING jsonb_to_recordset(${JSON.stringify(due.closed)}::jsonb) AS x("claimId" uuid, epoch int)
      WHERE c.id = x."claimId" AND c.epoch = x.epoch AND c."engineId" = ${engineId}::uuid
    ), taken AS (
      SELECT "transferId", number FROM fenced
      UNION
      SELECT i."transferId", i.number FROM input i JOIN "Part" p ON p."transferId" = i."transferId" AND p.number = i.number
        AND p.etag = i.etag AND p."engineId" = ${engineId}::uuid
    )
    SELECT (SELECT jsonb_agg("transferId" || '/' || number) FROM taken) AS taken,
      (SELECT jsonb_agg(to_jsonb(changed)) FROM changed) AS wishes,
      CASE WHEN ${watched} <> '' THEN pg_notify('sluice_progress', ${watched})::text END AS told`
  return { taken: new Set(row?.taken), wishes: (row?.wishes ?? []).map(toWishes) }
}

/** Wishes as JSON has them. */
interface StoredWishes {
  readonly id: string
  readonly status: TransferStatus
  readonly cancelRequestedAt: string | null
  readonly bandwidthLimitBytesPerSecond: number | null
  readonly engines: number
  readonly wanting: number
  readonly lost: boolean
}

function toWishes({ cancelRequestedAt, bandwidthLimitBytesPerSecond: limit, ...wishes }: StoredWishes): Wishes {
  return {
    ...wishes,
    cancelRequestedAt: cancelRequestedAt === null ? null : new Date(cancelRequestedAt),
    bandwidthLimitBytesPerSecond: limit === null ? null : BigInt(limit),
  }
}
