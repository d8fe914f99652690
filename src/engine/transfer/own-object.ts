import { createHash } from 'node:crypto'
import type { BucketCapabilities } from '../../server/domain/bucket.ts'
import { type CompleteUpload, type ObjectInfo, WRITE_TOKEN_KEY } from '../upload/object-store.ts'

/**
 * Whether the object at a key is the one that this upload makes: it carries the upload's write token. Where the store drops metadata
 * (GCS may), it is the one with the same size and the checksum of the whole, or else with the ETag that these very parts make. The
 * mere presence of an object proves nothing (reliability.md section 2).
 */
export function isOurObject(
  object: ObjectInfo,
  writeToken: string | null,
  complete: Pick<CompleteUpload, 'parts' | 'sizeBytes' | 'crc32c'>,
  capabilities: Pick<BucketCapabilities, 'metadata'>,
): boolean {
  const token = object.metadata[WRITE_TOKEN_KEY]
  if (token !== undefined) return writeToken !== null && token === writeToken
  if (capabilities.metadata || object.sizeBytes !== complete.sizeBytes) return false
  const { crc32c } = object.checksums
  if (object.checksumType === 'FULL_OBJECT' && crc32c !== undefined && complete.crc32c !== null)
    return crc32c === complete.crc32c
  const etag = etagOfParts(complete.parts.map((part) => part.etag))
  return etag !== null && object.etag.replaceAll('"', '').toLowerCase() === etag
}

/** The ETag that S3 gives to an object of parts whose ETags are MD5s: the MD5 of those, and their number. Null where one is none. */
function etagOfParts(etags: readonly string[]): string | null {
  const hash = createHash('md5')
  for (const etag of etags) {
    const hex = /^"?([0-9a-f]{32})"?$/i.exec(etag)?.[1]
    if (!hex) return null
    hash.update(Buffer.from(hex, 'hex'))
  }
  return `${hash.digest('hex')}-${etags.length}`
}
