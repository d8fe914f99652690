import { checksumHeaders, declaredChecksum, parseAlgorithm } from './checksum.ts'
import { checkWriteConditions } from './conditions.ts'
import { receiveBody } from './receive-body.ts'
import { readMetadata, readStoredHeaders, refuseUnsupportedHeaders, type S3Request } from './request.ts'
import { respondEmpty } from './respond.ts'
import { requireBucket, type Store } from './store.ts'
import type { StoredObject } from './stored-object.ts'
import type { VerifiedSignature } from './verify-signature.ts'

/** Largest object of one PUT, and largest part (S3: 5 GiB). */
export const MAX_PUT_BYTES = 5 * 1024 ** 3

/** PutObject: the bytes go to a file of their own; one change of the catalog makes them the object. */
export async function putObject(store: Store, request: S3Request, signature: VerifiedSignature): Promise<void> {
  requireBucket(store, request.bucket)
  refuseUnsupportedHeaders(request)
  const headers = readStoredHeaders(request)
  const metadata = readMetadata(request)
  const checksum = declaredChecksum((name) => request.header(name))
  checkWriteConditions(request, store.catalog.object(request.bucket, request.key))

  const writer = store.blobs.create()
  try {
    const received = await receiveBody(request, signature, writer, {
      md5: true,
      checksum,
      // An SDK may name the algorithm and leave the value to the trailer, or to us.
      computed: parseAlgorithm(request.header('x-amz-checksum-algorithm')),
      maxBytes: MAX_PUT_BYTES,
    })
    const blobId = await writer.keep()
    const object: StoredObject = {
      key: request.key,
      sizeBytes: received.sizeBytes,
      etag: received.md5 ?? '',
      modifiedMs: Date.now(),
      headers,
      metadata,
      checksums: received.checksums,
      checksumType: Object.keys(received.checksums).length > 0 ? 'FULL_OBJECT' : null,
      partsCount: null,
      blobs: blobId ? [{ id: blobId, sizeBytes: received.sizeBytes }] : [],
    }
    // From here to the write there is no await: what is checked is still true when it is written.
    requireBucket(store, request.bucket)
    checkWriteConditions(request, store.catalog.object(request.bucket, request.key))
    const unused = store.catalog.putObject(request.bucket, object)
    writer.adopt()
    respondEmpty(request, 200, {
      etag: `"${object.etag}"`,
      ...checksumHeaders(object.checksums),
      ...(object.checksumType ? { 'x-amz-checksum-type': object.checksumType } : {}),
    })
    await store.blobs.remove(unused)
  } catch (error) {
    await writer.discard()
    throw error
  }
}
