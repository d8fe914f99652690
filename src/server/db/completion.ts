import type { TransferStatus, Verification } from '../domain/transfer.ts'
import type { Claim } from './claims.ts'
import type { Db } from './client.ts'
import type { Prisma } from './generated/client.ts'
import { addEvent, lockTransfer } from './transfer-steps.ts'

/**
 * Takes the right to complete a transfer whose parts are all in the ledger, also one that was paused there and resumed: a lease under an epoch of its own, so that one
 * engine completes and a slow one that comes back cannot (reliability.md section 1). Null where there is nothing to take. From
 * `completingSince` on Complete may be sent, and there is no pausing any more; where the user expects a checksum, that is for `beginComplete` to say.
 * An engine that died with that right is counted (Transfer.crashes), one whose heart still beats is not.
 */
export async function takeCompletion(db: Db, engineId: string, id: string, leaseMs: number): Promise<number | null> {
  const rows = await db.$queryRaw<{ completionEpoch: number }[]>`
    UPDATE "Transfer" t SET status = 'running',
      "completingSince" = CASE WHEN t."expectedChecksum" IS NULL THEN coalesce(t."completingSince", now()) ELSE t."completingSince" END,
      crashes = t.crashes + CASE WHEN EXISTS (SELECT 1 FROM "Engine" e WHERE e.id = t."completionEngineId"
        AND e.id <> ${engineId}::uuid AND e."heartbeatAt" < now() - ${leaseMs / 2} * interval '1 millisecond') THEN 1 ELSE 0 END,
      "completionEngineId" = ${engineId}::uuid,
      "completionEpoch" = t."completionEpoch" + 1, "completionLeaseUntil" = now() + ${leaseMs} * interval '1 millisecond'
    WHERE t.id = ${id}::uuid AND t.status IN ('queued', 'running') AND t."cancelRequestedAt" IS NULL
      AND t."partsDone" = t."partsTotal" AND t."partsTotal" > 0
      AND (t."completionLeaseUntil" IS NULL OR t."completionLeaseUntil" < now())
      AND NOT EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id)
    RETURNING t."completionEpoch"`
  return rows[0]?.completionEpoch ?? null
}

