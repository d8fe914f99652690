import { createHash } from 'node:crypto'
import { checksumElements, checksumHeaders, compositeChecksum, startChecksum } from './checksum.ts'
import { checkWriteConditions } from './conditions.ts'
import { combineCrcs } from './crc-combine.ts'
import { receiveXml } from './delete-objects.ts'
import { readBlobs } from './read-blobs.ts'
import type { S3Request } from './request.ts'
import { respondXml } from './respond.ts'
import { S3Error } from './s3-error.ts'
import { requireBucket, type Store } from './store.ts'
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  type Checksums,
  type ChecksumType,
  type StoredObject,
  type StoredPart,
  type StoredUpload,
} from './stored-object.ts'
import { noSuchUpload } from './upload-part.ts'
import type { VerifiedSignature } from './verify-signature.ts'
import { xmlChildren, xmlText } from './xml.ts'

/** Every part but the last has at least this (S3: 5 MiB). */
const MIN_PART_BYTES = 5 * 1024 * 1024

interface ListedPart {
  readonly number: number
  readonly etag: string
  readonly checksums: Checksums
}

/**
 * CompleteMultipartUpload: the parts' files become the object where they lie, in one change of the catalog, whatever the size.
 * The same Complete again gets the answer of the first. Throws MalformedXML, InvalidPart, InvalidPartOrder,
 * EntityTooSmall, InvalidRequest, BadDigest, PreconditionFailed, NoSuchUpload.
 */
export async function completeUpload(store: Store, request: S3Request, signature: VerifiedSignature): Promise<void> {
  requireBucket(store, request.bucket)
  const find = () => store.uploads.find(request.bucket, request.key, request.param('uploadId') ?? '')
  const begun = find()
  if (!begun) throw noSuchUpload()
  if (!begun.completed) checkWriteConditions(request, store.catalog.object(request.bucket, request.key))
  // The checksum headers of this request speak of the object, not of this body.
  const body = await receiveXml(request, signature, 'CompleteMultipartUpload', { checksumOfBody: false })
  const listed = readParts(body)
  const fingerprint = createHash('sha256').update(JSON.stringify(listed)).digest('hex')

  const prepared = begun.completed ? null : await prepareObject(store, request, begun, listed)
  // No await from here to the write: conditions, parts and the upload itself are judged as they are now.
  const upload = find()
  if (!upload) throw noSuchUpload()
  if (upload.completed) {
    if (upload.completed.parts !== fingerprint) throw noSuchUpload()
    respondCompleted(request, JSON.parse(upload.completed.result))
    return
  }
  if (!prepared) throw noSuchUpload()
  checkWriteConditions(request, store.catalog.object(request.bucket, request.key))
  if (JSON.stringify(matchParts(store, upload, listed)) !== JSON.stringify(prepared.parts))
    throw new S3Error('InvalidPart', 'A part was replaced while the upload was being completed.')
  const { object } = prepared
  const result: CompletedResult = {
    etag: object.etag,
    checksums: object.checksums,
    checksumType: object.checksumType,
  }
  const completed = { parts: fingerprint, result: JSON.stringify(result) }
  const unused = store.uploads.complete(upload, object, completed)
  respondCompleted(request, result)
  await store.blobs.remove(unused)
}

interface CompletedResult {
  readonly etag: string
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | null
}

function respondCompleted(request: S3Request, { etag, checksums, checksumType }: CompletedResult): void {
  respondXml(
    request,
    'CompleteMultipartUploadResult',
    {
      Location: `http://${request.header('host') ?? 'localhost'}${request.rawPath}`,
      Bucket: request.bucket,
      Key: request.key,
      ETag: `"${etag}"`,
      ...checksumElements(checksums),
      ChecksumType: checksumType,
    },
    checksumHeaders(checksums),
  )
}

/** The parts of the document. Throws MalformedXML, InvalidPartOrder. */
function readParts(body: Record<string, unknown>): ListedPart[] {
  const parts = xmlChildren(body, 'Part').map((element) => {
    const number = xmlText(element, 'PartNumber')?.trim() ?? ''
    const etag = xmlText(element, 'ETag')?.trim()
    if (!/^\d{1,5}$/.test(number) || etag === undefined)
      throw new S3Error('MalformedXML', 'Every Part of the document has a PartNumber and an ETag.')
    const checksums: Partial<Record<ChecksumAlgorithm, string>> = {}
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const value = xmlText(element, `Checksum${algorithm.toUpperCase()}`)?.trim()
      if (value) checksums[algorithm] = value
    }
    return { number: Number(number), etag: etag.replace(/^"(.*)"$/, '$1'), checksums }
  })
  if (parts.length === 0 || parts.length > 10_000)
    throw new S3Error('MalformedXML', 'A CompleteMultipartUpload document lists 1 to 10,000 parts.')
  for (const [index, part] of parts.entries())
    if (index > 0 && part.number <= (parts[index - 1]?.number ?? 0))
      throw new S3Error(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      )
  return parts
}

