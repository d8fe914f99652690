import type { Claim } from '../../server/db/claims.ts'
import { finishVerification } from '../../server/db/completion.ts'
import { loadLedger, type TransferRow } from '../../server/db/transfer-steps.ts'
import { combineCrc32c } from '../upload/crc32c.ts'
import type { ObjectStore } from '../upload/object-store.ts'
import { describeVerification, judgeObject } from './verification.ts'
import type { WorkContext } from './work-context.ts'

/** Looks at the object of a completed transfer once more, and records whether it still is what was read. */
export async function verifyTransfer(
  context: WorkContext,
  row: TransferRow,
  claim: Claim,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const object = await store.head(row.key, signal)
  const sizeBytes = Number(row.sizeBytes ?? 0)
  const ledger = await loadLedger(context.db, row.id)
  const parts = ledger.flatMap((part) =>
    part.crc32c === null ? [] : [{ crc32c: part.crc32c, sizeBytes: Number(part.sizeBytes) }],
  )
  // An empty file has no parts, and its checksum is that of nothing.
  const isKnown = parts.length === ledger.length && (parts.length > 0 || sizeBytes === 0)
  const crc32c = isKnown ? combineCrc32c(parts) : null
  const verification = object
    ? judgeObject(object, { sizeBytes, crc32c })
    : {
        verdict: 'mismatch' as const,
        evidence: [{ kind: 'object', expected: `${sizeBytes} bytes`, actual: 'no object at the key' }],
      }
  const message = object
    ? `Verified again: ${describeVerification(verification)}.`
    : 'The object is no longer at its key.'
  await finishVerification(context.db, context.engineId, claim, verification, message)
}
