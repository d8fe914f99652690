import type { Db } from './client.ts'

/** A right to work on parts `[firstPart, lastPart]` of a transfer, both included; part 0 alone is the plan. */
export interface Claim {
  readonly id: string
  readonly transferId: string
  readonly firstPart: number
  readonly lastPart: number
  readonly epoch: number
  /** The engine whose lease on it had run out, where it was taken over from one. */
  readonly lostBy?: string | null
}

/** Looked at for each piece that is wanted, because other engines may be claiming the first of them just now. */
const CANDIDATES = 4
/** Of the free pieces of a transfer an engine takes an eighth at once, so that it asks seldom while there are many and leaves the last ones to others. */
const SHARE_OF_FREE = 8
/** But no more than this: what an engine holds and has not begun waits for its lease where it dies. */
const MOST_OF_FREE = 16

interface ClaimOptions {
  readonly engineId: string
  readonly leaseMs: number
  readonly limit: number
}

/**
 * Claims the first free piece of work of each of up to `limit` transfers that this engine is not working on yet, highest
 * priority and oldest first. A claim is free when nobody holds it or its lease has ended by the database's clock.
 * Parts wait as long as the transfer has a plan to be made or checked. An engine that finds nothing, while others have parts
 * of transfers it does not work on, says so in the same statement, and they give it some (share-work.ts). Its price hardly
 * grows with the queue: candidates come in the order of an index, until there are enough.
 */
export function claimTransfers(db: Db, options: ClaimOptions & { activeIds: readonly string[] }): Promise<Claim[]> {
  return db.$queryRaw<Claim[]>`
    WITH candidate AS MATERIALIZED (
      SELECT first.id, row_number() OVER () AS rank
      FROM (
        SELECT t.id FROM "Transfer" t
        WHERE t.status IN ('queued', 'running', 'verifying') AND t."cancelRequestedAt" IS NULL
          AND (t."nextRunAt" IS NULL OR t."nextRunAt" <= now()) AND (t."startAt" IS NULL OR t."startAt" <= now())
          AND NOT (t.id = ANY(${[...options.activeIds]}::uuid[]))
        ORDER BY t.priority DESC, t."createdAt"
      ) t CROSS JOIN LATERAL (
        SELECT f.id, f."firstPart" FROM "PartClaim" f
        WHERE f."transferId" = t.id AND (f."engineId" IS NULL OR f."leaseUntil" < now())
        ORDER BY f."firstPart" LIMIT 1
      ) first
      WHERE first."firstPart" = 0 OR NOT EXISTS (SELECT 1 FROM "PartClaim" p WHERE p."transferId" = t.id AND p."firstPart" = 0)
      LIMIT ${options.limit * CANDIDATES}
    ), pick AS (
      SELECT c.id, c."engineId" AS "lostBy" FROM candidate JOIN "PartClaim" c ON c.id = candidate.id
      WHERE c."engineId" IS NULL OR c."leaseUntil" < now()
      ORDER BY candidate.rank
      LIMIT ${options.limit} FOR UPDATE OF c SKIP LOCKED
    ), asked AS (
      UPDATE "Engine" e SET "wantsWorkAt" = CASE WHEN EXISTS (SELECT 1 FROM pick) THEN NULL ELSE now() END
      WHERE e.id = ${options.engineId}::uuid AND CASE WHEN EXISTS (SELECT 1 FROM pick) THEN e."wantsWorkAt" IS NOT NULL
        ELSE EXISTS (
          SELECT 1 FROM "PartClaim" o JOIN "Transfer" t ON t.id = o."transferId"
          WHERE t.status = 'running' AND o."firstPart" > 0 AND o."engineId" <> e.id AND o."leaseUntil" >= now()
            AND NOT (t.id = ANY(${[...options.activeIds]}::uuid[]))) END
    )
    UPDATE "PartClaim" c SET "engineId" = ${options.engineId}::uuid, epoch = c.epoch + 1,
      "leaseUntil" = now() + ${options.leaseMs} * interval '1 millisecond'
    FROM pick WHERE c.id = pick.id
    RETURNING c.id, c."transferId", c."firstPart", c."lastPart", c.epoch, pick."lostBy"`
}

/**
 * Claims `limit` more free pieces of one transfer, lowest parts first, or an eighth of those that are free where that is more (up to 16);
 * with `isOfDead` only up to `limit` of those whose holder's lease has ended. Empty where it may not run any more.
 */
export async function claimParts(
  db: Db,
  transferId: string,
  options: ClaimOptions & { readonly isOfDead: boolean },
): Promise<Claim[]> {
  const claims = await db.$queryRaw<Claim[]>`
    WITH pick AS (
      SELECT c.id FROM "PartClaim" c JOIN "Transfer" t ON t.id = c."transferId"
      WHERE t.id = ${transferId}::uuid AND t.status = 'running' AND t."cancelRequestedAt" IS NULL
        AND c."firstPart" > 0 AND ((c."engineId" IS NULL AND NOT ${options.isOfDead}) OR c."leaseUntil" < now())
        AND NOT EXISTS (SELECT 1 FROM "PartClaim" p WHERE p."transferId" = t.id AND p."firstPart" = 0)
      ORDER BY c."firstPart"
      LIMIT CASE WHEN ${options.isOfDead} THEN ${options.limit}::int ELSE greatest(${options.limit}::int, least(${MOST_OF_FREE}::int,
        (SELECT count(*)::int FROM "PartClaim" f WHERE f."transferId" = ${transferId}::uuid AND f."engineId" IS NULL) / ${SHARE_OF_FREE}::int)) END
      FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE "PartClaim" c SET "engineId" = ${options.engineId}::uuid, epoch = c.epoch + 1,
      "leaseUntil" = now() + ${options.leaseMs} * interval '1 millisecond'
    FROM pick WHERE c.id = pick.id
    RETURNING c.id, c."transferId", c."firstPart", c."lastPart", c.epoch`
  return claims.sort((a, b) => a.firstPart - b.firstPart)
}

