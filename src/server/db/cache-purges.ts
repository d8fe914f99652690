import { type PurgeTarget, purgeTargetSchema } from '../domain/cache.ts'
import { ENGINE_SILENT_AFTER_MS } from '../domain/engine.ts'
import type { Db, DbOrTx } from './client.ts'
import { type Notifications, notify } from './notifications.ts'

/** Purges are given out one after another, so that the order of their ids is the order in which they can be seen. */
const PURGE_LOCK = 72_707_370
const WAIT_MS = 5_000
const POLL_MS = 500
/** A tier that was away for longer than this is emptied whole when it comes back. */
const KEEP_DAYS = 30

export interface PurgeRow {
  readonly id: bigint
  readonly target: PurgeTarget
}

/** What a purge came to, over the engines that have applied it so far. */
export interface PurgeOutcome {
  id: number
  slices: number
  bytes: number
  /** Engines that have applied it, and healthy ones that have not yet; those and later ones will. */
  engines: number
  enginesWaiting: number
}

/** Writes down what to purge. Every engine applies it, also one that starts later with what it had on disk. */
export async function requestPurge(db: Db, target: PurgeTarget): Promise<bigint> {
  const id = await db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${PURGE_LOCK})`
    const row = await tx.cachePurge.create({ data: { target }, select: { id: true } })
    await notify(tx, 'sluice_cache', 'purge')
    return row.id
  })
  await db.$executeRaw`
    DELETE FROM "CachePurge" WHERE id < ${id} AND "requestedAt" < now() - ${KEEP_DAYS}::int * interval '1 day'`
  return id
}

/** Waits until every healthy engine has applied a purge, for a few seconds at most, and tells what went. */
export async function awaitPurge(
  db: DbOrTx,
  notifications: Notifications,
  id: bigint,
  signal?: AbortSignal,
): Promise<PurgeOutcome> {
  const hints = notifications.hints('sluice_cache')
  try {
    const endMs = performance.now() + WAIT_MS
    for (;;) {
      const outcome = await purgeOutcome(db, id)
      if (outcome.enginesWaiting === 0 || performance.now() >= endMs || signal?.aborted) return outcome
      await hints.next(POLL_MS, signal)
    }
  } finally {
    hints.close()
  }
}

async function purgeOutcome(db: DbOrTx, id: bigint): Promise<PurgeOutcome> {
  const [row] = await db.$queryRaw<{ slices: bigint; bytes: bigint; engines: bigint; waiting: bigint }[]>`
    SELECT coalesce(sum(slices), 0)::bigint AS slices, coalesce(sum(bytes), 0)::bigint AS bytes, count(*) AS engines,
      (SELECT count(*) FROM "Engine" e WHERE e."stoppedAt" IS NULL
        AND e."heartbeatAt" > now() - ${ENGINE_SILENT_AFTER_MS}::int * interval '1 millisecond'
        AND NOT EXISTS (SELECT 1 FROM "CachePurgeResult" r WHERE r."purgeId" = ${id} AND r."engineId" = e.id)) AS waiting
    FROM "CachePurgeResult" WHERE "purgeId" = ${id}`
  return {
    id: Number(id),
    slices: Number(row?.slices ?? 0),
    bytes: Number(row?.bytes ?? 0),
    engines: Number(row?.engines ?? 0),
    enginesWaiting: Number(row?.waiting ?? 0),
  }
}

/** The ids of the oldest and the latest purge that are kept; null where there is none. For an engine. */
export async function purgeSpan(db: DbOrTx): Promise<{ first: bigint; last: bigint } | null> {
  const [row] = await db.$queryRaw<{ first: bigint | null; last: bigint | null }[]>`
    SELECT min(id) AS first, max(id) AS last FROM "CachePurge"`
  return row?.first == null || row.last == null ? null : { first: row.first, last: row.last }
}

/** Purges after that id, in their order. For an engine. One that cannot be read is taken for a purge of everything. */
export async function purgesAfter(db: DbOrTx, id: bigint): Promise<PurgeRow[]> {
  const rows = await db.cachePurge.findMany({ where: { id: { gt: id } }, orderBy: { id: 'asc' } })
  return rows.map((row) => ({ id: row.id, target: purgeTargetSchema.safeParse(row.target).data ?? 'all' }))
}

/** Says what an engine removed, and tells whoever waits. */
export async function recordPurge(
  db: DbOrTx,
  purgeId: bigint,
  engineId: string,
  removed: { slices: number; bytes: number },
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO "CachePurgeResult" ("purgeId", "engineId", slices, bytes)
    SELECT id, ${engineId}::uuid, ${removed.slices}, ${BigInt(removed.bytes)} FROM "CachePurge" WHERE id = ${purgeId}
    ON CONFLICT DO NOTHING`
  await notify(db, 'sluice_cache', 'purged')
}
