import type { Evidence } from '../../server/domain/transfer.ts'
import { createDigests } from '../upload/object-digest.ts'
import { compareDigests, knownDigests, mustAgree } from './known-digests.ts'

/** Holds every digest that is known against bytes that are all in memory. Throws `checksum_mismatch` where one certainly differs. */
export async function proveBytes(
  row: Parameters<typeof knownDigests>[0],
  slices: readonly Uint8Array[],
  crc32c: string,
): Promise<readonly Evidence[]> {
  const known = knownDigests(row)
  const digests = createDigests(known.flatMap(({ algorithm }) => (algorithm === 'crc32c' ? [] : algorithm)))
  for (const slice of slices) digests?.update(slice)
  const compared = compareDigests(known, { ...(await digests?.values()), crc32c })
  mustAgree(compared, 'Nothing was written.')
  return compared.evidence
}
