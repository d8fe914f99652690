import { beginComplete, finishTransfer, takeCompletion } from '../../server/db/completion.ts'
import { addEvent, loadLedger, loadTransfer, type TransferRow } from '../../server/db/transfer-steps.ts'
import { formatBytes } from '../../server/domain/bytes.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { Evidence, Verification } from '../../server/domain/transfer.ts'
import { algorithmName } from '../../server/domain/verification-words.ts'
import type { CompleteUpload, ObjectInfo, ObjectStore } from '../upload/object-store.ts'
import { completeUpload, findOwnObject } from './complete-upload.ts'
import { endCrashLoop, isCrashLoop } from './crash-loop.ts'
import {
  combineDigests,
  compareDigests,
  type Digests,
  type KnownDigest,
  knownDigests,
  mustAgree,
  readDigests,
} from './known-digests.ts'
import { digestsOfObject } from './read-object-back.ts'
import { digestsOfSource } from './read-source-again.ts'
import { Stop } from './stop.ts'
import {
  concludeVerification,
  describeVerification,
  fullObjectChecksums,
  judgeObject,
  partChecksums,
} from './verification.ts'
import { openStore, type WorkContext } from './work-context.ts'

/**
 * Completes a transfer whose parts are all in the ledger, if this engine gets the right to. The parts are counted and their
 * bytes summed first, and every digest that can be compared without the object is: a wrong one leaves what is at the key as it was.
 * After that the object is looked at, and only what is seen there makes the transfer `completed`.
 */
export async function completeTransfer(context: WorkContext, id: string, signal: AbortSignal): Promise<void> {
  const { db, engineId, env, log, metrics } = context
  const epoch = await takeCompletion(db, engineId, id, env.SLUICE_LEASE_MS)
  if (epoch === null) return
  const row = await loadTransfer(db, id)
  if (!row) return
  const store = openStore(context, row)
  try {
    const complete = await collectParts(context, row)
    const { object, before } = isCrashLoop(row)
      ? await findMade(row, store, complete, signal)
      : await make(context, row, { store, complete, epoch }, signal)
    if (!object) {
      await endCrashLoop(context, row)
      return
    }
    const proven = await proveObject(context, row, { store, object, complete, before }, signal)
    const seconds = row.startedAt ? (Date.now() - row.startedAt.getTime()) / 1000 : 0
    const message = `Completed: ${formatBytes(complete.sizeBytes)} in ${seconds.toFixed(1)} s; ${describeVerification(proven)}.`
    if (await finishTransfer(db, engineId, id, epoch, proven, message)) {
      metrics.transfersEnded.inc({ outcome: 'completed' })
      log.info({ transferId: id, sizeBytes: complete.sizeBytes, verdict: proven.verdict }, 'transfer completed')
    }
  } finally {
    store.close()
  }
}

/** The object, made of the parts once all that can be proven without it is. */
async function make(
  context: WorkContext,
  row: TransferRow,
  {
    store,
    complete,
    epoch,
  }: { readonly store: ObjectStore; readonly complete: CollectedParts; readonly epoch: number },
  signal: AbortSignal,
): Promise<{ readonly object: ObjectInfo; readonly before: Proven }> {
  const { digests, ...before } = await proveBefore(context, row, complete, signal)
  // Not before all of that is proven: until now it could be paused, from now on it cannot.
  const isSaid = row.completingSince !== null && Object.keys(digests).length === 0
  if (!isSaid && !(await beginComplete(context.db, row.id, epoch, digests))) throw new Stop('user')
  return { object: await completeUpload({ row, store, complete, pace: context.paces.of(row.bucket) }, signal), before }
}

/**
 * Engines died one after the other while they completed this: nothing is read or sent any more, but where Complete may have been sent
 * its object may be at the key. That ends the transfer well, unless a checksum is still to be compared with a full read.
 */
async function findMade(
  row: TransferRow,
  store: ObjectStore,
  complete: CollectedParts,
  signal: AbortSignal,
): Promise<{ readonly object: ObjectInfo | null; readonly before: Proven }> {
  const before = compareDigests(knownDigests(row), { ...readDigests(row), ...complete.digests })
  mustAgree(before, 'Nothing was written.')
  const isOpen = before.rest.some(({ kind }) => kind === 'expected-checksum')
  if (row.completingSince === null || isOpen) return { object: null, before }
  return { object: await findOwnObject({ row, store, complete }, signal), before }
}

/**
 * What the object at the key rests on, with what was proven `before` it was there. Throws `checksum_mismatch` where it is not what
 * was read or what it should be.
 */
