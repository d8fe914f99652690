import type { LiveEntry } from '../domain/live.ts'
import type { Db } from './client.ts'

/** Says how far a verification is that reads the object back; false where this engine holds it no more. One statement. */
export async function tellReadBack(db: Db, engineId: string, id: string, entry: LiveEntry): Promise<boolean> {
  const changed = await db.$executeRaw`
    UPDATE "Transfer" t SET live = jsonb_set(t.live, ARRAY[${engineId}], ${JSON.stringify(entry)}::jsonb)
    WHERE t.id = ${id}::uuid AND t.status = 'verifying' AND EXISTS (
      SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id AND c."engineId" = ${engineId}::uuid)`
  return changed === 1
}

/** Takes what this engine said back: it reads no more. */
export async function clearReadBack(db: Db, engineId: string, id: string): Promise<void> {
  await db.$executeRaw`UPDATE "Transfer" SET live = live - ${engineId} WHERE id = ${id}::uuid AND jsonb_exists(live, ${engineId})`
}
