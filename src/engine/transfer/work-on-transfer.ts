import { setTimeout as delay } from 'node:timers/promises'
import type { Env } from '../../server/config/env.ts'
import { type Claim, claimParts, countCrashes, recordedParts, releaseClaims } from '../../server/db/claims.ts'
import { isDatabaseTrouble } from '../../server/db/database-failure.ts'
import { newId } from '../../server/db/new-id.ts'
import {
  addEvent,
  addWarning,
  beginTransfer,
  loadTransfer,
  saveEnd,
  startOver,
  type TransferRow,
} from '../../server/db/transfer-steps.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { Meter } from '../progress/meter.ts'
import type { RecordedRun } from '../progress/recorder.ts'
import type { OpenedSource, SourceProbe } from '../source/source.ts'
import { createDigests } from '../upload/object-digest.ts'
import type { ObjectStore } from '../upload/object-store.ts'
import type { ActiveTransfer } from './active-transfer.ts'
import { completeTransfer } from './complete-transfer.ts'
import { endCrashLoop } from './crash-loop.ts'
import { wantedDigests, wantedLinear } from './known-digests.ts'
import { shareOfLimit } from './limit-share.ts'
import { moveSmall } from './move-small.ts'
import { PartBoard } from './part-board.ts'
import { pinnedIdentity } from './pinned-identity.ts'
import { planTransfer } from './plan-transfer.ts'
import { RateLimiter } from './rate-limiter.ts'
import { RemainingWork } from './remaining-work.ts'
import { isBucketBehind, runSettings } from './report-signs.ts'
import { runTransfer } from './run-transfer.ts'
import { settleFailure } from './settle-failure.ts'
import { shareWork } from './share-work.ts'
import type { ExpectedTransfer } from './shared-files.ts'
import { Stop } from './stop.ts'
import type { RunLimits, TransferRun } from './transfer-run.ts'
import { isSpokenNow, savedDialect } from './upload-dialect.ts'
import { verifyTransfer } from './verify-transfer.ts'
import {
  abortUpload,
  learnBucket,
  openStore,
  openStoreForPlan,
  openTarget,
  uploadLanesOf,
  type WorkContext,
} from './work-context.ts'
import { zipWarning } from './zip-warning.ts'

/** A multiple of every profile's slice. */
const SHORTEST_SPAN_BYTES = 2 * MIB
/** Of the budget, for the parts of a transfer that are held although they could be streamed. */
const HELD_SHARE = 0.25
/** Claims of a dead engine that are taken over at once. */
const MOST_OF_DEAD = 200
/** Between two attempts at a statement while the database is away. */
const AGAIN_MS = 1_000

/**
 * Everything an engine does with a transfer it has a claim on: plan or verify it, move parts, complete it, and settle what
 * went wrong. Never rejects; when it resolves, all claims, sockets and buffers of the transfer are given back. `loaded`: its row
 * as it is now, begun already.
 */
export async function workOnTransfer(
  context: WorkContext,
  first: Claim,
  active: ActiveTransfer,
  loaded: TransferRow | null = null,
): Promise<void> {
  const { db, engineId, log } = context
  const id = first.transferId
  if (first.firstPart === 0) active.planClaimId = first.id
  else active.claimIds.add(first.id)
  let row: TransferRow | null = null
  let store: ObjectStore | null = null
  let isSettled = false
  let opened: OpenedSource | null = null
  let expected: ExpectedTransfer | null = null
  try {
    const lostBy = first.lostBy && first.lostBy !== engineId ? first.lostBy : null
    if (lostBy) await countCrashes(db, lostBy, { transferId: id, leaseMs: context.env.SLUICE_LEASE_MS })
    // The count is in the row, so what was loaded before it is old.
    row = lostBy ? await loadTransfer(db, id) : (loaded ?? (await loadTransfer(db, id)))
    if (!row || (await endCrashLoop(context, row))) return
    if (row.status === 'queued') {
      if (!(await beginTransfer(db, id))) return
      row = { ...row, status: 'running' }
    }
    if (row.status !== 'running' && row.status !== 'verifying') return
    if (row.status === 'running' && !row.oneTimeLink) expected = context.files.expect(row.sourceUrl)
    if (first.firstPart === 0) row = await learnBucket(context, row, active.signal)
    let found: SourceProbe | null = null
    if (first.firstPart === 0 && row.status === 'running' && row.uploadId === null && !row.oneTimeLink) {
      const moved = await moveSmall(context, row, first, active)
      if (moved === 'done') {
        isSettled = true
        return
      }
      found = moved.probe
    }
    store = first.firstPart === 0 && row.status === 'running' ? openStoreForPlan(context, row) : openStore(context, row)
    if (first.firstPart === 0 && row.status === 'verifying')
      return await verifyTransfer(context, row, first, store, active.signal)
    if (first.firstPart === 0) {
      opened = found?.opened ?? null
      opened = await planTransfer(context, row, first, store, active.signal, found)
      active.planClaimId = null
      row = await loadTransfer(db, id)
      const dialect = row && savedDialect(row)
      if (row && dialect && !isSpokenNow(dialect, store.capabilities)) {
        store.close()
        store = openStore(context, row)
      }
    }
    if (row?.status !== 'running' || !row.uploadId) return
    if (!row.acceptsRanges && row.partsDone > 0) return await restartStream(context, row, active.signal)
    active.onLarge(row.sizeBytes === null ? null : Number(row.sizeBytes))
    await moveParts(context, row, store, { first: first.firstPart === 0 ? null : first, opened, expected }, active)
    expected?.end()
    await completeTransfer(context, id, active.signal)
  } catch (error) {
    if (error instanceof Stop) {
      active.stop(error.why)
      log.debug({ transferId: id, why: error.why }, 'stopped working on a transfer')
    } else
      await settleFailure(context, id, error, active.signal).catch((err) => {
        if (!(err instanceof Stop)) log.error({ transferId: id, err }, 'a failure could not be recorded')
      })
  } finally {
    expected?.end()
    opened?.discard()
    active.claimIds.clear()
    if (!isSettled)
      await releaseClaims(db, engineId, id).catch((err) =>
        log.warn({ transferId: id, err }, 'claims could not be handed back; their lease will end'),
      )
    store?.close()
  }
}