/** Transfers whose parts are all there but which nobody completes: their engine died in between, or they were paused then. */
export async function findCompletable(db: Db): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT t.id FROM "Transfer" t
    WHERE t.status IN ('queued', 'running') AND t."cancelRequestedAt" IS NULL
      AND t."partsDone" = t."partsTotal" AND t."partsTotal" > 0
      AND (t."nextRunAt" IS NULL OR t."nextRunAt" <= now())
      AND (t."completionLeaseUntil" IS NULL OR t."completionLeaseUntil" < now())
      AND NOT EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id)
    LIMIT 8`
  return rows.map((row) => row.id)
}

/**
 * Puts the plan of transfers up for claiming that should run but have no claims left although parts are missing. No path of
 * ours leads there; a transfer that waits for ever would be worse than one statement now and then.
 */
export async function reviveStranded(db: Db): Promise<number> {
  return db.$executeRaw`
    INSERT INTO "PartClaim" (id, "transferId", "firstPart", "lastPart")
    SELECT gen_random_uuid(), t.id, 0, 0 FROM "Transfer" t
    WHERE t.status IN ('queued', 'running') AND t."cancelRequestedAt" IS NULL AND t."partsDone" IS DISTINCT FROM t."partsTotal"
      AND NOT EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id)
    ON CONFLICT DO NOTHING`
}

/**
 * From here on Complete may be sent: a pause that came before is kept to, one that comes after is refused. `digests` of the bytes that are in
 * the bucket are kept, so that whoever completes the transfer instead need not read for them again. False where it was paused or
 * cancelled, or another engine has taken over: then nothing may be sent.
 */
export async function beginComplete(
  db: Db,
  id: string,
  epoch: number,
  digests: Readonly<Record<string, string>>,
): Promise<boolean> {
  const changed = await db.$executeRaw`
    UPDATE "Transfer" SET "completingSince" = coalesce("completingSince", now()),
      "readDigests" = "readDigests" || ${JSON.stringify(digests)}::jsonb
    WHERE id = ${id}::uuid AND status = 'running' AND "completionEpoch" = ${epoch} AND "cancelRequestedAt" IS NULL`
  return changed === 1
}

/** In which a transfer is that is completed, and in which one may be whose object turns out to have been there. */
const COMPLETING = ['running'] as const
export const UNSETTLED = ['queued', 'running', 'paused', 'failed'] as const

/**
 * Ends a transfer as completed under the epoch it was completed with; false where another engine has taken over. A wish to
 * cancel that came too late is gone with it, or the completed transfer could still be taken for one to be cancelled.
 */
export function finishTransfer(
  db: Db,
  engineId: string,
  id: string,
  epoch: number,
  verification: Verification,
  message: string,
  from: readonly TransferStatus[] = COMPLETING,
): Promise<boolean> {
  return db.$transaction(async (tx) => {
    const changed = await tx.$executeRaw`
      UPDATE "Transfer" SET status = 'completed', "finishedAt" = now(), "completingSince" = NULL, "completionEngineId" = NULL,
        "completionLeaseUntil" = NULL, "cancelRequestedAt" = NULL, "uploadId" = NULL, live = '{}', failure = NULL, verification = ${JSON.stringify(verification)}::jsonb
      WHERE id = ${id}::uuid AND status::text = ANY(${[...from]}) AND "completionEpoch" = ${epoch}`
    if (changed === 0) return false
    // Of one that was queued for another try.
    if (from !== COMPLETING) await tx.partClaim.deleteMany({ where: { transferId: id } })
    await addEvent(tx, { transferId: id, engineId, code: 'completed', message })
    return true
  })
}

/** Ends a verification of a completed transfer with what it found; `failure` where the object is not what it should be. */
export function finishVerification(
  db: Db,
  engineId: string,
  claim: Claim,
  verification: Verification,
  message: string,
): Promise<boolean> {
  return db.$transaction(async (tx) => {
    await lockTransfer(tx, claim.transferId)
    const closed = await tx.$executeRaw`DELETE FROM "PartClaim"
      WHERE id = ${claim.id}::uuid AND epoch = ${claim.epoch} AND "engineId" = ${engineId}::uuid`
    if (closed === 0) return false
    await tx.transfer.updateMany({
      where: { id: claim.transferId, status: 'verifying' },
      data: {
        status: 'completed',
        reread: false,
        live: {},
        verification: verification as unknown as Prisma.InputJsonValue,
      },
    })
    const level = verification.verdict === 'mismatch' ? 'error' : 'info'
    await addEvent(tx, { transferId: claim.transferId, engineId, level, code: 'verified', message })
    return true
  })
}

/** A verification could not be made: the transfer is completed as before, and the reason is an event. */
export async function abandonVerification(db: Db, engineId: string, id: string, reason: string): Promise<void> {
  await db.$transaction(async (tx) => {
    await lockTransfer(tx, id)
    const { count } = await tx.partClaim.deleteMany({ where: { transferId: id, engineId } })
    // Without a claim of ours another engine verifies it by now, and says how that ends.
    if (count === 0) return
    await tx.transfer.updateMany({
      where: { id, status: 'verifying' },
      data: { status: 'completed', reread: false, live: {} },
    })
    const message = `Could not be verified again: ${reason}`
    await addEvent(tx, { transferId: id, engineId, level: 'warn', code: 'verify_failed', message })
  })
}

/** A multipart upload that has to go: its transfer is being cancelled, or failed and cannot or may no longer use it. */
export interface UnwantedUpload {
  readonly id: string
  readonly epoch: number
  readonly uploadId: string | null
  readonly cancelling: boolean
}

/**
 * What is mended in the settings of the bucket or of Sluice: nothing is removed for it right away, although trying again as it is would be of
 * no use, so that with the right settings a transfer goes on from its parts.
 */
export const MENDED_IN_SETTINGS = ['bucket_unauthorized', 'bucket_not_found', 'secret_key_changed'] as const

/**
 * Takes unwanted uploads, each under a completion lease, so that two engines do not abort and restart against each other. Where another
 * engine holds the plan it may be writing a small file just now, which nobody can break off: then it is left to that engine, or to the
 * end of its lease.
 */
export function takeUnwantedUploads(
  db: Db,
  engineId: string,
  leaseMs: number,
  keepHours: number,
): Promise<UnwantedUpload[]> {
  return db.$queryRaw<UnwantedUpload[]>`
    WITH pick AS (
      SELECT id FROM "Transfer"
      WHERE ("completionLeaseUntil" IS NULL OR "completionLeaseUntil" < now()) AND (
        ("cancelRequestedAt" IS NOT NULL AND status NOT IN ('cancelled', 'completed', 'verifying')
          AND NOT EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = "Transfer".id AND c."firstPart" = 0
            AND c."engineId" <> ${engineId}::uuid AND c."leaseUntil" >= now()))
        OR (status = 'failed' AND "uploadId" IS NOT NULL
          AND ((failure->>'retry' = 'never' AND failure->>'code' <> ALL(${[...MENDED_IN_SETTINGS]})) OR "finishedAt" < now() - ${keepHours} * interval '1 hour')))
      LIMIT 8 FOR UPDATE SKIP LOCKED
    )
    UPDATE "Transfer" t SET "completionEngineId" = ${engineId}::uuid, "completionEpoch" = t."completionEpoch" + 1,
      "completionLeaseUntil" = now() + ${leaseMs} * interval '1 millisecond'
    FROM pick WHERE t.id = pick.id
    RETURNING t.id, t."completionEpoch" AS epoch, t."uploadId", t."cancelRequestedAt" IS NOT NULL AS cancelling`
}

/**
 * From here on nobody can say that this cancelled transfer is done: what is in the bucket may be looked at and removed. Whoever still
 * writes a small file of it finds its claim gone (finishWhole). False where it has ended meanwhile, so that its object stays.
 */
export function fenceCancelled(db: Db, upload: UnwantedUpload): Promise<boolean> {
  return db.$transaction(async (tx) => {
    const open = await tx.$queryRaw<unknown[]>`
      SELECT id FROM "Transfer" WHERE id = ${upload.id}::uuid AND "completionEpoch" = ${upload.epoch}
        AND "cancelRequestedAt" IS NOT NULL AND status NOT IN ('cancelled', 'completed', 'verifying') FOR UPDATE`
    if (open.length === 0) return false
    await tx.partClaim.deleteMany({ where: { transferId: upload.id, firstPart: 0 } })
    return true
  })
}

/**
 * The upload is gone: nothing of it is left in the ledger, and a cancelled transfer is cancelled now. False where that upload is
 * not the transfer's any more (a plan was saved meanwhile, or it was retried): then nothing is forgotten, only the lease given back.
 */
export function forgetUpload(db: Db, engineId: string, upload: UnwantedUpload): Promise<boolean> {
  return db.$transaction(async (tx) => {
    const changed = await tx.$executeRaw`
      UPDATE "Transfer" SET "uploadId" = NULL, "uploadDialect" = NULL, "doneBytes" = 0, "partsDone" = 0, "completingSince" = NULL, live = '{}',
        "completionEngineId" = NULL, "completionLeaseUntil" = NULL,
        status = CASE WHEN ${upload.cancelling} THEN 'cancelled'::"TransferStatus" ELSE status END,
        "finishedAt" = coalesce("finishedAt", now())
      WHERE id = ${upload.id}::uuid AND "completionEpoch" = ${upload.epoch} AND "uploadId" IS NOT DISTINCT FROM ${upload.uploadId}
        AND CASE WHEN ${upload.cancelling} THEN "cancelRequestedAt" IS NOT NULL AND status <> 'completed'
          ELSE "cancelRequestedAt" IS NULL AND status = 'failed' END`
    if (changed === 0) {
      await tx.$executeRaw`UPDATE "Transfer" SET "completionEngineId" = NULL, "completionLeaseUntil" = NULL
        WHERE id = ${upload.id}::uuid AND "completionEpoch" = ${upload.epoch}`
      return false
    }
    await tx.partClaim.deleteMany({ where: { transferId: upload.id } })
    await tx.part.deleteMany({ where: { transferId: upload.id } })
    const message = upload.cancelling
      ? 'Cancelled; no unfinished upload is left in the bucket.'
      : 'The unfinished upload was removed from the bucket.'
    await addEvent(tx, {
      transferId: upload.id,
      engineId,
      code: upload.cancelling ? 'cancelled' : 'upload_removed',
      message,
    })
    return true
  })
}
