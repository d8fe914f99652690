import { TransferError } from '../domain/failure.ts'
import type { Db } from './client.ts'
import { notify } from './notifications.ts'

/**
 * Limits what an engine reads for transfers, or with null lifts the limit, that of its environment included. It is kept by the
 * engine's name, so it holds for the next process of that name too. Throws `not_found`.
 */
export async function setEngineBandwidth(db: Db, id: string, bytesPerSecond: number | null): Promise<{ id: string }> {
  const limit = bytesPerSecond === null ? null : BigInt(bytesPerSecond)
  const changed = await db.$executeRaw`
    INSERT INTO "EngineSetting" (name, "bandwidthLimitBytesPerSecond", "updatedAt")
    SELECT name, ${limit}::bigint, now() FROM "Engine" WHERE id = ${id}::uuid
    ON CONFLICT (name) DO UPDATE SET "bandwidthLimitBytesPerSecond" = excluded."bandwidthLimitBytesPerSecond", "updatedAt" = now()`
  if (changed === 0)
    throw new TransferError('not_found', 'There is no such engine any more. Reload the page; it may have a new one.')
  await notify(db, 'sluice_engines', id)
  return { id }
}