/** The stored parts that are listed. Throws InvalidPart, EntityTooSmall. */
function matchParts(store: Store, upload: StoredUpload, listed: readonly ListedPart[]): StoredPart[] {
  const stored = new Map(store.uploads.parts(upload.id, 0, 10_000).map((part) => [part.number, part]))
  return listed.map(({ number, etag, checksums }, index) => {
    const part = stored.get(number)
    const differs = CHECKSUM_ALGORITHMS.some((name) => {
      const claimed = checksums[name]
      return claimed !== undefined && part?.checksums[name] !== claimed
    })
    if (!part || part.etag !== etag || differs)
      throw new S3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or its ETag or checksum may not match the part's.",
        { details: { UploadId: upload.id, PartNumber: number, ETag: etag } },
      )
    if (part.sizeBytes < MIN_PART_BYTES && index < listed.length - 1)
      throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
        details: { ProposedSize: part.sizeBytes, MinSizeAllowed: MIN_PART_BYTES, PartNumber: number, ETag: etag },
      })
    return part
  })
}

async function prepareObject(
  store: Store,
  request: S3Request,
  upload: StoredUpload,
  listed: readonly ListedPart[],
): Promise<{ object: StoredObject; parts: StoredPart[] }> {
  const parts = matchParts(store, upload, listed)
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  const declaredSize = request.header('x-amz-mp-object-size')
  if (declaredSize !== undefined && declaredSize !== String(sizeBytes))
    throw new S3Error(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${declaredSize.slice(0, 20)} does not match what was computed: ${sizeBytes}`,
    )
  const etags = createHash('md5')
  for (const part of parts) etags.update(part.etag, 'hex')
  const { checksums, checksumType } = await objectChecksum(store, request, upload, parts)
  const object: StoredObject = {
    key: upload.key,
    sizeBytes,
    etag: `${etags.digest('hex')}-${parts.length}`,
    modifiedMs: Date.now(),
    headers: upload.headers,
    metadata: upload.metadata,
    checksums,
    checksumType,
    partsCount: parts.length,
    blobs: parts.map((part) => ({
      id: part.blobId ?? '',
      sizeBytes: part.sizeBytes,
      part: part.number,
      ...(Object.keys(part.checksums).length > 0 ? { checksums: part.checksums } : {}),
    })),
  }
  return { object, parts }
}

/** The checksum of the object, by the upload's algorithm and type, compared with the one the request declares. */
async function objectChecksum(
  store: Store,
  request: S3Request,
  upload: StoredUpload,
  parts: readonly StoredPart[],
): Promise<{ checksums: Checksums; checksumType: ChecksumType | null }> {
  const declared = CHECKSUM_ALGORITHMS.find((name) => request.header(`x-amz-checksum-${name}`) !== undefined)
  const declaredType = request.header('x-amz-checksum-type')?.toUpperCase()
  const algorithm = upload.checksumAlgorithm ?? declared
  if (!algorithm) return { checksums: {}, checksumType: null }
  if (declared && declared !== algorithm)
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using ${algorithm}. The complete request must use it too.`,
    )
  const type =
    upload.checksumType ?? (declaredType === 'COMPOSITE' || !algorithm.startsWith('crc') ? 'COMPOSITE' : 'FULL_OBJECT')
  if (declaredType !== undefined && declaredType !== type)
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using the ${type} checksum mode. The complete request must use it too.`,
    )
  const values = await partChecksums(store, algorithm, parts)
  const computed =
    type === 'COMPOSITE'
      ? await compositeChecksum(algorithm, values)
      : combineCrcs(
          algorithm,
          parts.map((part, index) => ({ sizeBytes: part.sizeBytes, crc: values[index] ?? '' })),
        )
  if (computed === null) throw new S3Error('InvalidRequest', `${algorithm} has no checksum of a full object.`)
  const claimed = declared ? request.header(`x-amz-checksum-${declared}`) : undefined
  // For COMPOSITE, clients send the value with or without the number of parts.
  if (
    claimed !== undefined &&
    claimed !== computed &&
    !(type === 'COMPOSITE' && `${claimed}-${parts.length}` === computed)
  )
    throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
  return { checksums: { [algorithm]: computed }, checksumType: type }
}

/** Each part's checksum: the stored one, or one computed over its bytes where the part came without. */
async function partChecksums(
  store: Store,
  algorithm: ChecksumAlgorithm,
  parts: readonly StoredPart[],
): Promise<string[]> {
  const values: string[] = []
  for (const part of parts) {
    const stored = part.checksums[algorithm]
    if (stored !== undefined) {
      values.push(stored)
      continue
    }
    const running = startChecksum(algorithm)
    const blobs = part.blobId ? [{ id: part.blobId, sizeBytes: part.sizeBytes }] : []
    const release = store.blobs.pin(blobs.map((blob) => blob.id))
    try {
      await readBlobs(store.blobs, blobs, { start: 0, end: part.sizeBytes }, async (piece) => running.update(piece))
    } finally {
      release()
    }
    values.push(await running.digest())
  }
  return values
}
