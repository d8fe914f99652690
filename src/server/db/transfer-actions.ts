import { type Failure, TransferError } from '../domain/failure.ts'
import type { TransferStatus } from '../domain/transfer.ts'
import { allows, type TransferAction } from '../domain/transfer-state.ts'
import type { Db, DbOrTx } from './client.ts'
import { notifyIds } from './notifications.ts'
import { retryOnConflict } from './retry-on-conflict.ts'

/** What an action did: the ids it changed, and why it left the others as they are. */
export interface ActionResult {
  changed: string[]
  refused: { id: string; failure: Failure }[]
}

type Tx = DbOrTx
type Change = (tx: Tx, ids: string[]) => Promise<{ id: string }[]>

/**
 * Carries out one action on many transfers. Each change is one UPDATE with the allowed states in its WHERE, so an engine that
 * moves the row at the same moment never loses: the action is then refused with a sentence. Engines are told after the commit.
 */
export async function applyAction(db: Db, action: TransferAction, ids: readonly string[]): Promise<ActionResult> {
  return change(db, action, ids, CHANGES[action])
}

/** Asks for completed transfers to be proven once more: by what the bucket says, or with `reread` by reading the whole object back. */
export async function verifyAgain(db: Db, ids: readonly string[], reread: boolean): Promise<ActionResult> {
  return change(db, 'verify', ids, askForVerification(reread))
}

/** Sets or (with null) lifts the bandwidth limit of transfers that are not at their end. */
export async function setBandwidth(
  db: Db,
  ids: readonly string[],
  bytesPerSecond: number | null,
): Promise<ActionResult> {
  const limit = bytesPerSecond === null ? null : BigInt(bytesPerSecond)
  return change(
    db,
    'setBandwidth',
    ids,
    (tx, wanted) =>
      tx.$queryRaw<{ id: string }[]>`
      UPDATE "Transfer" SET "bandwidthLimitBytesPerSecond" = ${limit}
      WHERE id = ANY(${wanted}::uuid[]) AND status IN ('queued', 'running', 'paused', 'failed')
      RETURNING id::text`,
  )
}

async function change(
  db: Db,
  action: TransferAction | 'setBandwidth',
  ids: readonly string[],
  run: Change,
): Promise<ActionResult> {
  const wanted = [...new Set(ids)]
  const transaction = async (tx: Tx) => {
    // Locked in the order of their ids, so that two actions on the same transfers wait for each other.
    await tx.$executeRaw`SELECT 1 FROM "Transfer" WHERE id = ANY(${wanted}::uuid[]) ORDER BY id FOR UPDATE`
    const rows = await run(tx, wanted)
    const done = new Set(rows.map((row) => row.id))
    const changedIds = wanted.filter((id) => done.has(id))
    const left = wanted.filter((id) => !done.has(id))
    const event = EVENTS[action]
    if (event && changedIds.length > 0)
      await tx.event.createMany({ data: changedIds.map((transferId) => ({ transferId, ...event })) })
    const states = await tx.transfer.findMany({
      where: { id: { in: left } },
      select: {
        id: true,
        status: true,
        cancelRequestedAt: true,
        completingSince: true,
        uploadId: true,
        uploadStartingAt: true,
      },
    })
    await notifyIds(tx, 'sluice_transfers', changedIds)
    return { changed: changedIds, rest: left.map((id) => ({ id, row: states.find((state) => state.id === id) })) }
  }
  const { changed, rest } = await retryOnConflict(() => db.$transaction(transaction))
  return { changed, refused: rest.map(({ id, row }) => ({ id, failure: refusal(action, row).toFailure() })) }
}

const EVENTS: Record<TransferAction | 'setBandwidth', { code: string; message: string } | null> = {
  pause: { code: 'paused', message: 'Paused. The finished parts are kept.' },
  resume: { code: 'resumed', message: 'Resumed; it goes on from its finished parts.' },
  cancel: { code: 'cancel_requested', message: 'Cancelled. An unfinished upload is removed from the bucket.' },
  retry: { code: 'retried', message: 'Queued again.' },
  remove: null,
  verify: { code: 'verify_requested', message: 'Asked to prove the object once more.' },
  stopVerifying: { code: 'verify_stopped', message: 'The verification was stopped. What was proven before it stands.' },
  setBandwidth: { code: 'bandwidth_set', message: 'The bandwidth limit was changed.' },
}

function askForVerification(reread: boolean): Change {
  return async (tx, ids) => {
    const asked = await tx.$queryRaw<{ id: string }[]>`
      UPDATE "Transfer" SET status = 'verifying', attempts = 0, crashes = 0, "nextRunAt" = NULL, reread = ${reread}
      WHERE id = ANY(${ids}::uuid[]) AND status = 'completed'
      RETURNING id::text`
    await replaceClaims(tx, asked)
    return asked
  }
}