/** Parts of claims that are in the ledger already, from whoever held them before, by the id of the claim. Of those that nobody held before nothing is asked. */
export async function recordedParts(db: Db, claims: readonly Claim[]): Promise<(claim: Claim) => ReadonlySet<number>> {
  const ids = claims.flatMap((claim) => (claim.epoch > 1 ? claim.id : []))
  const rows =
    ids.length === 0
      ? []
      : await db.$queryRaw<{ id: string; numbers: number[] }[]>`
    SELECT c.id, array_agg(p.number) AS numbers FROM "PartClaim" c
    JOIN "Part" p ON p."transferId" = c."transferId" AND p.number BETWEEN c."firstPart" AND c."lastPart"
    WHERE c.id = ANY(${ids}::uuid[]) GROUP BY c.id`
  const byId = new Map(rows.map(({ id, numbers }) => [id, new Set(numbers)]))
  return (claim) => byId.get(claim.id) ?? NOTHING
}

const NOTHING: ReadonlySet<number> = new Set()

/**
 * Renews the claims an engine works on, and its rights to complete those transfers, in one statement; returns the claims that are still its own.
 * Claims it does not name run out: one that arrived when nobody waited for it any more must not be held for ever.
 */
export async function renewClaims(
  db: Db,
  engineId: string,
  leaseMs: number,
  work: { readonly claimIds: readonly string[]; readonly transferIds: readonly string[] },
): Promise<Set<string>> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    WITH completing AS (
      UPDATE "Transfer" SET "completionLeaseUntil" = now() + ${leaseMs} * interval '1 millisecond'
      WHERE id = ANY(${[...work.transferIds]}::uuid[]) AND "completionEngineId" = ${engineId}::uuid
        AND "completionLeaseUntil" >= now()
    )
    UPDATE "PartClaim" SET "leaseUntil" = now() + ${leaseMs} * interval '1 millisecond'
    WHERE id = ANY(${[...work.claimIds]}::uuid[]) AND "engineId" = ${engineId}::uuid AND "leaseUntil" >= now()
    RETURNING id`
  return new Set(rows.map((row) => row.id))
}

/** Gives claims nothing was begun of to whoever wants work, and tells the others so. */
export async function giveClaimsBack(
  db: Db,
  engineId: string,
  transferId: string,
  claimIds: readonly string[],
): Promise<void> {
  await db.$executeRaw`
    WITH given AS (
      UPDATE "PartClaim" SET "engineId" = NULL, "leaseUntil" = NULL
      WHERE id = ANY(${[...claimIds]}::uuid[]) AND "engineId" = ${engineId}::uuid
    )
    SELECT pg_notify('sluice_transfers', ${transferId})`
}

/**
 * An engine died while it worked on transfers: each of those counts it (Transfer.crashes). Of one transfer, its other claims that
 * have run out become free, so that the next one to take one does not count the same death again; and one that was only too slow
 * to renew, because its heart still beats, is not counted.
 */
export async function countCrashes(
  db: Db,
  deadEngineId: string,
  of?: { readonly transferId: string; readonly leaseMs: number },
): Promise<void> {
  if (of)
    await db.$executeRaw`
      WITH freed AS (
        UPDATE "PartClaim" SET "engineId" = NULL, "leaseUntil" = NULL
        WHERE "transferId" = ${of.transferId}::uuid AND "engineId" = ${deadEngineId}::uuid AND "leaseUntil" < now()
      )
      UPDATE "Transfer" SET crashes = crashes + 1 WHERE id = ${of.transferId}::uuid AND status IN ('running', 'verifying') AND EXISTS (
        SELECT 1 FROM "Engine" e WHERE e.id = ${deadEngineId}::uuid AND e."heartbeatAt" < now() - ${of.leaseMs / 2} * interval '1 millisecond')`
  else
    await db.$executeRaw`
      UPDATE "Transfer" t SET crashes = crashes + 1 WHERE t.status IN ('running', 'verifying') AND (t."completionEngineId" = ${deadEngineId}::uuid
        OR EXISTS (SELECT 1 FROM "PartClaim" c WHERE c."transferId" = t.id AND c."engineId" = ${deadEngineId}::uuid))`
}

/**
 * Hands work back at once, the right to complete included, so that others need not wait for the lease to end: of one transfer,
 * or of all.
 */
export async function releaseClaims(db: Db, engineId: string, transferId?: string): Promise<void> {
  if (transferId)
    await db.$executeRaw`
      WITH completing AS (
        UPDATE "Transfer" SET "completionEngineId" = NULL, "completionLeaseUntil" = NULL
        WHERE id = ${transferId}::uuid AND "completionEngineId" = ${engineId}::uuid
      )
      UPDATE "PartClaim" SET "engineId" = NULL, "leaseUntil" = NULL
      WHERE "engineId" = ${engineId}::uuid AND "transferId" = ${transferId}::uuid`
  else
    await db.$executeRaw`
      WITH completing AS (
        UPDATE "Transfer" SET "completionEngineId" = NULL, "completionLeaseUntil" = NULL WHERE "completionEngineId" = ${engineId}::uuid
      )
      UPDATE "PartClaim" SET "engineId" = NULL, "leaseUntil" = NULL WHERE "engineId" = ${engineId}::uuid`
}