export async function proveObject(
  context: WorkContext,
  row: TransferRow,
  made: {
    readonly store: ObjectStore
    readonly object: ObjectInfo
    readonly complete: CompleteUpload
    readonly before?: Proven
  },
  signal: AbortSignal,
): Promise<Verification> {
  const { store, object, complete, before = { evidence: [], rest: knownDigests(row) } } = made
  const partCrc32cs = partChecksums(complete.parts, store.capabilities)
  const verification = judgeObject(object, { ...complete, partCrc32cs })
  if (verification.verdict === 'mismatch')
    throw new TransferError(
      'checksum_mismatch',
      `The object is not what was read: ${describeVerification(verification)}. Retry starts over.`,
    )
  const after = await proveAfter(context, row, store, object, before.rest, signal)
  const met = [...before.evidence, ...after.evidence]
  return concludeVerification(verification, row, { met, open: after.rest })
}

/** Digests that agreed, and those that nothing was there to be compared with. */
interface Proven {
  readonly evidence: readonly Evidence[]
  readonly rest: readonly KnownDigest[]
}

/** What Complete is told, and the digests that the parts have together. */
type CollectedParts = CompleteUpload & { readonly digests: Digests }

/** The ledger as Complete wants it; throws where parts or bytes are missing, because that object would be a wrong one. */
export async function collectParts(context: WorkContext, row: TransferRow): Promise<CollectedParts> {
  const ledger = await loadLedger(context.db, row.id)
  const parts = ledger.map((part) => ({ ...part, sizeBytes: Number(part.sizeBytes) }))
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  const isWhole = parts.every((part, index) => part.number === index + 1) && parts.length === row.partsTotal
  if (!isWhole || sizeBytes !== Number(row.sizeBytes) || !row.uploadId)
    throw new TransferError(
      'size_mismatch',
      `The finished parts are ${sizeBytes} bytes in ${parts.length} parts, the source has ${row.sizeBytes} in ${row.partsTotal}. Nothing was completed; retry starts over.`,
    )
  const digests = combineDigests(parts)
  const { key, uploadId } = row
  const mustNotExist = row.ifExists !== 'overwrite'
  return { key, uploadId, parts, sizeBytes, crc32c: digests.crc32c ?? null, mustNotExist, digests }
}

/**
 * What can be proven while the key is as it was: every digest that has to be met (decision 049). Parts that came in any order have the CRC32C
 * and what is combined like it; for the user's own SHA-256 or MD5 the source is read once more.
 */
async function proveBefore(
  context: WorkContext,
  row: TransferRow,
  complete: CollectedParts,
  signal: AbortSignal,
): Promise<Proven & { readonly digests: Digests }> {
  const compared = compareDigests(knownDigests(row), { ...readDigests(row), ...complete.digests })
  mustAgree(compared, 'Nothing was written.')
  const open = compared.rest.find(({ kind }) => kind === 'expected-checksum')
  const { crc32c } = complete
  // What came in one stream was summed on its way; without ranges there is no reading it again.
  if (!open || crc32c === null || !row.acceptsRanges || row.oneTimeLink) return { ...compared, digests: {} }
  const { db, engineId } = context
  const { algorithm } = open
  const message = `Reading the source again to compare its ${algorithmName(algorithm)} before there is an object at the key.`
  await addEvent(db, { transferId: row.id, engineId, code: 'reading_source_again', message })
  const digests = await digestsOfSource(context, row, { algorithm, others: compared.rest, crc32c }, signal)
  const again = compareDigests(compared.rest, digests)
  mustAgree(again, 'Nothing was written.')
  return { evidence: [...compared.evidence, ...again.evidence], rest: again.rest, digests }
}

/**
 * What is open still, of an object that was made without having been proven (by an engine of an older version, or before it could be
 * cancelled): compared with a checksum of the bucket, else the user's by reading it back once.
 */
async function proveAfter(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  object: ObjectInfo,
  known: readonly KnownDigest[],
  signal: AbortSignal,
): Promise<Proven> {
  const wrong = 'The object is at its key, but do not use it.'
  const byBucket = compareDigests(known, fullObjectChecksums(object))
  mustAgree(byBucket, wrong)
  const expected = byBucket.rest.find(({ kind }) => kind === 'expected-checksum')
  if (!expected) return byBucket
  const message = `Reading the object back to compare its ${algorithmName(expected.algorithm)}.`
  await addEvent(context.db, { transferId: row.id, engineId: context.engineId, code: 'reading_back', message })
  const readBack = compareDigests(
    byBucket.rest,
    await digestsOfObject(
      store,
      row.key,
      byBucket.rest.map(({ algorithm }) => algorithm),
      signal,
    ),
  )
  mustAgree(readBack, wrong)
  return { evidence: [...byBucket.evidence, ...readBack.evidence], rest: readBack.rest }
}
