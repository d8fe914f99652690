import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { createDigests } from '../upload/object-digest.ts'
import { Attempts } from './backoff.ts'
import type { Digests, KnownDigest } from './known-digests.ts'
import { pinnedIdentity } from './pinned-identity.ts'
import { openTarget, type WorkContext } from './work-context.ts'

/**
 * Digests of the source, read once more in order. That these are the bytes in the bucket shows the CRC32C: it has to be that of
 * the parts. Throws `source_changed` where it is not, and as reads do; a read that breaks goes on from the byte it reached.
 */
export async function digestsOfSource(
  context: WorkContext,
  row: TransferRow,
  known: readonly KnownDigest[],
  crc32c: string | null,
  signal: AbortSignal,
): Promise<Digests> {
  const digests = createDigests(['crc32c', ...known.map(({ algorithm }) => algorithm)])
  if (!digests) return {}
  const identity = pinnedIdentity(row)
  const target = openTarget(context, row)
  const endByte = Number(row.sizeBytes)
  const attempts = new Attempts()
  let reachedByte = 0
  const sink = (chunk: Uint8Array) => {
    digests.update(chunk)
    reachedByte += chunk.length
    return true
  }
  while (reachedByte < endByte) {
    const before = reachedByte
    try {
      const range = { target, identity, startByte: reachedByte, endByte, sink, signal }
      await (identity.acceptsRanges ? context.source.readRange(range) : context.source.readWhole(range)).done
    } catch (error) {
      if (!identity.acceptsRanges) throw error
      if (reachedByte > before) attempts.progressed()
      await attempts.failed(error, signal)
    }
  }
  const values = await digests.values()
  if (values.crc32c === crc32c) return values
  throw new TransferError(
    'source_changed',
    `The source sent other bytes when it was read once more: their CRC32C is ${values.crc32c}, that of the parts ${crc32c}. Nothing was written; start the transfer over.`,
    { facts: { validator: 'CRC32C', pinned: crc32c, seen: values.crc32c ?? null } },
  )
}
