import { randomUUID } from 'node:crypto'
import type { Claim } from '../../server/db/claims.ts'
import {
  addEvent,
  finishPlan,
  loadLedger,
  type PlanFields,
  savePlan,
  type TransferRow,
} from '../../server/db/transfer-steps.ts'
import { noteUploadStart } from '../../server/db/upload-starts.ts'
import type { UploadDialect } from '../../server/domain/bucket.ts'
import { formatBytes } from '../../server/domain/bytes.ts'
import { TransferError, type Warning } from '../../server/domain/failure.ts'
import type { Verification } from '../../server/domain/transfer.ts'
import { MAX_PARTS } from '../../server/domain/transfer-input.ts'
import { partsPerClaim, planParts } from '../part/part-plan.ts'
import type { OpenedSource, SourceIdentity, SourceProbe } from '../source/source.ts'
import { crc32cOf } from '../upload/crc32c.ts'
import { type ObjectInfo, type ObjectStore, WRITE_TOKEN_KEY } from '../upload/object-store.ts'
import { removeOrphan } from './orphaned-upload.ts'
import { isSameSource } from './pinned-identity.ts'
import { proveBytes } from './prove-bytes.ts'
import { dialectOfUpload, isSpokenNow, savedDialect } from './upload-dialect.ts'
import { describeVerification, judgeObject } from './verification.ts'
import { abortUpload, openTarget, uploadLanesOf, type WorkContext } from './work-context.ts'

/**
 * Makes or checks the plan of a transfer: probes the source, pins its identity, looks at the key, fixes part size and count,
 * starts the multipart upload, and puts the parts up for claiming. A transfer that was planned before goes on with its
 * upload where the source is still the same and the bucket still has the parts; else it starts over and says so.
 * Throws TransferErrors; returns quietly where the claim went to somebody else. Returns the answer of a source that can only be
 * read in one stream, so that it need not be asked for a second time; the caller reads it or gives it up. `found`: it was
 * probed just now.
 */
export async function planTransfer(
  context: WorkContext,
  row: TransferRow,
  claim: Claim,
  store: ObjectStore,
  signal: AbortSignal,
  found: SourceProbe | null = null,
): Promise<OpenedSource | null> {
  const options = { keepsWhole: true, isOneTime: row.oneTimeLink }
  const probe = found ?? (await context.source.probe(openTarget(context, row), signal, options))
  let isPlanned = false
  try {
    isPlanned = await planProbed(context, row, claim, store, probe, signal)
  } finally {
    if (!isPlanned) probe.opened?.discard()
  }
  return isPlanned ? probe.opened : null
}

/** True where parts are up for claiming now; false where the plan ended the transfer, or went to somebody else. */
async function planProbed(
  context: WorkContext,
  row: TransferRow,
  claim: Claim,
  store: ObjectStore,
  probe: SourceProbe,
  signal: AbortSignal,
): Promise<boolean> {
  const { engineId, db } = context
  await removeOrphan(context, row, store, signal)
  const atKey = await lookAtKey(context, row, claim, store, probe, signal)
  if (atKey === 'ended') return false
  if (probe.identity.sizeBytes === 0) {
    await putEmpty(context, row, claim, store, probe, signal)
    return false
  }

  const kept = await keptUpload(context, row, store, probe.identity, signal)
  const { partSizeBytes, partsTotal } = kept ?? newPlan(context, row, probe.identity, store)
  const writeToken = kept?.writeToken ?? randomUUID()
  const create = { key: row.key, contentType: probe.contentType, writeToken }
  if (!kept && !(await noteUploadStart(db, engineId, claim))) return false
  if (!kept && atKey) await removeOwn(context, row, store, atKey, signal)
  const uploadId = kept?.uploadId ?? (await store.createUpload(create, signal))
  const { identity } = probe
  const plan: PlanFields = {
    ...identity,
    sizeBytes: identity.sizeBytes,
    contentType: probe.contentType,
    partSizeBytes,
    partsTotal,
    sliceSizeBytes: context.env.sliceSizeBytes,
    uploadId,
    uploadDialect: kept?.dialect ?? dialectOfUpload(store.capabilities),
    writeToken,
    sourceDigests: probe.digests,
    warnings: withSizeCap(probe.warnings, partSizeBytes),
  }
  const keptParts = kept?.parts ?? []
  const pieces = piecesOf(identity, partsTotal, new Set(keptParts))
  const isSaved = await savePlan(db, engineId, claim, plan, pieces, keptParts)
  if (!isSaved) {
    if (!kept) await store.abortUpload(row.key, uploadId, AbortSignal.timeout(30_000))
    return false
  }
  await addEvent(db, {
    transferId: row.id,
    engineId,
    code: 'planned',
    message: describePlan(identity, partSizeBytes, partsTotal, keptParts.length),
  })
  return true
}

