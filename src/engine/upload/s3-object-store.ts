import { addAbortSignal, type Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { BucketCapabilities, BucketConnection, UploadDialect } from '../../server/domain/bucket.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { crc32cOf } from './crc32c.ts'
import {
  type CompleteUpload,
  type ObjectInfo,
  type ObjectStore,
  type UploadedPart,
  WRITE_TOKEN_KEY,
} from './object-store.ts'
import { ProgressWatch } from './progress-watch.ts'
import { createS3Clients, type S3ClientOptions } from './s3-clients.ts'
import { dialectOf } from './s3-dialects.ts'
import { createObjectSender, createPartSender } from './send-part.ts'
import { uploadFailure } from './upload-failure.ts'

/** Complete may take minutes: stores put the parts together, and send white space meanwhile (CompleteMultipartUpload). */
const COMPLETE_TIMEOUT_MS = 10 * 60_000
/** A part that was under way may come in after an abort, which then has to be repeated (AbortMultipartUpload). */
const ABORT_ATTEMPTS = 6
/** Keys that begin with a key are few; a store that lists for ever is not followed for ever. */
const MAX_UPLOAD_PAGES = 100

/**
 * The door to one bucket: the control plane by the AWS SDK, the bodies of parts by our own sender. What a store supports
 * is taken from the inspection of the bucket, else from what its dialect promises; `dialect` is that of an upload that was started
 * earlier, and is kept to. Throws TransferError (address_refused,
 * invalid_url) where the endpoint may not be reached at all.
 */
export function createObjectStore(
  connection: BucketConnection,
  options: S3ClientOptions & { readonly dialect?: UploadDialect | null },
): ObjectStore {
  const clients = createS3Clients(connection, options)
  const { repeatable, once } = clients
  const dialect = dialectOf(connection.endpoint)
  const capabilities = { ...(connection.capabilities ?? dialect.capabilities), ...options.dialect }
  const { idleTimeoutMs } = options
  const Bucket = connection.bucket
  const { parts: carrier, clock } = clients
  const sender = { connection, capabilities, carrier, clock, idleTimeoutMs }

  /**
   * Runs one call; what it throws comes out as a TransferError, or as the signal's reason. A call that was refused for its time was
   * not carried out, and the SDK has learned the store's clock from the refusal: it is made once more.
   */
  async function call<T>(signal: AbortSignal, doing: string, ofUpload: boolean, send: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        return await send()
      } catch (error) {
        signal.throwIfAborted()
        const failure = uploadFailure(error, { connection, doing, ofUpload })
        if (failure.code !== 'clock_skewed' || attempt > 1) throw failure
      }
    }
  }

  async function listParts(key: string, uploadId: string, signal: AbortSignal) {
    const parts: Omit<UploadedPart, 'crc32c'>[] = []
    let marker: string | undefined
    try {
      for (;;) {
        const input = { Bucket, Key: key, UploadId: uploadId, PartNumberMarker: marker }
        const page = await call(signal, 'listing the parts of the upload', true, () =>
          repeatable.send(new ListPartsCommand(input), { abortSignal: signal }),
        )
        for (const part of page.Parts ?? [])
          parts.push({ number: part.PartNumber ?? 0, sizeBytes: part.Size ?? 0, etag: part.ETag ?? '' })
        if (!page.IsTruncated) return parts
        if (!page.NextPartNumberMarker || page.NextPartNumberMarker === marker)
          throw new TransferError(
            'bucket_protocol_error',
            `${dialect.title} lists the same page of parts again and again.`,
          )
        marker = page.NextPartNumberMarker
      }
    } catch (error) {
      if (error instanceof TransferError && error.code === 'upload_lost') return null
      throw error
    }
  }

  async function sendComplete(complete: CompleteUpload, signal: AbortSignal): Promise<{ etag: string }> {
    const withChecksum = capabilities.fullObjectChecksum && complete.crc32c !== null
    const withParts = withChecksum || capabilities.compositeChecksum
    const answer = await call(signal, 'completing the upload', true, () =>
      once.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key: complete.key,
          UploadId: complete.uploadId,
          MultipartUpload: {
            Parts: complete.parts.map((part) => ({
              PartNumber: part.number,
              ETag: part.etag,
              ...(withParts && part.crc32c !== null && { ChecksumCRC32C: part.crc32c }),
            })),
          },
          IfNoneMatch: complete.mustNotExist && capabilities.conditionalWrites ? '*' : undefined,
          MpuObjectSize:
            (capabilities.objectSizeAtComplete ?? dialect.objectSizeAtComplete) ? complete.sizeBytes : undefined,
          ...(withChecksum && {
            ChecksumType: 'FULL_OBJECT' as const,
            ChecksumCRC32C: complete.crc32c ?? undefined,
          }),
        }),
        { abortSignal: signal, requestTimeout: COMPLETE_TIMEOUT_MS },
      ),
    )
    return { etag: required(answer.ETag, 'an ETag for the object') }
  }

  return {
    capabilities,
    partRules: dialect.parts,

    async head(key, signal) {
      try {
        const input = {
          Bucket,
          Key: key,
          ChecksumMode: capabilities.checksumHeaders ? ('ENABLED' as const) : undefined,
        }
        return objectInfo(await repeatable.send(new HeadObjectCommand(input), { abortSignal: signal }), capabilities)
      } catch (error) {
        signal.throwIfAborted()
        if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return null
        throw uploadFailure(error, { connection, doing: 'looking at the object' })
      }
    },

    async *read(key, signal) {
      const { Body } = await call(signal, 'reading the object', true, () =>
        repeatable.send(new GetObjectCommand({ Bucket, Key: key }), { abortSignal: signal }),
      )
      const body = Body as Readable
      const watch = new ProgressWatch(idleTimeoutMs, () => silence(connection.endpoint, idleTimeoutMs))
      addAbortSignal(watch.signal, body)
      try {
        watch.moved()
        for await (const chunk of body as AsyncIterable<Uint8Array>) {
          watch.pause()
          yield chunk
          watch.moved()
        }
      } catch (error) {
        signal.throwIfAborted()
        watch.signal.throwIfAborted()
        throw uploadFailure(error, { connection, doing: 'reading the object' })
      } finally {
        watch.stop()
      }
    },

    async putSmall(put, signal) {
      const answer = await call(signal, 'writing the object', false, () =>
        repeatable.send(
          new PutObjectCommand({
            Bucket,
            Key: put.key,
            Body: put.body,
            ContentType: put.contentType ?? undefined,
            Metadata: { [WRITE_TOKEN_KEY]: put.writeToken },
            IfNoneMatch: put.mustNotExist && capabilities.conditionalWrites ? '*' : undefined,
            ...(capabilities.checksumHeaders && {
              ChecksumAlgorithm: 'CRC32C' as const,
              ChecksumCRC32C: crc32cOf([put.body]),
            }),
          }),
          { abortSignal: signal },
        ),
      )
      return { etag: required(answer.ETag, 'an ETag for the object') }
    },

    async removeObject(key, etag, signal) {
      if (capabilities.removesIfMatch !== true)
        throw new TransferError(
          'key_exists',
          `An earlier try left its object at ${key}, and ${dialect.title} was not seen to remove exactly one that is meant. It is left there: remove it by hand, choose another key, or allow it to be overwritten.`,
        )
      try {
        const input = { Bucket, Key: key, IfMatch: etag }
        await call(signal, 'removing the object', false, () =>
          repeatable.send(new DeleteObjectCommand(input), { abortSignal: signal }),
        )
      } catch (error) {
        const isAnother = error instanceof TransferError && error.code === 'key_exists'
        if (!isAnother && !isNotFound(error)) throw error
      }
    },

    async createUpload(create, signal) {
      const answer = await call(signal, 'starting the upload', false, () =>
        once.send(
          new CreateMultipartUploadCommand({
            Bucket,
            Key: create.key,
            ContentType: create.contentType ?? undefined,
            Metadata: { [WRITE_TOKEN_KEY]: create.writeToken },
            // Named always: what a store takes for granted differs (Ceph FULL_OBJECT, Amazon S3 COMPOSITE).
            ...((capabilities.fullObjectChecksum || capabilities.compositeChecksum) && {
              ChecksumAlgorithm: 'CRC32C' as const,
              ChecksumType: capabilities.fullObjectChecksum ? ('FULL_OBJECT' as const) : ('COMPOSITE' as const),
            }),
          }),
          { abortSignal: signal },
        ),
      )
      return required(answer.UploadId, 'an ID for the upload')
    },

    putNew: createObjectSender(sender),

    uploadPart: createPartSender(sender),

    listParts,

    async listUploads(key, signal) {
      const found: { uploadId: string; initiatedAt: Date }[] = []
      let marker: { KeyMarker?: string; UploadIdMarker?: string } = {}
      for (let page = 0; page < MAX_UPLOAD_PAGES; page++) {
        // The prefix is the whole key: MinIO lists nothing for less.
        const input = { Bucket, Prefix: key, ...marker }
        const answer = await call(signal, 'listing unfinished uploads', false, () =>
          repeatable.send(new ListMultipartUploadsCommand(input), { abortSignal: signal }),
        )
        for (const { Key, UploadId, Initiated } of answer.Uploads ?? [])
          if (Key === key && UploadId && Initiated) found.push({ uploadId: UploadId, initiatedAt: Initiated })
        if (!answer.IsTruncated || !answer.NextKeyMarker || answer.NextKeyMarker > key) break
        marker = {
          KeyMarker: answer.NextKeyMarker,
          ...(answer.NextUploadIdMarker && { UploadIdMarker: answer.NextUploadIdMarker }),
        }
      }
      return found
    },

    async completeUpload(complete, signal) {
      checkParts(complete)
      try {
        return await sendComplete(complete, signal)
      } catch (error) {
        // Ceph answers 500 where the upload is gone; only the list of parts tells that from a store in trouble.
        const isUnsure = error instanceof TransferError && error.code === 'bucket_error' && error.retry === 'now'
        if (!isUnsure || (await listParts(complete.key, complete.uploadId, signal)) !== null) throw error
        throw new TransferError('upload_lost', `${dialect.title} no longer knows the multipart upload.`, {
          retry: 'now',
          facts: error.facts,
          cause: error,
        })
      }
    },

    async abortUpload(key, uploadId, signal) {
      for (let attempt = 0; attempt < ABORT_ATTEMPTS; attempt++) {
        if (attempt > 0) await setTimeout(100 * 2 ** attempt, undefined, { signal })
        try {
          const input = { Bucket, Key: key, UploadId: uploadId }
          await call(signal, 'aborting the upload', true, () =>
            repeatable.send(new AbortMultipartUploadCommand(input), { abortSignal: signal }),
          )
        } catch (error) {
          if (!(error instanceof TransferError && error.code === 'upload_lost')) throw error
        }
        if ((await listParts(key, uploadId, signal)) === null) return
      }
      throw new TransferError(
        'bucket_error',
        `${dialect.title} still lists the multipart upload after ${ABORT_ATTEMPTS} aborts. Sluice will try again.`,
        { retry: 'later' },
      )
    },

    close: clients.close,
  }

  function required(value: string | undefined, what: string): string {
    if (value) return value
    throw new TransferError('bucket_protocol_error', `${dialect.title} did not give ${what}. Check the endpoint.`)
  }
}

