import type { UploadDialect } from '../domain/bucket.ts'
import type { Failure, Warning } from '../domain/failure.ts'
import type { ChecksumAlgorithm, SourceDigest, Verification } from '../domain/transfer.ts'
import type { Claim } from './claims.ts'
import type { Db, DbOrTx } from './client.ts'
import { Prisma } from './generated/client.ts'

/** A transfer with its bucket, as an engine needs it; sealed values are still sealed. */
export type TransferRow = Prisma.TransferGetPayload<{ include: { bucket: true } }>

/** A transfer by id, or null where it was removed meanwhile. */
export function loadTransfer(db: Db, id: string): Promise<TransferRow | null> {
  return db.transfer.findUnique({ where: { id }, include: { bucket: true } })
}

interface NewEvent {
  readonly transferId: string
  readonly engineId: string | null
  readonly code: string
  readonly message: string
  readonly level?: 'info' | 'warn' | 'error'
}

/** Notes something that happened, as a sentence people read. Must not hold secrets. */
export async function addEvent(db: DbOrTx, event: NewEvent): Promise<void> {
  await db.event.create({ data: event })
}

/** The same for what repeats itself: nothing where the transfer has this very sentence already. */
export async function addEventOnce(db: DbOrTx, event: NewEvent): Promise<void> {
  const { transferId, code, message } = event
  if ((await db.event.count({ where: { transferId, code, message } })) === 0) await addEvent(db, event)
}

/** Adds a remark to a transfer, once. */
export async function addWarning(db: DbOrTx, id: string, warning: Warning): Promise<void> {
  const added = JSON.stringify([warning])
  await db.$executeRaw`UPDATE "Transfer" SET warnings = warnings || ${added}::jsonb
    WHERE id = ${id}::uuid AND NOT warnings @> ${added}::jsonb`
}

/**
 * Locks the row of a transfer for the rest of a transaction. Whoever writes both the transfer and its claims locks the transfer
 * first, so that no two of them wait for each other; the actions of the API do the same.
 */
export async function lockTransfer(tx: DbOrTx, id: string): Promise<void> {
  await tx.$executeRaw`SELECT 1 FROM "Transfer" WHERE id = ${id}::uuid FOR UPDATE`
}

/** queued becomes running with the first claim; the moment of the first start is kept. False where it is queued no more. */
export async function beginTransfer(db: Db, id: string): Promise<boolean> {
  const changed =
    await db.$executeRaw`UPDATE "Transfer" SET status = 'running', "startedAt" = coalesce("startedAt", now())
    WHERE id = ${id}::uuid AND status = 'queued' AND "cancelRequestedAt" IS NULL`
  return changed === 1
}

/**
 * `beginTransfer` and `loadTransfer` for many at once, in three statements however many there are: those of `ids` that still
 * are, begun where they were queued.
 */
export async function beginTransfers(db: Db, ids: readonly string[]): Promise<TransferRow[]> {
  await db.$executeRaw`UPDATE "Transfer" SET status = 'running', "startedAt" = coalesce("startedAt", now())
    WHERE id IN (SELECT id FROM "Transfer" WHERE id = ANY(${[...ids]}::uuid[]) AND status = 'queued' AND "cancelRequestedAt" IS NULL
      ORDER BY id FOR UPDATE) AND status = 'queued' AND "cancelRequestedAt" IS NULL`
  return db.transfer.findMany({ where: { id: { in: [...ids] } }, include: { bucket: true } })
}

/** What a plan pins and fixes. Fields left out stay as they are. */
export interface PlanFields {
  readonly sizeBytes: number | null
  readonly etag: string | null
  readonly lastModified: string | null
  readonly acceptsRanges: boolean
  readonly contentType: string | null
  readonly partSizeBytes: number
  readonly sliceSizeBytes: number
  readonly partsTotal: number | null
  readonly uploadId: string | null
  readonly uploadDialect: UploadDialect
  readonly writeToken: string
  readonly sourceDigests: readonly SourceDigest[]
  readonly warnings: readonly Warning[]
}

/**
 * Stores a plan and puts its parts up for claiming, in one transaction fenced by the plan's claim: false where that claim is
 * no longer ours or the transfer is being cancelled, and then nothing was changed. `keptParts` are the numbers in the ledger that the bucket still has.
 */