/** A source that cannot be read from the middle begins again, with an upload of its own. */
async function restartStream(context: WorkContext, row: TransferRow, signal: AbortSignal): Promise<void> {
  await abortUpload(context, row, signal)
  const message = 'Started over from the first byte: the source takes no ranges, so it cannot be read from the middle.'
  await startOver(context.db, context.engineId, row.id, { code: 'started_over', message })
}

/** Runs the lanes over all parts this engine can get of the transfer, and sees that the ledger has what was finished. */
async function moveParts(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  start: {
    readonly first: Claim | null
    readonly opened: OpenedSource | null
    readonly expected: ExpectedTransfer | null
  },
  active: ActiveTransfer,
): Promise<void> {
  const { first, opened, expected } = start
  const { db, engineId, env, recorder } = context
  const uploadLanes = uploadLanesOf(context, row)
  const meter = new Meter()
  meter.setSize(row.sizeBytes === null ? null : Number(row.sizeBytes))
  const limiter = new RateLimiter()
  const others = Object.keys((row.live ?? {}) as object).filter((one) => one !== engineId)
  limiter.setLimit(shareOfLimit(row.bandwidthLimitBytesPerSecond, others.length + 1))
  const target = openTarget(context, row)
  const origin = await context.origins.of(target.url)
  const board = new PartBoard()
  const work = new RemainingWork(uploadLanes * 2, async (isOfDead) => {
    const limit = isOfDead ? MOST_OF_DEAD : uploadLanes * 2
    const options = { engineId, leaseMs: env.SLUICE_LEASE_MS, limit, isOfDead }
    const claims = await untilWritten(context, active, () => claimParts(db, row.id, options))
    for (const claim of claims) active.claimIds.add(claim.id)
    const recordedOf = await untilWritten(context, active, () => recordedParts(db, claims))
    return claims.map((claim) => ({ claim, recorded: recordedOf(claim) }))
  })
  if (first) work.add(first, (await recordedParts(db, [first]))(first))
  else await work.refill()

  const stop = new AbortController()
  const onStop = () => stop.abort(active.signal.reason)
  if (active.signal.aborted) onStop()
  else active.signal.addEventListener('abort', onStop, { once: true })
  const identity = pinnedIdentity(row)
  const run: TransferRun = {
    plan: {
      id: row.id,
      target,
      identity,
      key: row.key,
      uploadId: row.uploadId ?? '',
      sizeBytes: row.sizeBytes === null ? null : Number(row.sizeBytes),
      partSizeBytes: Number(row.partSizeBytes),
    },
    limits: limitsFor(context, row, store, uploadLanes, identity.acceptsRanges),
    source: context.source,
    opened,
    inOrder: identity.acceptsRanges ? null : createDigests(wantedDigests(row)),
    linear: identity.acceptsRanges ? wantedLinear(row) : [],
    pace: context.paces.of(row.bucket),
    origin,
    store,
    pool: context.pool,
    budget: context.budget,
    meter,
    limiter,
    bandwidth: context.bandwidth,
    share: context.bandwidth.share(),
    file: expected?.join({ target, identity, origin, meter, onCompany: board.notify }) ?? null,
    board,
    work,
    signal: stop.signal,
    log: context.log,
    onPart: (part, uploaded) => {
      const { claim } = part.task
      recorder.addPart({
        ...uploaded,
        checksums: part.stream.linearChecksums,
        transferId: row.id,
        retries: part.retries,
        startedAt: part.stream.openedAt,
        finishedAt: new Date(),
        claimId: claim.id,
        epoch: claim.epoch,
      })
      work.finished(part.task)
    },
    onFirstBytes: (bytes) => {
      const warning = zipWarning({ key: row.key, url: row.sourceUrl, contentType: row.contentType }, bytes)
      if (warning)
        addWarning(db, row.id, warning).catch((err) => context.log.warn({ err }, 'a warning could not be written'))
    },
    onPushBack: (message) => {
      const event = { transferId: row.id, engineId, level: 'warn' as const, code: 'source_busy', message }
      addEvent(db, event).catch((err) => context.log.warn({ err }, 'an event could not be written'))
    },
    onEnd: async (claim, end) => {
      // Written before the claim may close: a transfer without claims and without a number of parts would be planned anew.
      if (!(await untilWritten(context, active, () => saveEnd(db, engineId, claim, end)))) active.stop('lease-lost')
      active.signal.throwIfAborted()
      work.endAt(end.partsTotal)
    },
  }
  const takeOver = () =>
    work.takeOver().then(
      () => board.reopen(),
      (err) => context.log.debug({ transferId: row.id, err }, 'parts of a dead engine could not be claimed yet'),
    )
  const recorded: RecordedRun = {
    id: row.id,
    runId: newId(),
    meter,
    sentBytes: () => board.sentBytes,
    bufferedBytes: () => board.bufferedBytes,
    isBucketBehind: () => isBucketBehind(run),
    settings: runSettings(context, run.limits),
    movingParts: () => [...board.all].map((part) => part.task.number),
    takeClosedClaims: () => {
      const closed = work.takeClosed()
      for (const claim of closed) active.claimIds.delete(claim.claimId)
      return closed
    },
    onWishes: (wishes) => {
      if (wishes?.status !== 'running' || wishes.cancelRequestedAt) return active.stop('user')
      limiter.setLimit(shareOfLimit(wishes.bandwidthLimitBytesPerSecond, wishes.engines))
      if (!identity.acceptsRanges) return
      if (wishes.lost) takeOver()
      shareWork(context, active, work, wishes.wanting)
    },
    onRefused: () => active.stop('lease-lost'),
  }
  recorder.add(recorded)
  try {
    await runTransfer(run, stop)
  } finally {
    active.signal.removeEventListener('abort', onStop)
    await work.settled()
    await finishRecording(context, recorded, active)
    await context.origins
      .remember(origin)
      .catch((err) => context.log.warn({ err }, 'the lanes learned of a source could not be written'))
  }
}

