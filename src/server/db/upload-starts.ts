import type { Claim } from './claims.ts'
import type { Db } from './client.ts'

/**
 * Notes that an upload is about to be started, fenced by the plan's claim; false where that is no longer ours. Until `savePlan`
 * has the id, an upload of that moment that nobody knows is an orphan of ours (transfer/orphaned-upload.ts).
 */
export async function noteUploadStart(db: Db, engineId: string, claim: Claim): Promise<boolean> {
  const changed = await db.$executeRaw`UPDATE "Transfer" t SET "uploadStartingAt" = now()
    WHERE t.id = ${claim.transferId}::uuid AND EXISTS (SELECT 1 FROM "PartClaim" c
      WHERE c.id = ${claim.id}::uuid AND c.epoch = ${claim.epoch} AND c."engineId" = ${engineId}::uuid)`
  return changed === 1
}

/** Nothing is left of the upload that was being started at that time. False where another one is being started meanwhile. */
export async function clearUploadStart(db: Db, id: string, startedAt: Date): Promise<boolean> {
  const { count } = await db.transfer.updateMany({
    where: { id, uploadStartingAt: startedAt },
    data: { uploadStartingAt: null },
  })
  return count === 1
}

/** Whether another transfer began to start an upload for the same key of the same bucket in that time, and has not said which yet. */
export async function isStartedBeside(
  db: Db,
  { id, bucketId, key }: { readonly id: string; readonly bucketId: string; readonly key: string },
  from: Date,
  to: Date,
): Promise<boolean> {
  const uploadStartingAt = { gte: from, lte: to }
  return (await db.transfer.count({ where: { bucketId, key, id: { not: id }, uploadStartingAt } })) > 0
}

/** Which of these uploads some transfer has as its own. */
export async function knownUploads(db: Db, uploadIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.transfer.findMany({ where: { uploadId: { in: [...uploadIds] } }, select: { uploadId: true } })
  return new Set(rows.flatMap((row) => row.uploadId ?? []))
}

/**
 * Transfers that will not be planned by themselves any more and may have left an upload behind that was started and never saved.
 * What still waits or runs is looked after when it is planned again.
 */
export async function findUploadStarts(db: Db): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM "Transfer" WHERE "uploadStartingAt" IS NOT NULL AND "uploadId" IS NULL
      AND status IN ('cancelled', 'failed', 'paused', 'completed') AND "uploadStartingAt" < now() - interval '5 seconds'
    LIMIT 8`
  return rows.map((row) => row.id)
}