export function savePlan(
  db: Db,
  engineId: string,
  claim: Claim,
  plan: PlanFields,
  pieces: readonly { firstPart: number; lastPart: number }[],
  keptParts: readonly number[],
): Promise<boolean> {
  return db.$transaction(async (tx) => {
    await lockTransfer(tx, claim.transferId)
    if ((await tx.transfer.count({ where: { id: claim.transferId, cancelRequestedAt: null } })) === 0) return false
    if (!(await closePlanClaim(tx, engineId, claim))) return false
    await tx.partClaim.deleteMany({ where: { transferId: claim.transferId } })
    await tx.part.deleteMany({ where: { transferId: claim.transferId, number: { notIn: [...keptParts] } } })
    const kept = await tx.part.aggregate({
      where: { transferId: claim.transferId },
      _sum: { sizeBytes: true },
      _count: true,
    })
    const { warnings, sourceDigests, uploadDialect, ...fields } = plan
    // Complete may have been sent for an upload that still has all its parts; of any other nothing can be at the key.
    const isWhole = plan.partsTotal !== null && kept._count === plan.partsTotal
    await tx.transfer.update({
      where: { id: claim.transferId },
      data: {
        ...fields,
        uploadStartingAt: null,
        uploadDialect: uploadDialect as unknown as Prisma.InputJsonValue,
        ...(!isWhole && { completingSince: null }),
        readDigests: {},
        sourceDigests: sourceDigests as unknown as Prisma.InputJsonValue,
        warnings: warnings as unknown as Prisma.InputJsonValue,
        doneBytes: kept._sum.sizeBytes ?? 0n,
        partsDone: kept._count,
        failure: Prisma.DbNull,
      },
    })
    await tx.partClaim.createMany({ data: pieces.map((piece) => ({ transferId: claim.transferId, ...piece })) })
    return true
  })
}

async function closePlanClaim(tx: DbOrTx, engineId: string, claim: Claim): Promise<boolean> {
  const closed = await tx.$executeRaw`DELETE FROM "PartClaim"
    WHERE id = ${claim.id}::uuid AND epoch = ${claim.epoch} AND "engineId" = ${engineId}::uuid`
  return closed === 1
}

/**
 * Forgets upload, parts and plan, and asks for a new plan, to be made after `delayMs`. The caller has aborted the upload, or
 * knows that it is gone.
 */
export async function startOver(
  db: Db,
  engineId: string,
  id: string,
  event: { code: string; message: string },
  delayMs = 0,
): Promise<boolean> {
  return db.$transaction(async (tx) => {
    const changed = await tx.$executeRaw`
      UPDATE "Transfer" t SET "uploadId" = NULL, "uploadDialect" = NULL, "partsTotal" = NULL, "partSizeBytes" = NULL, "sizeBytes" = NULL, etag = NULL,
        "lastModified" = NULL, "acceptsRanges" = NULL, "doneBytes" = 0, "partsDone" = 0, "completingSince" = NULL,
        "completionEngineId" = NULL, "completionLeaseUntil" = NULL, "nextRunAt" = now() + ${delayMs} * interval '1 millisecond'
      WHERE t.id = ${id}::uuid AND t.status = 'running' AND t."cancelRequestedAt" IS NULL AND (
        t."completionEngineId" = ${engineId}::uuid
        OR EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id AND c."engineId" = ${engineId}::uuid))`
    if (changed === 0) return false
    await tx.part.deleteMany({ where: { transferId: id } })
    await tx.partClaim.deleteMany({ where: { transferId: id } })
    await tx.partClaim.create({ data: { transferId: id, firstPart: 0, lastPart: 0 } })
    await addEvent(tx, { transferId: id, engineId, level: 'warn', ...event })
    return true
  })
}

/**
 * A source that was read in one stream has ended: the plan learns its size, number of parts and digests. False where the claim it was read under is
 * no longer ours: then another engine reads the source anew, and our numbers are not its.
 */
export async function saveEnd(
  db: Db,
  engineId: string,
  claim: Claim,
  end: {
    readonly sizeBytes: number
    readonly partsTotal: number
    readonly lengthVerified: boolean
    readonly digests: Readonly<Partial<Record<ChecksumAlgorithm, string>>>
  },
): Promise<boolean> {
  const { sizeBytes, partsTotal, lengthVerified, digests } = end
  const warning = {
    code: 'length_not_verified',
    message: 'The source gave no length and closed the connection at the end, so a cut connection would look the same.',
  }
  const added = JSON.stringify(lengthVerified ? [] : [warning])
  const changed = await db.$executeRaw`UPDATE "Transfer" t SET "sizeBytes" = ${sizeBytes}, "partsTotal" = ${partsTotal},
    "readDigests" = ${JSON.stringify(digests)}::jsonb, warnings = CASE WHEN warnings @> ${added}::jsonb THEN warnings ELSE warnings || ${added}::jsonb END
    WHERE t.id = ${claim.transferId}::uuid AND EXISTS (SELECT 1 FROM "PartClaim" c
      WHERE c.id = ${claim.id}::uuid AND c.epoch = ${claim.epoch} AND c."engineId" = ${engineId}::uuid)`
  return changed === 1
}

/**
 * Whether an engine has a say in a running transfer: it holds one of its claims, or the right to complete it. Where it has none, others have
 * begun anew or taken over, and what is in the row (the upload, say) is theirs.
 */
