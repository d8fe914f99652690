import type { Claim } from '../../server/db/claims.ts'
import { finishVerification } from '../../server/db/completion.ts'
import { loadLedger, type TransferRow } from '../../server/db/transfer-steps.ts'
import type { ChecksumAlgorithm, Evidence, Verification } from '../../server/domain/transfer.ts'
import type { ObjectInfo, ObjectStore } from '../upload/object-store.ts'
import { combineDigests, compareDigests, type Digests, knownDigests, readDigests } from './known-digests.ts'
import { ReadBackProgress } from './read-back-progress.ts'
import { digestsOfObject } from './read-object-back.ts'
import {
  concludeVerification,
  describeVerification,
  fullObjectChecksums,
  judgeObject,
  partChecksums,
} from './verification.ts'
import type { WorkContext } from './work-context.ts'

/**
 * Looks at the object of a completed transfer once more, and records whether it still is what was read. Where that was asked for,
 * the whole object is read back, which needs nobody's word.
 */
export async function verifyTransfer(
  context: WorkContext,
  row: TransferRow,
  claim: Claim,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const object = await store.head(row.key, signal)
  const verification = object
    ? await judge(context, row, store, object, signal)
    : ({
        verdict: 'mismatch',
        evidence: [{ kind: 'object', expected: `${row.sizeBytes ?? 0} bytes`, actual: 'no object at the key' }],
      } satisfies Verification)
  const message = object
    ? `Looked at again: ${describeVerification(verification)}.`
    : 'The object is no longer at its key.'
  await finishVerification(context.db, context.engineId, claim, verification, message)
}

async function judge(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  object: ObjectInfo,
  signal: AbortSignal,
): Promise<Verification> {
  const sizeBytes = Number(row.sizeBytes ?? 0)
  const ledger = await loadLedger(context.db, row.id)
  const read = digestsAsRead(row, ledger, sizeBytes)
  const crc32c = read.crc32c ?? null
  const verification = judgeObject(object, {
    sizeBytes,
    crc32c,
    partCrc32cs: partChecksums(ledger, store.capabilities),
  })
  if (verification.verdict === 'mismatch') return verification
  const known = knownDigests(row)
  // An object with the CRC32C of the bytes that were read has their other digests, too.
  const bucket = { ...(verification.verdict === 'verified' && read), ...fullObjectChecksums(object) }
  const actual = row.reread
    ? await readBack(context, row, store, [...known.map(({ algorithm }) => algorithm), ...readBackWith(read)], signal)
    : bucket
  const compared = compareDigests(known, actual)
  const evidence: Evidence[] = []
  if (row.reread) {
    // What was read back is held against what was read from the source, and is named even where nothing is known of that.
    const [algorithm] = readBackWith(read)
    const found = algorithm && actual[algorithm]
    const wanted = algorithm && read[algorithm]
    if (algorithm && found)
      evidence.push({
        kind: 'read-back',
        algorithm: algorithm.toUpperCase(),
        ...(wanted && { expected: wanted }),
        actual: found,
      })
  }
  const all = [...compared.evidence, ...evidence]
  const differs = all.find(({ expected, actual: found }) => expected !== undefined && expected !== found)
  if (differs) return { verdict: 'mismatch', evidence: [differs, ...all.filter((one) => one !== differs)] }
  const isProven = evidence.some(({ expected }) => expected !== undefined)
  const judged: Verification = {
    verdict: isProven ? 'verified' : verification.verdict,
    evidence: [...evidence, ...verification.evidence],
  }
  return concludeVerification(judged, row, { met: compared.evidence, open: compared.rest })
}

/** The same object, read whole, while whoever watches sees how far that is. Throws a Stop where the user wants no more of it. */
async function readBack(
  context: WorkContext,
  row: TransferRow,
  store: ObjectStore,
  algorithms: readonly ChecksumAlgorithm[],
  signal: AbortSignal,
): Promise<Digests> {
  const progress = new ReadBackProgress(context, row.id)
  try {
    const either = AbortSignal.any([signal, progress.signal])
    return await digestsOfObject(store, row.key, algorithms, either, (bytes) => progress.read(bytes))
  } finally {
    await progress.end()
  }
}

/** The algorithm of a read-back: one that the bytes read have, else SHA-256, to be looked at by people. */
function readBackWith(read: Digests) {
  if (read.crc32c !== undefined) return ['crc32c'] as const
  return ['sha256'] as const
}

/** The digests of the bytes as they were read. An empty file has no parts, and its checksum is that of nothing. */
function digestsAsRead(row: TransferRow, ledger: Awaited<ReturnType<typeof loadLedger>>, sizeBytes: number): Digests {
  const isKnown = ledger.length > 0 || sizeBytes === 0
  return { ...readDigests(row), ...(isKnown && combineDigests(ledger)) }
}
