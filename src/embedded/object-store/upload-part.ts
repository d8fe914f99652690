import { createHash } from 'node:crypto'
import type { BlobWriter } from './blob-files.ts'
import { checksumHeaders, declaredChecksum, startChecksum } from './checksum.ts'
import { MAX_PUT_BYTES } from './put-object.ts'
import { receiveBody } from './receive-body.ts'
import type { S3Request } from './request.ts'
import { respondEmpty } from './respond.ts'
import { S3Error } from './s3-error.ts'
import { requireBucket, type Store } from './store.ts'
import type { Checksums, StoredPart, StoredUpload } from './stored-object.ts'
import type { VerifiedSignature } from './verify-signature.ts'

/** What a part's bytes turned out to be. */
interface PartDigests {
  readonly sizeBytes: number
  readonly md5: string
  readonly checksums: Checksums
}

/** A part that may be written: its upload is there and its number is good. */
export interface OpenPart {
  readonly upload: StoredUpload
  readonly number: number
}

/** UploadPart. The last write of a number wins; an upload that ended while the bytes came gives NoSuchUpload. */
export async function uploadPart(store: Store, request: S3Request, signature: VerifiedSignature): Promise<void> {
  const part = openPart(store, request)
  const checksum = declaredChecksum((name) => request.header(name))
  const promised = part.upload.checksumAlgorithm
  if (checksum && promised && checksum.algorithm !== promised)
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${promised}, actual checksum Type: ${checksum.algorithm}`,
    )
  const stored = await commitPart(store, part, async (writer) => {
    // Where the upload promises a checksum and this part brings none, it is computed here, as S3 does.
    const expect = { md5: true, checksum, computed: promised, maxBytes: MAX_PUT_BYTES }
    const received = await receiveBody(request, signature, writer, expect)
    return { ...received, md5: received.md5 ?? '' }
  })
  respondEmpty(request, 200, { etag: `"${stored.etag}"`, ...checksumHeaders(stored.checksums) })
}

/** The upload and number that a request names. Throws NoSuchBucket, NoSuchUpload, InvalidArgument. */
export function openPart(store: Store, request: S3Request): OpenPart {
  const text = request.param('partNumber') ?? ''
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000)
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive')
  return { upload: requireUpload(store, request), number }
}

/** The unfinished upload that a request names. Throws NoSuchBucket, NoSuchUpload. */
export function requireUpload(store: Store, request: S3Request): StoredUpload {
  requireBucket(store, request.bucket)
  const upload = store.uploads.find(request.bucket, request.key, request.param('uploadId') ?? '')
  if (!upload || upload.completed) throw noSuchUpload()
  return upload
}

export function noSuchUpload(): S3Error {
  return new S3Error(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  )
}

/** Runs `fill` on a new file and makes the file the part, if the upload is still there when it has been filled. */
export async function commitPart(
  store: Store,
  { upload, number }: OpenPart,
  fill: (writer: BlobWriter, digests: RunningDigests) => Promise<PartDigests>,
): Promise<StoredPart> {
  const writer = store.blobs.create()
  try {
    const { sizeBytes, md5, checksums } = await fill(writer, runningDigests(upload))
    const blobId = await writer.keep()
    const part: StoredPart = { number, sizeBytes, etag: md5, modifiedMs: Date.now(), checksums, blobId }
    // No await from the check to the write, or a Complete in between would leave a part without an upload.
    const current = store.uploads.find(upload.bucket, upload.key, upload.id)
    if (!current || current.completed) throw noSuchUpload()
    const unused = store.uploads.putPart(upload.id, part)
    writer.adopt()
    await store.blobs.remove(unused)
    return part
  } catch (error) {
    await writer.discard()
    throw error
  }
}

interface RunningDigests {
  update(bytes: Uint8Array): void
  finish(): Promise<PartDigests>
}

/** MD5 and the upload's promised checksum, for bytes that do not come from a request's body. */
function runningDigests(upload: StoredUpload): RunningDigests {
  const md5 = createHash('md5')
  const algorithm = upload.checksumAlgorithm
  const checksum = algorithm ? startChecksum(algorithm) : null
  let sizeBytes = 0
  return {
    update: (bytes) => {
      sizeBytes += bytes.length
      md5.update(bytes)
      checksum?.update(bytes)
    },
    finish: async () => ({
      sizeBytes,
      md5: md5.digest('hex'),
      checksums: algorithm && checksum ? { [algorithm]: await checksum.digest() } : {},
    }),
  }
}