/**
 * What is at the key already: `ended` where that ends the transfer, an object of this transfer itself, or null where the key is free or
 * may be overwritten. Throws `key_exists` where somebody else's must not be replaced.
 */
async function lookAtKey(
  context: WorkContext,
  row: TransferRow,
  claim: Claim,
  store: ObjectStore,
  probe: SourceProbe,
  signal: AbortSignal,
): Promise<'ended' | ObjectInfo | null> {
  if (row.ifExists === 'overwrite') return null
  const object = await store.head(row.key, signal)
  if (!object || isOurs(object, row)) return object
  if (row.ifExists === 'fail')
    throw new TransferError(
      'key_exists',
      `There is already an object at ${row.key} (${formatBytes(object.sizeBytes)}). Choose another key, or allow it to be overwritten.`,
    )
  const { sizeBytes } = probe.identity
  await abortUpload(context, row, signal)
  await finishPlan(context.db, context.engineId, claim, {
    sizeBytes: object.sizeBytes,
    verification: sizeBytes === null ? null : judgeObject(object, { sizeBytes, crc32c: null }),
    warnings: [
      ...probe.warnings,
      {
        code: 'skipped_existing',
        message: `There was already an object of ${formatBytes(object.sizeBytes)} at this key; it was left as it is.`,
      },
    ],
    message: 'Skipped: there was already an object at the key.',
  })
  return 'ended'
}

/**
 * An object that an earlier try of this transfer wrote and that is not gone on with, because it turned out to be a wrong one, say: a new
 * upload carries another token, and would be refused for it at its very end. Only this object goes, not one that somebody wrote since.
 */
async function removeOwn(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  object: ObjectInfo,
  signal: AbortSignal,
): Promise<void> {
  await store.removeObject(row.key, object.etag, signal)
  const message = 'The object that an earlier try had left at the key was removed, to be written anew.'
  await addEvent(context.db, {
    transferId: row.id,
    engineId: context.engineId,
    level: 'warn',
    code: 'own_object_removed',
    message,
  })
}

/** True for an object this transfer wrote: by its upload's token, or, where it went in one request, by the transfer's id. */
function isOurs(object: ObjectInfo, row: TransferRow): boolean {
  const token = object.metadata[WRITE_TOKEN_KEY]
  return token !== undefined && (token === row.writeToken || token === row.id)
}

/**
 * An empty file is one request; a multipart upload has at least one part. Its token is the transfer's id, which is known before
 * the object is: after a lost answer or a kill the object at the key is seen to be ours.
 */
async function putEmpty(
  context: WorkContext,
  row: TransferRow,
  claim: Claim,
  store: ObjectStore,
  probe: SourceProbe,
  signal: AbortSignal,
): Promise<void> {
  await abortUpload(context, row, signal)
  const put = { key: row.key, body: new Uint8Array(0), contentType: probe.contentType, writeToken: row.id }
  const proof = await proveBytes({ ...row, sourceDigests: [...probe.digests], readDigests: {} }, [], crc32cOf([]))
  const before = await store.head(row.key, signal)
  const isThere = before !== null && before.sizeBytes === 0 && isOurs(before, row)
  if (!isThere && before && row.ifExists !== 'overwrite' && isOurs(before, row))
    await removeOwn(context, row, store, before, signal)
  if (!isThere) await store.putSmall({ ...put, mustNotExist: row.ifExists !== 'overwrite' }, signal)
  const object = isThere ? before : await store.head(row.key, signal)
  if (!object)
    throw new TransferError('bucket_error', 'The bucket took the empty object but does not have it. Try again.', {
      retry: 'now',
    })
  const judged = judgeObject(object, { sizeBytes: 0, crc32c: crc32cOf([]) })
  const verification: Verification =
    proof.length > 0 && judged.verdict !== 'mismatch'
      ? { verdict: 'verified', evidence: [...proof, ...judged.evidence] }
      : judged
  await finishPlan(context.db, context.engineId, claim, {
    sizeBytes: 0,
    verification,
    warnings: probe.warnings,
    message: `Completed: the file is empty; ${describeVerification(verification)}.`,
  })
}

interface KeptUpload {
  readonly uploadId: string
  readonly writeToken: string
  readonly partSizeBytes: number
  readonly partsTotal: number
  readonly parts: number[]
  /** What it was started with; null where it is too old to say so. */
  readonly dialect: UploadDialect | null
}