export async function hasSay(db: Db, engineId: string, id: string): Promise<boolean> {
  const rows = await db.$queryRaw<unknown[]>`
    SELECT 1 FROM "Transfer" t WHERE t.id = ${id}::uuid AND (t."completionEngineId" = ${engineId}::uuid
      OR EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id AND c."engineId" = ${engineId}::uuid))`
  return rows.length > 0
}

/** How often a transfer has started over since somebody last asked for it to be tried again. */
export async function countStartOvers(db: Db, transferId: string): Promise<number> {
  const retried = await db.event.findFirst({
    where: { transferId, code: 'retried' },
    select: { id: true },
    orderBy: { id: 'desc' },
  })
  return db.event.count({ where: { transferId, code: 'started_over', id: { gt: retried?.id ?? 0n } } })
}

/**
 * Ends a transfer as failed, where this engine still has a say in it. Its claims go back, so that a retry finds them free.
 * `completingSince` stays: where Complete may have been sent, whoever cancels or retries it has to look at the key.
 */
export async function failTransfer(db: Db, engineId: string, id: string, failure: Failure): Promise<boolean> {
  return db.$transaction(async (tx) => {
    const changed = await tx.$executeRaw`
      UPDATE "Transfer" t SET status = 'failed', failure = ${JSON.stringify(failure)}::jsonb, "finishedAt" = now(),
        live = '{}', "completionEngineId" = NULL, "completionLeaseUntil" = NULL
      WHERE t.id = ${id}::uuid AND t.status IN ('queued', 'running', 'verifying') AND t."cancelRequestedAt" IS NULL AND (
        t."completionEngineId" = ${engineId}::uuid
        OR EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id AND c."engineId" = ${engineId}::uuid))`
    if (changed === 0) return false
    await tx.$executeRaw`UPDATE "PartClaim" SET "engineId" = NULL, "leaseUntil" = NULL WHERE "transferId" = ${id}::uuid`
    await addEvent(tx, { transferId: id, engineId, level: 'error', code: failure.code, message: failure.message })
    return true
  })
}

/**
 * Lets a transfer wait after a fault that time may heal, and counts an attempt without progress. With parts to be moved it is
 * queued again; with only the completion left it stays running and is completed later, and `completingSince` stays, since Complete may
 * have been sent. Nothing happens where this engine has no say in it any more.
 */
export async function requeueTransfer(
  db: Db,
  engineId: string,
  id: string,
  delayMs: number,
  reason: string,
): Promise<void> {
  await db.$transaction(async (tx) => {
    const changed = await tx.$executeRaw`
      UPDATE "Transfer" t SET attempts = attempts + 1, "nextRunAt" = now() + ${delayMs} * interval '1 millisecond',
        "completionEngineId" = NULL, "completionLeaseUntil" = NULL,
        status = CASE WHEN EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id) THEN 'queued'::"TransferStatus"
          ELSE t.status END
      WHERE t.id = ${id}::uuid AND t.status = 'running' AND (
        t."completionEngineId" = ${engineId}::uuid
        OR EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id AND c."engineId" = ${engineId}::uuid))`
    if (changed === 0) return
    await tx.$executeRaw`UPDATE "PartClaim" SET "engineId" = NULL, "leaseUntil" = NULL
      WHERE "transferId" = ${id}::uuid AND "engineId" = ${engineId}::uuid`
    const message = `Waiting ${Math.ceil(delayMs / 1000)} s before going on: ${reason}`
    await addEvent(tx, { transferId: id, engineId, level: 'warn', code: 'waiting', message })
  })
}

/** Ends a plan whose transfer needs no parts: an empty file, or a key that is there already and may stay. */
export function finishPlan(
  db: Db,
  engineId: string,
  claim: Claim,
  outcome: { sizeBytes: number; verification: Verification | null; warnings: readonly Warning[]; message: string },
): Promise<boolean> {
  return db.$transaction(async (tx) => {
    await lockTransfer(tx, claim.transferId)
    if (!(await closePlanClaim(tx, engineId, claim))) return false
    await tx.partClaim.deleteMany({ where: { transferId: claim.transferId } })
    await tx.transfer.update({
      where: { id: claim.transferId },
      data: {
        status: 'completed',
        finishedAt: new Date(),
        sizeBytes: outcome.sizeBytes,
        doneBytes: outcome.sizeBytes,
        partsTotal: 0,
        uploadId: null,
        cancelRequestedAt: null,
        warnings: outcome.warnings as unknown as Prisma.InputJsonValue,
        verification: outcome.verification ? (outcome.verification as unknown as Prisma.InputJsonValue) : Prisma.DbNull,
      },
    })
    await addEvent(tx, { transferId: claim.transferId, engineId, code: 'completed', message: outcome.message })
    return true
  })
}

/** The ledger of a transfer, by part number. */
export function loadLedger(db: Db, transferId: string) {
  return db.part.findMany({
    where: { transferId },
    select: { number: true, sizeBytes: true, etag: true, crc32c: true, checksums: true },
    orderBy: { number: 'asc' },
  })
}