/** Repeats a statement while the database is away, until the work is stopped; other errors are the caller's. */
async function untilWritten<T>(context: WorkContext, active: ActiveTransfer, statement: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    active.signal.throwIfAborted()
    try {
      return await statement()
    } catch (error) {
      if (!isDatabaseTrouble(error)) throw error
      // Said once: it is tried every second, for as many transfers as there are.
      const level = tries === 1 ? 'warn' : 'debug'
      context.log[level]({ transferId: active.id, err: error }, 'the database did not answer; trying again')
      await delay(AGAIN_MS, undefined, { signal: active.signal }).catch(() => active.signal.throwIfAborted())
    }
  }
}

/** The last flush of a run; while the database is away it is tried again as long as the claims are ours. */
async function finishRecording(context: WorkContext, recorded: RecordedRun, active: ActiveTransfer): Promise<void> {
  for (;;) {
    try {
      return await context.recorder.finish(recorded)
    } catch (error) {
      if (active.mustLetGo) {
        context.recorder.forget(recorded)
        context.log.warn(
          { transferId: recorded.id, err: error },
          'the last progress of a transfer could not be written',
        )
        return
      }
      await delay(AGAIN_MS)
    }
  }
}

function limitsFor(
  context: WorkContext,
  row: TransferRow,
  { capabilities }: ObjectStore,
  uploadLanes: number,
  acceptsRanges: boolean,
): RunLimits {
  const { env, budget } = context
  const partSizeBytes = Number(row.partSizeBytes)
  // A checksum can follow the bytes: then only small parts are worth the memory. Else it has to be known before them.
  const share = capabilities.checksumTrailers || !capabilities.checksumHeaders ? HELD_SHARE : 1
  const lanesUsed = Math.min(uploadLanes, row.partsTotal ?? uploadLanes)
  const fitsBudget = partSizeBytes * (lanesUsed + 2) <= budget.totalBytes * share
  const highWaterBytes = Math.min(partSizeBytes * env.BUFFER_HIGH_WATER_MARK, budget.totalBytes)
  return {
    uploadLanes,
    spanBytes: spanBytesFor(env, partSizeBytes),
    highWaterBytes,
    lowWaterBytes: Math.min(partSizeBytes * env.BUFFER_LOW_WATER_MARK, highWaterBytes / 3),
    // What cannot be read again is held, so that a part that failed can still be sent again.
    shape: fitsBudget || !acceptsRanges ? 'held' : 'streamed',
  }
}

/**
 * Several lanes fill one part together, so that parts finish one after another and little is held; but no request is so
 * short that its overhead counts.
 */
function spanBytesFor(env: Env, partSizeBytes: number): number {
  const quarter = Math.floor(partSizeBytes / 4 / env.sliceSizeBytes) * env.sliceSizeBytes
  return Math.min(env.sliceSizeBytes * env.profile.spanSlices, Math.max(SHORTEST_SPAN_BYTES, quarter))
}
