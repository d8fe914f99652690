import type { ChecksumAlgorithm } from '../../server/domain/transfer.ts'
import { createDigests } from '../upload/object-digest.ts'
import type { ObjectStore } from '../upload/object-store.ts'
import type { Digests } from './known-digests.ts'

/**
 * Reads an object once, from its first byte to its last, for digests that nothing else can give. `onBytes` is told of each chunk.
 * Throws as the store does.
 */
export async function digestsOfObject(
  store: ObjectStore,
  key: string,
  algorithms: Iterable<ChecksumAlgorithm>,
  signal: AbortSignal,
  onBytes: (bytes: number) => void = () => {},
): Promise<Digests> {
  const digests = createDigests(algorithms)
  if (!digests) return {}
  for await (const chunk of store.read(key, signal)) {
    digests.update(chunk)
    onBytes(chunk.length)
  }
  return digests.values()
}
