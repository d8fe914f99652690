import { z } from 'zod'
import { finishTransfer, takeCompletion } from '../../server/db/completion.ts'
import { addEvent, loadLedger, loadTransfer, type TransferRow } from '../../server/db/transfer-steps.ts'
import { formatBytes } from '../../server/domain/bytes.ts'
import { normalizeChecksum } from '../../server/domain/checksum.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { type ChecksumAlgorithm, checksumAlgorithmSchema, type Evidence } from '../../server/domain/transfer.ts'
import { combineCrc32c } from '../upload/crc32c.ts'
import { digestOf } from '../upload/object-digest.ts'
import { type CompleteUpload, type ObjectInfo, type ObjectStore, WRITE_TOKEN_KEY } from '../upload/object-store.ts'
import { Attempts } from './backoff.ts'
import { describeVerification, judgeObject } from './verification.ts'
import { openStore, type WorkContext } from './work-context.ts'

/**
 * Completes a transfer whose parts are all in the ledger, if this engine gets the right to. The parts are counted and their
 * bytes summed first; after that the object is looked at, and only what is seen there makes the transfer `completed`.
 * A lost answer is settled by the write token in the object's metadata, never by the mere presence of an object.
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
    const expected = readExpected(row)
    // A CRC32C is known before the object is: a wrong one leaves what is at the key as it was.
    if (expected?.algorithm === 'crc32c' && complete.crc32c !== null)
      mustEqual(expected, complete.crc32c, 'Nothing was written.')
    const object = await completeOnce(row, store, complete, signal)
    const verification = judgeObject(object, complete)
    if (verification.verdict === 'mismatch')
      throw new TransferError(
        'checksum_mismatch',
        `The object is not what was read: ${describeVerification(verification)}. Retry starts over.`,
      )
    if (expected) {
      verification.evidence.unshift(await proveExpected(context, row, store, complete, expected, signal))
      verification.verdict = 'verified'
    }
    const seconds = row.startedAt ? (Date.now() - row.startedAt.getTime()) / 1000 : 0
    const message = `Completed: ${formatBytes(complete.sizeBytes)} in ${seconds.toFixed(1)} s; ${describeVerification(verification)}.`
    if (await finishTransfer(db, engineId, id, epoch, verification, message)) {
      metrics.transfersEnded.inc({ outcome: 'completed' })
      log.info({ transferId: id, sizeBytes: complete.sizeBytes, verdict: verification.verdict }, 'transfer completed')
    }
  } finally {
    store.close()
  }
}

/** The ledger as Complete wants it; throws where parts or bytes are missing, because that object would be a wrong one. */
async function collectParts(context: WorkContext, row: TransferRow): Promise<CompleteUpload> {
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

/** What a second Complete cannot mend: it takes a new upload. */
const NOT_TO_BE_REPEATED = new Set(['upload_lost', 'upload_conflict', 'checksum_mismatch'])

/** Completes and looks at the object; throws `upload_lost` where the upload is gone and the object there is not ours. */
async function completeOnce(
  row: TransferRow,
  store: ObjectStore,
  complete: CompleteUpload,
  signal: AbortSignal,
): Promise<ObjectInfo> {
  const attempts = new Attempts()
  if (complete.mustNotExist && !store.capabilities.conditionalWrites) await mustBeFree(row, store, signal)
  for (;;) {
    try {
      await store.completeUpload(complete, signal)
    } catch (error) {
      // The answer may be lost although the object is there: ours is the one with our token.
      const found = await store.head(row.key, signal).catch(() => null)
      if (found && row.writeToken !== null && found.metadata[WRITE_TOKEN_KEY] === row.writeToken) return found
      if (error instanceof TransferError && NOT_TO_BE_REPEATED.has(error.code)) throw error
      await attempts.failed(error, signal)
      continue
    }
    const object = await store.head(row.key, signal)
    if (object) return object
    throw new TransferError(
      'bucket_error',
      'The bucket completed the upload but has no object at the key. Try again.',
      { retry: 'later' },
    )
  }
}

/** Where the store cannot refuse to replace an object by itself, look once more right before the upload is completed. */
async function mustBeFree(row: TransferRow, store: ObjectStore, signal: AbortSignal): Promise<void> {
  const object = await store.head(row.key, signal)
  if (object && object.metadata[WRITE_TOKEN_KEY] !== row.writeToken)
    throw new TransferError(
      'key_exists',
      `Somebody else wrote an object to ${row.key} meanwhile. Choose another key, or allow it to be overwritten.`,
    )
}

interface Expected {
  readonly algorithm: ChecksumAlgorithm
  readonly value: string
}

/** The checksum the user expects, in base64; null where none was given. */
export function readExpected(row: TransferRow): Expected | null {
  const parsed = z.object({ algorithm: checksumAlgorithmSchema, value: z.string() }).safeParse(row.expectedChecksum)
  if (!parsed.success) return null
  const { algorithm, value } = parsed.data
  return { algorithm, value: normalizeChecksum(algorithm, value) ?? value }
}

/** Compares the checksum of the file with the one the user gave. Throws `checksum_mismatch`; `consequence` says what became of the object. */
export function mustEqual(expected: Expected, actual: string, consequence: string): Evidence {
  const algorithm = expected.algorithm.toUpperCase()
  if (actual !== expected.value)
    throw new TransferError(
      'checksum_mismatch',
      `The ${algorithm} you gave is ${expected.value}, that of the file is ${actual}. ${consequence} Check the value and the source.`,
    )
  return { kind: 'expected-checksum', algorithm, expected: expected.value, actual }
}

/** The proof of the user's own checksum: parts come in any order, so all but a CRC32C need the object read back once. */
async function proveExpected(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  complete: CompleteUpload,
  expected: Expected,
  signal: AbortSignal,
): Promise<Evidence> {
  if (expected.algorithm === 'crc32c' && complete.crc32c !== null) return mustEqual(expected, complete.crc32c, '')
  const message = `Reading the object back to compare its ${expected.algorithm.toUpperCase()}.`
  await addEvent(context.db, { transferId: row.id, engineId: context.engineId, code: 'reading_back', message })
  const actual = await digestOf(expected.algorithm, store.read(row.key, signal))
  return mustEqual(expected, actual, 'The object is at its key, but do not use it.')
}
