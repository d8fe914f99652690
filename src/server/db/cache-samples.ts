import type { CacheHistory } from '../domain/cache.ts'
import type { DbOrTx } from './client.ts'

const KEEP_HOURS = 24
const STEPS = 60

/** What was counted since the sample before, and what is held now. */
export interface CacheSample {
  readonly hits: number
  readonly misses: number
  readonly hitBytes: number
  readonly storedBytes: number
  readonly evictions: number
  readonly memoryBytes: number
  readonly diskBytes: number
}

/** Writes some seconds of one engine's cache; forgets what is older than a day. */
export async function addCacheSample(db: DbOrTx, engineId: string, sample: CacheSample): Promise<void> {
  await db.$executeRaw`
    INSERT INTO "CacheSample" ("engineId", hits, misses, "hitBytes", "storedBytes", evictions, "memoryBytes", "diskBytes")
    VALUES (${engineId}::uuid, ${sample.hits}, ${sample.misses}, ${BigInt(sample.hitBytes)}, ${BigInt(sample.storedBytes)},
      ${sample.evictions}, ${BigInt(sample.memoryBytes)}, ${BigInt(sample.diskBytes)})`
  await db.$executeRaw`
    DELETE FROM "CacheSample" WHERE id IN (
      SELECT id FROM "CacheSample" WHERE at < now() - ${KEEP_HOURS}::int * interval '1 hour' ORDER BY id LIMIT 1000)`
}

/** The last `hours` in sixty steps, over all engines. Every step has a point, with zeros where nothing was asked for. */
export async function cacheHistory(db: DbOrTx, hours: number): Promise<CacheHistory> {
  const stepMs = (hours * 3_600_000) / STEPS
  const rows = await db.$queryRaw<
    { step: number; hits: bigint; misses: bigint; hitBytes: bigint; storedBytes: bigint; evictions: bigint }[]
  >`
    SELECT floor(extract(epoch FROM (now() - at)) * 1000 / ${stepMs}::float8)::int AS step,
      sum(hits)::bigint AS hits, sum(misses)::bigint AS misses, sum("hitBytes")::bigint AS "hitBytes",
      sum("storedBytes")::bigint AS "storedBytes", sum(evictions)::bigint AS evictions
    FROM "CacheSample" WHERE at > now() - ${hours}::float8 * interval '1 hour' GROUP BY 1`
  const byStep = new Map(rows.map((row) => [row.step, row]))
  const nowMs = Date.now()
  return {
    stepMs,
    steps: Array.from({ length: STEPS }, (_, index) => {
      const row = byStep.get(STEPS - 1 - index)
      return {
        at: new Date(nowMs - (STEPS - index) * stepMs),
        hits: Number(row?.hits ?? 0),
        misses: Number(row?.misses ?? 0),
        hitBytes: Number(row?.hitBytes ?? 0),
        storedBytes: Number(row?.storedBytes ?? 0),
        evictions: Number(row?.evictions ?? 0),
      }
    }),
  }
}
