import type { DbOrTx } from './client.ts'
import { newId } from './new-id.ts'

/** How many read lanes an origin was last found to be worth; null where nobody has found out. `baseUrl` is scheme://host:port. */
export async function learnedLanesOf(db: DbOrTx, baseUrl: string): Promise<number | null> {
  const row = await db.origin.findUnique({ where: { baseUrl }, select: { learnedLanes: true } })
  return row?.learnedLanes ?? null
}

/** Remembers it for the next transfer, on whatever engine. */
export async function saveLearnedLanes(db: DbOrTx, baseUrl: string, lanes: number): Promise<void> {
  await db.$executeRaw`
    INSERT INTO "Origin" (id, "baseUrl", "learnedLanes", "updatedAt") VALUES (${newId()}::uuid, ${baseUrl}, ${lanes}, now())
    ON CONFLICT ("baseUrl") DO UPDATE SET "learnedLanes" = excluded."learnedLanes", "updatedAt" = now()
      WHERE "Origin"."learnedLanes" IS DISTINCT FROM excluded."learnedLanes"`
}
