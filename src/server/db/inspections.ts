import { type Failure, failureSchema, TransferError } from '../domain/failure.ts'
import {
  type BucketAnswer,
  type BucketQuestion,
  INSPECTION_TIMEOUT_MS,
  type InspectionOutcome,
  type LifecycleAnswer,
  type LifecycleQuestion,
  type SourceAnswer,
  type SourceQuestion,
} from '../domain/inspection.ts'
import type { Sealer } from '../secrets.ts'
import type { Db, DbOrTx } from './client.ts'
import { hasHealthyEngine } from './engines.ts'
import type { Prisma } from './generated/client.ts'
import { newId } from './new-id.ts'
import { type Notifications, notify } from './notifications.ts'

/** A question of the web, as an engine gets it. */
export type InspectionQuestion =
  | { kind: 'source'; question: SourceQuestion }
  | { kind: 'bucket'; question: BucketQuestion }
  | { kind: 'lifecycle'; question: LifecycleQuestion }

const POLL_MS = 1_000
/** A claimed question that is not answered by then may be claimed again: its engine is gone. */
const RECLAIM_AFTER_MS = 5_000

interface Asking {
  db: Db
  sealer: Sealer
  notifications: Pick<Notifications, 'hints'>
  signal?: AbortSignal
  timeoutMs?: number
}

/** What an engine finds at a URL. Throws the engine's failure, `no_engine`, or `timed_out` after 15 s. */
export async function askSource(asking: Asking, question: SourceQuestion): Promise<SourceAnswer> {
  return (await ask(asking, { kind: 'source', question })) as SourceAnswer
}

/** Whether a bucket works, tried by an engine. Throws as `askSource` does. */
export async function askBucket(asking: Asking, question: BucketQuestion): Promise<BucketAnswer> {
  return (await ask(asking, { kind: 'bucket', question })) as BucketAnswer
}

/** Has an engine install the rule that removes unfinished uploads. Throws as `askSource` does. */
export async function askLifecycle(asking: Asking, question: LifecycleQuestion): Promise<LifecycleAnswer> {
  return (await ask(asking, { kind: 'lifecycle', question })) as LifecycleAnswer
}

async function ask(asking: Asking, asked: InspectionQuestion): Promise<unknown> {
  const { db, sealer, notifications, signal } = asking
  const deadline = performance.now() + (asking.timeoutMs ?? INSPECTION_TIMEOUT_MS)
  const id = newId()
  const hints = notifications.hints('sluice_inspections', id)
  try {
    if (!(await put(db, sealer, id, asked))) throw noEngine(asked.kind)
    for (;;) {
      const row = await db.inspection.findUnique({
        where: { id },
        select: { answeredAt: true, result: true, failure: true, claimedAt: true },
      })
      if (row?.answeredAt) return readAnswer(row)
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || signal?.aborted) {
        await db.inspection.deleteMany({ where: { id, answeredAt: null } })
        if (row && !row.claimedAt && !(await hasHealthyEngine(db))) throw noEngine(asked.kind)
        throw timedOut(asked.kind)
      }
      await hints.next(Math.min(POLL_MS, leftMs), signal)
    }
  } finally {
    hints.close()
  }
}

/**
 * Has an engine find out what the store of a saved bucket can do, without waiting for it: it notes that in the bucket's row. Where none
 * runs, the first transfer does it.
 */
export async function lookAtBucket(db: Db, sealer: Sealer, bucketId: string): Promise<void> {
  await put(db, sealer, newId(), { kind: 'bucket', question: { bucketId } })
}

/** Puts a question where engines find it; false where no engine runs. */
async function put(db: Db, sealer: Sealer, id: string, asked: InspectionQuestion): Promise<boolean> {
  await forgetOld(db)
  if (!(await hasHealthyEngine(db))) return false
  await db.inspection.create({
    data: { id, kind: asked.kind, input: sealer.seal(JSON.stringify(asked.question), `Inspection.input:${id}`) },
    select: { id: true },
  })
  await notify(db, 'sluice_inspections', id)
  return true
}

function readAnswer(row: { result: Prisma.JsonValue; failure: Prisma.JsonValue }): unknown {
  if (row.failure === null) return row.result
  const failure = failureSchema.parse(row.failure)
  throw new TransferError(failure.code, failure.message, { retry: failure.retry })
}

/** For an engine: takes the oldest open question, or null. Two engines never get the same one at once. */
export async function claimInspection(
  db: DbOrTx,
  sealer: Sealer,
  engineId: string,
): Promise<({ id: string } & InspectionQuestion) | null> {
  const [row] = await db.$queryRaw<{ id: string; kind: string; input: string }[]>`
    UPDATE "Inspection" SET "engineId" = ${engineId}::uuid, "claimedAt" = now()
    WHERE id = (
      SELECT id FROM "Inspection"
      WHERE "answeredAt" IS NULL AND "createdAt" > now() - ${INSPECTION_TIMEOUT_MS}::int * interval '1 millisecond'
        AND ("claimedAt" IS NULL OR ("engineId" <> ${engineId}::uuid
          AND "claimedAt" < now() - ${RECLAIM_AFTER_MS}::int * interval '1 millisecond'))
      ORDER BY "createdAt" LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id::text, kind, input`
  if (!row) return null
  try {
    const question = JSON.parse(sealer.open(row.input, `Inspection.input:${row.id}`))
    return { id: row.id, kind: row.kind as InspectionQuestion['kind'], question }
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    await answerInspection(db, row.id, { result: null, failure: error.toFailure() })
    return null
  }
}

/** For an engine: writes the answer, once, and tells who asked. */
export async function answerInspection(
  db: DbOrTx,
  id: string,
  outcome: InspectionOutcome<SourceAnswer | BucketAnswer | LifecycleAnswer>,
): Promise<void> {
  const answer: { result?: Prisma.InputJsonValue; failure?: Failure } =
    outcome.failure === null ? { result: outcome.result } : { failure: outcome.failure }
  await db.inspection.updateMany({ where: { id, answeredAt: null }, data: { ...answer, answeredAt: new Date() } })
  await notify(db, 'sluice_inspections', id)
}

/** Questions and answers are of no use after a minute; an hour is kept for whoever looks into a problem. */
async function forgetOld(db: Db): Promise<void> {
  await db.$executeRaw`DELETE FROM "Inspection" WHERE "createdAt" < now() - interval '1 hour'`
}

const SUBJECT = { source: 'the source', bucket: 'the bucket', lifecycle: 'the bucket' }

function noEngine(kind: InspectionQuestion['kind']): TransferError {
  return new TransferError(
    'no_engine',
    `No engine is running, so nothing can look at ${SUBJECT[kind]}. Start one with \`npm run engine\`, or everything with \`npm start\`.`,
    { retry: 'later' },
  )
}

function timedOut(kind: InspectionQuestion['kind']): TransferError {
  return new TransferError(
    'timed_out',
    `No answer about ${SUBJECT[kind]} came within ${INSPECTION_TIMEOUT_MS / 1000} seconds. Check that it can be reached from the engine, then try again.`,
    { retry: 'now' },
  )
}