const CHANGES: Record<TransferAction, Change> = {
  pause: (tx, ids) => tx.$queryRaw`
    UPDATE "Transfer" SET status = 'paused'
    WHERE id = ANY(${ids}::uuid[]) AND status IN ('queued', 'running')
      AND "cancelRequestedAt" IS NULL AND "completingSince" IS NULL
    RETURNING id::text`,

  resume: (tx, ids) => tx.$queryRaw`
    UPDATE "Transfer" SET status = 'queued', "nextRunAt" = NULL
    WHERE id = ANY(${ids}::uuid[]) AND status = 'paused' AND "cancelRequestedAt" IS NULL
    RETURNING id::text`,

  // What was never begun left nothing in the bucket, so it ends here; else an engine aborts its upload, and looks whether it wrote.
  cancel: async (tx, ids) => {
    const ended = await tx.$queryRaw<{ id: string }[]>`
      UPDATE "Transfer" SET status = 'cancelled', "finishedAt" = now(), "cancelRequestedAt" = now(), "nextRunAt" = NULL
      WHERE id = ANY(${ids}::uuid[]) AND status IN ('queued', 'paused', 'failed')
        AND "uploadId" IS NULL AND "startedAt" IS NULL
      RETURNING id::text`
    await tx.partClaim.deleteMany({ where: { transferId: { in: ended.map((row) => row.id) } } })
    const asked = await tx.$queryRaw<{ id: string }[]>`
      UPDATE "Transfer" SET "cancelRequestedAt" = now(), "nextRunAt" = NULL
      WHERE id = ANY(${ids}::uuid[]) AND status IN ('queued', 'running', 'paused', 'failed')
        AND "cancelRequestedAt" IS NULL
      RETURNING id::text`
    return [...ended, ...asked]
  },

  // Claims of the old run go; the new plan decides which parts are still missing, and whether Complete may have been sent for them.
  retry: async (tx, ids) => {
    const queued = await tx.$queryRaw<{ id: string }[]>`
      UPDATE "Transfer" SET status = 'queued', failure = NULL, attempts = 0, crashes = 0, "nextRunAt" = NULL, "finishedAt" = NULL,
        "cancelRequestedAt" = NULL, verification = NULL
      WHERE id = ANY(${ids}::uuid[])
        AND (status = 'cancelled' OR (status = 'failed' AND "cancelRequestedAt" IS NULL))
      RETURNING id::text`
    await replaceClaims(tx, queued)
    return queued
  },

  verify: askForVerification(false),

  // Without its claim nobody can say any more how it ended; whoever reads the object back sees that with the next thing it tells.
  stopVerifying: async (tx, ids) => {
    const stopped = await tx.$queryRaw<{ id: string }[]>`
      UPDATE "Transfer" SET status = 'completed', reread = false, "nextRunAt" = NULL, live = '{}'
      WHERE id = ANY(${ids}::uuid[]) AND status = 'verifying'
      RETURNING id::text`
    await tx.partClaim.deleteMany({ where: { transferId: { in: stopped.map((row) => row.id) } } })
    return stopped
  },

  // A failed transfer may still have an upload in the bucket: cancelling it first keeps the promise to leave none behind. One that was
  // started and lost is found by this row alone (decision 020), so it stays until that is settled, or a day where the bucket is gone.
  remove: (tx, ids) => tx.$queryRaw`
    DELETE FROM "Transfer"
    WHERE id = ANY(${ids}::uuid[])
      AND (status IN ('completed', 'cancelled') OR (status = 'failed' AND "uploadId" IS NULL))
      AND ("uploadStartingAt" IS NULL OR "uploadStartingAt" < now() - interval '1 day')
    RETURNING id::text`,
}

async function replaceClaims(tx: Tx, rows: readonly { id: string }[]): Promise<void> {
  const transferIds = rows.map((row) => row.id)
  await tx.partClaim.deleteMany({ where: { transferId: { in: transferIds } } })
  await tx.partClaim.createMany({
    data: transferIds.map((transferId) => ({ transferId, firstPart: 0, lastPart: 0 })),
  })
}

interface RefusedRow {
  status: TransferStatus
  cancelRequestedAt: Date | null
  completingSince: Date | null
  uploadId: string | null
  uploadStartingAt: Date | null
}

const VERBS: Record<TransferAction | 'setBandwidth', string> = {
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
  retry: 'tried again',
  remove: 'removed',
  verify: 'verified',
  stopVerifying: 'stopped from being verified',
  setBandwidth: 'given a bandwidth limit',
}

const NEEDS: Record<TransferAction | 'setBandwidth', string> = {
  pause: 'Only queued and running transfers can be.',
  resume: 'Only paused transfers can be.',
  cancel: 'It has ended already.',
  retry: 'Only failed and cancelled transfers can be.',
  remove: 'Cancel it, or wait for its end.',
  verify: 'Only completed transfers can be.',
  stopVerifying: 'Nobody is verifying it.',
  setBandwidth: 'It moves no more bytes.',
}

function refusal(action: TransferAction | 'setBandwidth', row: RefusedRow | undefined): TransferError {
  if (!row) return new TransferError('not_found', 'There is no such transfer. It may have been removed.')
  const refuse = (message: string, retry: 'later' | 'never' = 'never') =>
    new TransferError('not_allowed_in_state', message, { retry })
  const allowed = action !== 'setBandwidth' && allows(row.status, action)
  if (allowed && row.cancelRequestedAt)
    return refuse('The transfer is being cancelled; wait until its upload is removed from the bucket.', 'later')
  if (allowed && row.completingSince && row.status !== 'failed')
    return refuse('All parts are in the bucket and the upload is being completed; it ends in a moment.', 'later')
  if (allowed && action === 'remove' && row.uploadStartingAt)
    return refuse('An upload of it may be left in the bucket, and is being looked for. Try again in a minute.', 'later')
  if (allowed && action === 'remove' && row.uploadId)
    return refuse('The transfer still has an unfinished upload in the bucket. Cancel it first, then remove it.')
  if (allowed) return refuse('The transfer changed at the same moment. Look at its state and try again.', 'later')
  const isVerifying = action === 'cancel' && row.status === 'verifying'
  const needs = isVerifying ? 'Its object is there; stop verifying it instead.' : NEEDS[action]
  return refuse(`A ${row.status} transfer cannot be ${VERBS[action]}. ${needs}`)
}