/** The upload of an earlier run and the parts the bucket agrees it has; null where a new one has to be made. */
async function keptUpload(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  identity: SourceIdentity,
  signal: AbortSignal,
): Promise<KeptUpload | null> {
  const { uploadId, writeToken, partSizeBytes, partsTotal } = row
  if (!uploadId || !writeToken) return null
  const dialect = savedDialect(row)
  const isSame = isSameSource(row, identity) && identity.acceptsRanges && partSizeBytes !== null && partsTotal !== null
  const listed = isSame ? await store.listParts(row.key, uploadId, signal) : null
  const recorded = await loadLedger(context.db, row.id)
  if (isSame && !listed && recorded.length === partsTotal) {
    // Completed by a run that could not say so any more: the object at the key shows it, and nothing is sent again.
    const object = await store.head(row.key, signal)
    const isDone = object !== null && isOurs(object, row) && object.sizeBytes === identity.sizeBytes
    const parts = recorded.map((part) => part.number)
    if (isDone) return { uploadId, writeToken, partSizeBytes: Number(partSizeBytes), partsTotal, parts, dialect }
  }
  if (!isSame || !listed) {
    if (!isSame) await store.abortUpload(row.key, uploadId, signal)
    const why = isSame
      ? 'the bucket no longer has the unfinished upload'
      : 'the source is not the same as before, or takes no ranges'
    const event = { code: 'started_over', message: `Started over from the first byte: ${why}.` }
    await addEvent(context.db, { transferId: row.id, engineId: context.engineId, level: 'warn', ...event })
    return null
  }
  const inBucket = new Map(listed.map((part) => [part.number, part]))
  const parts = recorded.filter((part) => {
    const found = inBucket.get(part.number)
    return found?.etag === part.etag && found.sizeBytes === Number(part.sizeBytes)
  })
  if (parts.length === 0 && dialect && !isSpokenNow(dialect, store.capabilities)) {
    // Nothing is lost, and what is known of the store by now may be what it failed for.
    await store.abortUpload(row.key, uploadId, signal)
    return null
  }
  return {
    uploadId,
    writeToken,
    partSizeBytes: Number(partSizeBytes),
    partsTotal,
    parts: parts.map((part) => part.number),
    dialect,
  }
}

/** Part size and count by what the transfer, the engine and the store say. */
export function newPlan(context: WorkContext, row: TransferRow, identity: SourceIdentity, store: ObjectStore) {
  return planParts({
    rules: store.partRules,
    sizeBytes: identity.sizeBytes,
    acceptsRanges: identity.acceptsRanges,
    sizing: (row.partSizing ?? context.env.SLUICE_PART_SIZING) === 'table' ? 'table' : 'auto',
    wantedPartSizeBytes: row.wantedPartSizeBytes === null ? null : Number(row.wantedPartSizeBytes),
    uploadLanes: uploadLanesOf(context, row),
  })
}

/** Runs of parts still to be moved, cut into claims. What comes in one stream is one claim, however long it turns out. */
function piecesOf(identity: SourceIdentity, partsTotal: number | null, kept: ReadonlySet<number>) {
  if (partsTotal === null || !identity.acceptsRanges) return [{ firstPart: 1, lastPart: partsTotal ?? MAX_PARTS }]
  const most = partsPerClaim(partsTotal)
  const pieces: { firstPart: number; lastPart: number }[] = []
  for (let number = 1; number <= partsTotal; number++) {
    if (kept.has(number)) continue
    const last = pieces.at(-1)
    if (last && last.lastPart === number - 1 && number - last.firstPart < most) last.lastPart = number
    else pieces.push({ firstPart: number, lastPart: number })
  }
  return pieces
}

/** Where the size is unknown, the remark on that also says how much the chosen parts can take. */
function withSizeCap(warnings: readonly Warning[], partSizeBytes: number): Warning[] {
  const cap = `With parts of ${formatBytes(partSizeBytes)} up to ${formatBytes(partSizeBytes * MAX_PARTS)} can be taken.`
  return warnings.map((warning) =>
    warning.code === 'unknown_size' ? { ...warning, message: `${warning.message} ${cap}` } : warning,
  )
}

function describePlan(
  identity: SourceIdentity,
  partSizeBytes: number,
  partsTotal: number | null,
  kept: number,
): string {
  const how = identity.acceptsRanges ? 'read in parallel' : 'read in one stream'
  if (identity.sizeBytes === null || partsTotal === null)
    return `Size unknown, parts of ${formatBytes(partSizeBytes)}, ${how}.`
  const parts =
    partsTotal === 1 ? '1 part' : `${partsTotal.toLocaleString('en-US')} parts of ${formatBytes(partSizeBytes)}`
  return `${formatBytes(identity.sizeBytes)} in ${parts}, ${how}${kept > 0 ? `; ${kept} of them are in the bucket already` : ''}.`
}
