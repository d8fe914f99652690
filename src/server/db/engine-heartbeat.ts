import type { EngineStats } from '../domain/engine.ts'
import { INSPECTION_TIMEOUT_MS } from '../domain/inspection.ts'
import type { Db } from './client.ts'

/** Who an engine says it is. */
export interface EngineIdentity {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly pid: number
  /** Where its status and metrics are served. */
  readonly url: string
  /** See config/process-identity.ts; `machine` is null where it is not known. */
  readonly machine: string | null
  readonly process: string
}

/** What is wanted of an engine by now. */
export interface EngineWishes {
  /** Null lifts the limit; undefined: nobody has said anything, so the environment's counts. */
  readonly bandwidthLimitBytesPerSecond: number | null | undefined
  /** A transfer waits for somebody to complete it: the engine that had the right to has let its lease end. */
  readonly hasAbandonedCompletion: boolean
  /** Somebody waits for an inspection that no engine has answered yet. */
  readonly hasInspection: boolean
  /** Somebody waits for what this engine alone knows. */
  readonly hasQuestion: boolean
}

/**
 * Writes that the engine lives, with its latest figures, and reads what is wanted of it; the first beat makes the row. Times are
 * the database's.
 */
export async function beat(db: Db, engine: EngineIdentity, stats: EngineStats): Promise<EngineWishes> {
  const [row] = await db.$queryRaw<
    { isSet: boolean; limit: bigint | null; isAbandoned: boolean; hasInspection: boolean; hasQuestion: boolean }[]
  >`
    INSERT INTO "Engine" (id, name, version, pid, url, machine, process, stats)
    VALUES (${engine.id}::uuid, ${engine.name}, ${engine.version}, ${engine.pid}, ${engine.url}, ${engine.machine}, ${engine.process},
      ${JSON.stringify(stats)}::jsonb)
    ON CONFLICT (id) DO UPDATE SET "heartbeatAt" = now(), stats = excluded.stats
    RETURNING EXISTS (SELECT 1 FROM "EngineSetting" s WHERE s.name = ${engine.name}) AS "isSet",
      (SELECT s."bandwidthLimitBytesPerSecond" FROM "EngineSetting" s WHERE s.name = ${engine.name}) AS limit,
      EXISTS (SELECT 1 FROM "Transfer" t WHERE t.status = 'running' AND t."completionLeaseUntil" < now()
        AND t."cancelRequestedAt" IS NULL AND (t."nextRunAt" IS NULL OR t."nextRunAt" <= now())) AS "isAbandoned",
      EXISTS (SELECT 1 FROM "Inspection" i WHERE i."answeredAt" IS NULL
        AND i."createdAt" > now() - ${INSPECTION_TIMEOUT_MS}::int * interval '1 millisecond') AS "hasInspection",
      EXISTS (SELECT 1 FROM "EngineQuestion" q WHERE q."engineId" = ${engine.id}::uuid
        AND q."answeredAt" IS NULL) AS "hasQuestion"`
  const limit = row?.limit == null ? null : Number(row.limit)
  return {
    bandwidthLimitBytesPerSecond: row?.isSet ? limit : undefined,
    hasAbandonedCompletion: row?.isAbandoned ?? false,
    hasInspection: row?.hasInspection ?? false,
    hasQuestion: row?.hasQuestion ?? false,
  }
}

/** Says goodbye, so that nobody waits for the heartbeat to go silent. */
export async function sayGoodbye(db: Db, engineId: string): Promise<void> {
  await db.$executeRaw`UPDATE "Engine" SET "stoppedAt" = now(), stats = '{}' WHERE id = ${engineId}::uuid`
}

/** Engines of the same machine that never said goodbye, with their processes; the caller looks which of them still run. */
export function unendedEngines(db: Db, machine: string): Promise<{ id: string; process: string | null }[]> {
  return db.engine.findMany({ where: { machine, stoppedAt: null }, select: { id: true, process: true } })
}
