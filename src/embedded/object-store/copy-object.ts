import { parseCopyRange } from './byte-range.ts'
import { checksumElements } from './checksum.ts'
import { checkCopyConditions, checkWriteConditions } from './conditions.ts'
import { requireObject } from './get-object.ts'
import { MAX_PUT_BYTES } from './put-object.ts'
import { readBlobs } from './read-blobs.ts'
import { memorySink, receiveBody } from './receive-body.ts'
import { readMetadata, readStoredHeaders, refuseUnsupportedHeaders, type S3Request, splitPath } from './request.ts'
import { respondXml } from './respond.ts'
import { S3Error } from './s3-error.ts'
import { requireBucket, type Store } from './store.ts'
import type { StoredObject } from './stored-object.ts'
import { commitPart, openPart } from './upload-part.ts'
import type { VerifiedSignature } from './verify-signature.ts'

/** CopyObject: the copy shares the source's files of bytes, so it takes no time whatever the size. The ETag stays the source's. */
export async function copyObject(store: Store, request: S3Request, signature: VerifiedSignature): Promise<void> {
  requireBucket(store, request.bucket)
  refuseUnsupportedHeaders(request)
  await receiveNothing(request, signature)
  const source = copySource(store, request)
  const replace = directive(request) === 'REPLACE'
  if (!replace && source.bucket === request.bucket && source.object.key === request.key)
    throw new S3Error(
      'InvalidRequest',
      'This copy request is illegal because it is trying to copy an object to itself without changing its metadata.',
    )
  if (source.object.sizeBytes > MAX_PUT_BYTES)
    throw new S3Error('InvalidRequest', 'The source is larger than 5 GiB. Copy it in parts (UploadPartCopy).')
  checkWriteConditions(request, store.catalog.object(request.bucket, request.key))
  const copy: StoredObject = {
    ...source.object,
    key: request.key,
    modifiedMs: Date.now(),
    headers: replace ? readStoredHeaders(request) : source.object.headers,
    metadata: replace ? readMetadata(request) : source.object.metadata,
  }
  const unused = store.catalog.putObject(request.bucket, copy)
  respondXml(request, 'CopyObjectResult', {
    LastModified: new Date(copy.modifiedMs).toISOString(),
    ETag: `"${copy.etag}"`,
    ...checksumElements(copy.checksums),
  })
  await store.blobs.remove(unused)
}

/** UploadPartCopy: reads the source's bytes into a part of its own, since a part needs an MD5 of just these bytes. */
export async function uploadPartCopy(store: Store, request: S3Request, signature: VerifiedSignature): Promise<void> {
  const part = openPart(store, request)
  await receiveNothing(request, signature)
  const { object } = copySource(store, request)
  const header = request.header('x-amz-copy-source-range')
  const range = header === undefined ? { start: 0, end: object.sizeBytes } : parseCopyRange(header, object.sizeBytes)
  if (range.end - range.start > MAX_PUT_BYTES)
    throw new S3Error('InvalidRequest', 'A part has at most 5 GiB. Name a smaller x-amz-copy-source-range.')
  const release = store.blobs.pin(object.blobs.map((blob) => blob.id))
  try {
    const stored = await commitPart(store, part, async (writer, digests) => {
      await readBlobs(store.blobs, object.blobs, range, async (piece) => {
        digests.update(piece)
        // A copy: the writer keeps what it is given, and the reader uses its buffers again.
        if (!writer.write(Buffer.from(piece))) await writer.drained()
      })
      return digests.finish()
    })
    respondXml(request, 'CopyPartResult', {
      LastModified: new Date(stored.modifiedMs).toISOString(),
      ETag: `"${stored.etag}"`,
      ...checksumElements(stored.checksums),
    })
  } finally {
    release()
  }
}

function copySource(store: Store, request: S3Request): { bucket: string; object: StoredObject } {
  const header = request.header('x-amz-copy-source') ?? ''
  const [path = '', query = ''] = header.split('?', 2)
  const { bucket, key } = splitPath(path)
  if (bucket === '' || key === '')
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
  if (query !== '' && query !== 'versionId=null')
    throw new S3Error('InvalidArgument', 'This store keeps no versions; leave ?versionId out of the copy source.')
  const object = requireObject(store, bucket, key)
  checkCopyConditions(request, object)
  return { bucket, object }
}

function directive(request: S3Request): 'COPY' | 'REPLACE' {
  const value = request.header('x-amz-metadata-directive') ?? 'COPY'
  if (value !== 'COPY' && value !== 'REPLACE')
    throw new S3Error('InvalidArgument', 'x-amz-metadata-directive is COPY or REPLACE.')
  return value
}

async function receiveNothing(request: S3Request, signature: VerifiedSignature): Promise<void> {
  if (request.header('content-length') === undefined && request.header('transfer-encoding') === undefined) return
  await receiveBody(request, signature, memorySink(), { md5: false, checksum: null, maxBytes: 0 })
}
