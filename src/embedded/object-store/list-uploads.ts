import { checksumElements } from './checksum.ts'
import { maxNames, nameEncoder } from './list-objects.ts'
import { commonPrefix, successor } from './list-page.ts'
import type { S3Request } from './request.ts'
import { respondXml } from './respond.ts'
import { S3Error } from './s3-error.ts'
import { requireBucket, type Store } from './store.ts'
import type { StoredUpload } from './stored-object.ts'
import { requireUpload } from './upload-part.ts'

const OWNER = { ID: 'sluice', DisplayName: 'sluice' }

/** ListParts, in pages by part-number-marker. */
export async function listParts(store: Store, request: S3Request): Promise<void> {
  const upload = requireUpload(store, request)
  const marker = request.param('part-number-marker') ?? '0'
  if (!/^\d{1,10}$/.test(marker))
    throw new S3Error('InvalidArgument', 'Argument part-number-marker must be an integer between 0 and 2147483647')
  const limit = maxNames(request, 'max-parts')
  const found = store.uploads.parts(upload.id, Number(marker), limit + 1)
  const parts = found.slice(0, limit)
  const truncated = limit > 0 && found.length > limit
  const encode = nameEncoder(request)
  respondXml(request, 'ListPartsResult', {
    Bucket: request.bucket,
    Key: encode(request.key),
    UploadId: upload.id,
    Initiator: OWNER,
    Owner: OWNER,
    StorageClass: 'STANDARD',
    PartNumberMarker: Number(marker),
    // Only where there is a next page: the SDK's paginator goes on as long as it gets a marker, whatever IsTruncated says.
    NextPartNumberMarker: truncated ? parts.at(-1)?.number : undefined,
    MaxParts: limit,
    IsTruncated: truncated,
    ChecksumAlgorithm: upload.checksumAlgorithm?.toUpperCase(),
    ChecksumType: upload.checksumType,
    Part: parts.map((part) => ({
      PartNumber: part.number,
      LastModified: new Date(part.modifiedMs).toISOString(),
      ETag: `"${part.etag}"`,
      Size: part.sizeBytes,
      ...checksumElements(part.checksums),
    })),
  })
}

/** Behind every upload id of a key: ids are ASCII. */
const BEHIND_ALL_IDS = '\u{10ffff}'

/** ListMultipartUploads, ordered by key and then by age, in pages by key-marker and upload-id-marker. */
export async function listUploads(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  const prefix = Buffer.from(request.param('prefix') ?? '')
  const delimiter = Buffer.from(request.param('delimiter') ?? '')
  const keyMarker = request.param('key-marker') ?? ''
  const idMarker = keyMarker === '' ? '' : (request.param('upload-id-marker') ?? '')
  const limit = maxNames(request, 'max-uploads')
  const uploads: StoredUpload[] = []
  const commonPrefixes: string[] = []
  const before = successor(prefix)
  let last = { key: keyMarker, id: idMarker }
  let at = startBehind(prefix, delimiter, keyMarker, idMarker)
  let truncated = false
  for (; limit > 0; ) {
    const [upload] = store.uploads.after(request.bucket, at.key, at.id, before, 1)
    if (!upload) break
    if (uploads.length + commonPrefixes.length === limit) {
      truncated = true
      break
    }
    const common = commonPrefix(Buffer.from(upload.key), prefix, delimiter)
    if (common) {
      commonPrefixes.push(common.toString())
      last = { key: common.toString(), id: '' }
      const behind = successor(common)
      if (!behind) break
      at = { key: behind, id: '' }
    } else {
      uploads.push(upload)
      last = { key: upload.key, id: upload.id }
      at = { key: Buffer.from(upload.key), id: upload.id }
    }
  }
  const encode = nameEncoder(request)
  respondXml(request, 'ListMultipartUploadsResult', {
    Bucket: request.bucket,
    KeyMarker: encode(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: truncated ? encode(last.key) : undefined,
    NextUploadIdMarker: truncated ? last.id : undefined,
    Prefix: encode(prefix.toString()),
    Delimiter: delimiter.length > 0 ? encode(delimiter.toString()) : undefined,
    EncodingType: request.param('encoding-type') === undefined ? undefined : 'url',
    MaxUploads: limit,
    IsTruncated: truncated,
    Upload: uploads.map((upload) => ({
      Key: encode(upload.key),
      UploadId: upload.id,
      Initiator: OWNER,
      Owner: OWNER,
      StorageClass: 'STANDARD',
      Initiated: new Date(upload.initiatedMs).toISOString(),
      ChecksumAlgorithm: upload.checksumAlgorithm?.toUpperCase(),
      ChecksumType: upload.checksumType,
    })),
    CommonPrefixes: commonPrefixes.map((common) => ({ Prefix: encode(common) })),
  })
}

function startBehind(
  prefix: Buffer,
  delimiter: Buffer,
  keyMarker: string,
  idMarker: string,
): { key: Buffer; id: string } {
  const marker = Buffer.from(keyMarker)
  if (keyMarker === '' || Buffer.compare(marker, prefix) < 0) return { key: prefix, id: '' }
  // A page that ended with a common prefix goes on behind all of it; an upload's key goes on behind its id, or all its ids.
  if (commonPrefix(marker, prefix, delimiter)?.equals(marker)) return { key: successor(marker) ?? marker, id: '' }
  return { key: marker, id: idMarker === '' ? BEHIND_ALL_IDS : idMarker }
}
