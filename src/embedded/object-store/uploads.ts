import { randomBytes } from 'node:crypto'
import { parseAlgorithm, parseChecksumType } from './checksum.ts'
import { readMetadata, readStoredHeaders, refuseUnsupportedHeaders, type S3Request } from './request.ts'
import { respondEmpty, respondXml } from './respond.ts'
import { requireBucket, type Store } from './store.ts'
import { requireUpload } from './upload-part.ts'

/** CreateMultipartUpload. */
export async function createUpload(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  refuseUnsupportedHeaders(request)
  const checksumAlgorithm = parseAlgorithm(request.header('x-amz-checksum-algorithm'))
  const checksumType = parseChecksumType(request.header('x-amz-checksum-type'), checksumAlgorithm)
  const initiatedMs = Date.now()
  // Ids begin with the time, so that uploads of one key are listed in the order they were begun.
  const id = `${initiatedMs.toString(36).padStart(9, '0')}.${randomBytes(24).toString('base64url')}`
  store.uploads.create({
    id,
    bucket: request.bucket,
    key: request.key,
    initiatedMs,
    headers: readStoredHeaders(request),
    metadata: readMetadata(request),
    checksumAlgorithm,
    checksumType,
  })
  respondXml(
    request,
    'InitiateMultipartUploadResult',
    { Bucket: request.bucket, Key: request.key, UploadId: id },
    checksumAlgorithm
      ? {
          'x-amz-checksum-algorithm': checksumAlgorithm.toUpperCase(),
          ...(checksumType ? { 'x-amz-checksum-type': checksumType } : {}),
        }
      : {},
  )
}

/** AbortMultipartUpload. Parts still on their way find the upload gone and are dropped. */
export async function abortUpload(store: Store, request: S3Request): Promise<void> {
  const upload = requireUpload(store, request)
  const unused = store.uploads.abort(upload.id)
  respondEmpty(request, 204)
  await store.blobs.remove(unused)
}
