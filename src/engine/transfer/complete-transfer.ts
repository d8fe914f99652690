import { finishTransfer, takeCompletion } from '../../server/db/completion.ts'
import { addEvent, loadLedger, loadTransfer, type TransferRow } from '../../server/db/transfer-steps.ts'
import { formatBytes } from '../../server/domain/bytes.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { Evidence, Verification } from '../../server/domain/transfer.ts'
import { algorithmName } from '../../server/domain/verification-words.ts'
import { combineCrc32c } from '../upload/crc32c.ts'
import type { CompleteUpload, ObjectInfo, ObjectStore } from '../upload/object-store.ts'
import { completeUpload } from './complete-upload.ts'
import { compareDigests, type KnownDigest, knownDigests, mustAgree, readDigests } from './known-digests.ts'
import { digestsOfObject } from './read-object-back.ts'
import { digestsOfSource } from './read-source-again.ts'
import { describeVerification, fullObjectChecksums, judgeObject } from './verification.ts'
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
    const before = await proveBefore(context, row, store, complete, signal)
    const object = await completeUpload({ row, store, complete, pace: context.paces.of(row.bucket) }, signal)
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
    readonly before?: ProvenBefore
  },
  signal: AbortSignal,
): Promise<Verification> {
  const { store, object, complete, before = { evidence: [], rest: knownDigests(row) } } = made
  const verification = judgeObject(object, complete)
  if (verification.verdict === 'mismatch')
    throw new TransferError(
      'checksum_mismatch',
      `The object is not what was read: ${describeVerification(verification)}. Retry starts over.`,
    )
  const after = await proveAfter(context, row, store, object, before.rest, signal)
  return withEvidence(verification, [...before.evidence, ...after])
}

/** Digests that agreed before there was an object, and those that only the object can be compared with. */
interface ProvenBefore {
  readonly evidence: readonly Evidence[]
  readonly rest: readonly KnownDigest[]
}

/** The ledger as Complete wants it; throws where parts or bytes are missing, because that object would be a wrong one. */
export async function collectParts(context: WorkContext, row: TransferRow): Promise<CompleteUpload> {
  const ledger = await loadLedger(context.db, row.id)
  const parts = ledger.map((part) => ({ ...part, sizeBytes: Number(part.sizeBytes) }))
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  const isWhole = parts.every((part, index) => part.number === index + 1) && parts.length === row.partsTotal
  if (!isWhole || sizeBytes !== Number(row.sizeBytes) || !row.uploadId)
    throw new TransferError(
      'size_mismatch',
      `The finished parts are ${sizeBytes} bytes in ${parts.length} parts, the source has ${row.sizeBytes} in ${row.partsTotal}. Nothing was completed; retry starts over.`,
    )
  const summed = parts.flatMap((part) =>
    part.crc32c === null ? [] : [{ crc32c: part.crc32c, sizeBytes: part.sizeBytes }],
  )
  const crc32c = summed.length === parts.length ? combineCrc32c(summed) : null
  return { key: row.key, uploadId: row.uploadId, parts, sizeBytes, crc32c, mustNotExist: row.ifExists !== 'overwrite' }
}

/**
 * What can be proven while the key is as it was. The bytes of parts that came in any order have no digest but the combined CRC32C; so
 * before an object is replaced whose new content the user gave a checksum of, the source is read once more (decision 019).
 */
async function proveBefore(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  complete: CompleteUpload,
  signal: AbortSignal,
): Promise<ProvenBefore> {
  const known = knownDigests(row)
  const read = { ...readDigests(row), ...(complete.crc32c !== null && { crc32c: complete.crc32c }) }
  const compared = compareDigests(known, read)
  mustAgree(compared, 'Nothing was written.')
  const open = compared.rest.filter(({ kind }) => kind === 'expected-checksum')
  const replaces = row.ifExists === 'overwrite' && open.length > 0 && complete.crc32c !== null
  if (!replaces || row.oneTimeLink || (await store.head(row.key, signal)) === null) return compared
  const message = `Reading the source once more to compare its ${algorithmName(open[0]?.algorithm)} before the object at the key is replaced.`
  await addEvent(context.db, { transferId: row.id, engineId: context.engineId, code: 'reading_source_again', message })
  const again = compareDigests(
    compared.rest,
    await digestsOfSource(context, row, compared.rest, complete.crc32c, signal),
  )
  mustAgree(again, 'Nothing was written.')
  return { evidence: [...compared.evidence, ...again.evidence], rest: again.rest }
}

/** What only the object can prove: by a checksum of the bucket, else the user's by reading it back once. */
async function proveAfter(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  object: ObjectInfo,
  known: readonly KnownDigest[],
  signal: AbortSignal,
): Promise<Evidence[]> {
  const wrong = 'The object is at its key, but do not use it.'
  const byBucket = compareDigests(known, fullObjectChecksums(object))
  mustAgree(byBucket, wrong)
  const expected = byBucket.rest.find(({ kind }) => kind === 'expected-checksum')
  if (!expected) return [...byBucket.evidence]
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
  return [...byBucket.evidence, ...readBack.evidence]
}

/** More evidence in front; a digest of all bytes that agreed makes the object verified. */
function withEvidence(verification: Verification, evidence: readonly Evidence[]): Verification {
  if (evidence.length === 0) return verification
  const sorted = [...evidence].sort((a, b) => rank(a) - rank(b))
  return { verdict: 'verified', evidence: [...sorted, ...verification.evidence] }
}

const rank = ({ kind }: Evidence) => (kind === 'expected-checksum' ? 0 : 1)