function silence(endpoint: string, idleTimeoutMs: number): TransferError {
  const { host } = new URL(endpoint)
  return new TransferError(
    'bucket_unreachable',
    `${host} was silent for ${idleTimeoutMs / 1000} s or more while the object was read. Check the network and the store.`,
    { retry: 'now' },
  )
}

function isNotFound(error: unknown): boolean {
  return error instanceof TransferError && error.facts.s3Code === 'NoSuchKey'
}

/** Never complete an upload that was not counted: numbers from 1 without holes, bytes that add up. */
function checkParts(complete: CompleteUpload): void {
  const isInOrder = complete.parts.every((part, index) => part.number === index + 1)
  const sumBytes = complete.parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  if (!isInOrder || complete.parts.length === 0)
    throw new TransferError('internal_error', 'The parts of the upload are not numbered from 1 without holes.')
  if (sumBytes !== complete.sizeBytes)
    throw new TransferError(
      'size_mismatch',
      `The parts add up to ${sumBytes} bytes, not to ${complete.sizeBytes}. The upload was not completed.`,
      { facts: { sumBytes, sizeBytes: complete.sizeBytes } },
    )
}

function objectInfo(head: HeadObjectCommandOutput, capabilities: BucketCapabilities): ObjectInfo {
  const given = {
    crc32: head.ChecksumCRC32,
    crc32c: head.ChecksumCRC32C,
    crc64nvme: head.ChecksumCRC64NVME,
    sha1: head.ChecksumSHA1,
    sha256: head.ChecksumSHA256,
  }
  const metadata = head.Metadata ?? {}
  // Ceph 20 labels our FULL_OBJECT uploads of one part COMPOSITE and puts "-1" behind the value, which is the object's own.
  const isOnePart =
    capabilities.fullObjectChecksum &&
    WRITE_TOKEN_KEY in metadata &&
    head.ChecksumType === 'COMPOSITE' &&
    given.crc32c?.endsWith('-1') === true
  const checksums = isOnePart ? { ...given, crc32c: given.crc32c?.slice(0, -2) } : given
  const checksumType = isOnePart ? 'FULL_OBJECT' : head.ChecksumType
  return {
    sizeBytes: head.ContentLength ?? 0,
    etag: head.ETag ?? '',
    checksums: Object.fromEntries(Object.entries(checksums).filter(([, value]) => value)),
    checksumType: checksumType === 'FULL_OBJECT' || checksumType === 'COMPOSITE' ? checksumType : null,
    metadata,
  }
}
