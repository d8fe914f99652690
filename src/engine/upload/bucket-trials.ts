import { randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { BucketCapabilities, BucketConnection } from '../../server/domain/bucket.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { compositeCrc32c, crc32cOf } from './crc32c.ts'
import { type PartBody, WRITE_TOKEN_KEY } from './object-store.ts'
import type { S3Clients } from './s3-clients.ts'
import { createPartSender } from './send-part.ts'
import { uploadFailure } from './upload-failure.ts'

const BODY = Buffer.from('Sluice wrote this to see what the bucket can do, and removes it again.\n')
const RIGHT_CRC32C = crc32cOf([BODY])
const WRONG_CRC32C = crc32cOf([BODY, BODY])
const COMPOSITE_CRC32C = compositeCrc32c([RIGHT_CRC32C])
/** Of no object. */
const WRONG_ETAG = '"00000000000000000000000000000000"'
const SENT_WITH: BucketCapabilities = {
  checksumHeaders: true,
  checksumTrailers: true,
  fullObjectChecksum: true,
  conditionalWrites: true,
  metadata: true,
}

/** How an upload is started: with a checksum of the whole object, with one of its parts' checksums, or without. */
export type UploadChecksum = 'full' | 'composite' | 'none'

/** What became of something that was tried: its result, or how the bucket refused. */
export type Outcome<T> =
  | { readonly result: T; readonly refusal: null }
  | { readonly result: null; readonly refusal: TransferError }

/**
 * Things to try on a bucket, each under a key of its own that `cleanUp` removes. What a store may refuse comes back as an
 * Outcome; a store that cannot be reached, or asks for patience, ends the inspection with a TransferError.
 */
export function createBucketTrials(
  connection: BucketConnection,
  clients: S3Clients,
  prefix: string,
  signal: AbortSignal,
) {
  const Bucket = connection.bucket
  const token = randomUUID()
  const name = `${prefix}.sluice-check-${token}`
  const keys = new Set<string>()
  const uploads = new Map<string, string>()
  const client = clients.repeatable
  const send = createPartSender({
    connection,
    capabilities: SENT_WITH,
    carrier: clients.parts,
    clock: clients.clock,
    idleTimeoutMs: 10_000,
  })

  async function attempt<T>(doing: string, ofUpload: boolean, act: () => Promise<T>): Promise<Outcome<T>> {
    signal.throwIfAborted()
    try {
      return { result: await act(), refusal: null }
    } catch (error) {
      signal.throwIfAborted()
      const refusal = uploadFailure(error, { connection, doing, ofUpload })
      if (refusal.code === 'bucket_unreachable' || refusal.code === 'bucket_slow_down') throw refusal
      return { result: null, refusal }
    }
  }
  const options = { abortSignal: signal }

  return {
    list: () =>
      attempt('listing it', false, () =>
        client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: 1 }), options),
      ),

    /** Writes an object with metadata, as plainly as S3 allows. Its key is `key`. */
    key: name,
    put(extra: { mustNotExist?: boolean; onlyOther?: boolean } = {}) {
      keys.add(name)
      return attempt('writing a small object', false, () =>
        client.send(
          new PutObjectCommand({
            Bucket,
            Key: name,
            Body: BODY,
            Metadata: { [WRITE_TOKEN_KEY]: token },
            IfNoneMatch: extra.mustNotExist ? '*' : undefined,
            IfMatch: extra.onlyOther ? WRONG_ETAG : undefined,
          }),
          options,
        ),
      )
    },

    /** Removes the object only where it is another one than it is: a store that honours conditions refuses. */
    removeOther: () =>
      attempt('removing an object on a condition', false, () =>
        client.send(new DeleteObjectCommand({ Bucket, Key: name, IfMatch: WRONG_ETAG }), options),
      ),

    head: (key: string, withChecksum: boolean) =>
      attempt('looking at an object', false, async () => {
        const input = { Bucket, Key: key, ChecksumMode: withChecksum ? ('ENABLED' as const) : undefined }
        const head = await client.send(new HeadObjectCommand(input), options)
        return {
          sizeBytes: head.ContentLength,
          isOurs: head.Metadata?.[WRITE_TOKEN_KEY] === token,
          // Ceph 20 writes "-1" behind the value of an upload of one part; a real composite is another value altogether.
          hasFullObjectChecksum: head.ChecksumCRC32C?.replace(/-1$/, '') === RIGHT_CRC32C,
          hasCompositeChecksum: head.ChecksumCRC32C === COMPOSITE_CRC32C,
        }
      }),

    create: (key: string, checksum: UploadChecksum) =>
      attempt('starting an upload', false, async () => {
        const type = checksum === 'full' ? ('FULL_OBJECT' as const) : ('COMPOSITE' as const)
        const wanted = checksum !== 'none' && { ChecksumAlgorithm: 'CRC32C' as const, ChecksumType: type }
        const input = { Bucket, Key: key, Metadata: { [WRITE_TOKEN_KEY]: token }, ...wanted }
        const { UploadId } = await clients.once.send(new CreateMultipartUploadCommand(input), options)
        keys.add(key)
        if (!UploadId)
          throw new TransferError('bucket_protocol_error', 'The store started an upload without giving it an ID.')
        uploads.set(UploadId, key)
        return UploadId
      }),

    /** One part, always number 1: `plain` without a checksum, with one in a header (right or wrong), or in a trailer. */
    part(key: string, uploadId: string, how: 'plain' | 'right' | 'wrong' | 'trailer') {
      const sender =
        how === 'plain'
          ? createPartSender({
              connection,
              capabilities: { ...SENT_WITH, checksumHeaders: false },
              carrier: clients.parts,
              clock: clients.clock,
              idleTimeoutMs: 10_000,
            })
          : send
      const body: PartBody =
        how === 'trailer'
          ? { kind: 'streamed', slices: oneSlice() }
          : { kind: 'held', slices: [BODY], crc32c: how === 'wrong' ? WRONG_CRC32C : RIGHT_CRC32C }
      return attempt('sending a part', true, () =>
        sender({ key, uploadId, number: 1, sizeBytes: BODY.length, body, onBytes: () => undefined, signal }),
      )
    },

    listParts: (key: string, uploadId: string) =>
      attempt('listing parts', true, async () => {
        const { Parts } = await client.send(new ListPartsCommand({ Bucket, Key: key, UploadId: uploadId }), options)
        return (Parts ?? []).map((part) => part.Size)
      }),

    /** Ids of the unfinished uploads at a key. */
    listUploads: (key: string) =>
      attempt('listing unfinished uploads', false, async () => {
        const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: key }), options)
        return (Uploads ?? []).flatMap((upload) => (upload.Key === key && upload.UploadId ? [upload.UploadId] : []))
      }),

    complete: (
      key: string,
      uploadId: string,
      etag: string,
      extra: { crc32c?: 'right' | 'wrong' | 'of-parts'; mustNotExist?: boolean; sizeBytes?: number } = {},
    ) =>
      attempt('completing an upload', true, () =>
        clients.once.send(
          new CompleteMultipartUploadCommand({
            Bucket,
            Key: key,
            UploadId: uploadId,
            MultipartUpload: {
              Parts: [{ PartNumber: 1, ETag: etag, ChecksumCRC32C: extra.crc32c ? RIGHT_CRC32C : undefined }],
            },
            IfNoneMatch: extra.mustNotExist ? '*' : undefined,
            MpuObjectSize: extra.sizeBytes,
            ...(extra.crc32c &&
              extra.crc32c !== 'of-parts' && {
                ChecksumType: 'FULL_OBJECT' as const,
                ChecksumCRC32C: extra.crc32c === 'right' ? RIGHT_CRC32C : WRONG_CRC32C,
              }),
          }),
          options,
        ),
      ),

    abort: (key: string, uploadId: string) =>
      attempt('aborting an upload', true, () =>
        client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId }), options),
      ),

    /** Removes all that was made, under its own signal. False where the bucket did not let it. */
    async cleanUp(cleanUpSignal: AbortSignal): Promise<boolean> {
      const under = { abortSignal: cleanUpSignal }
      // An upload may have ended already; what counts is that the objects can be removed.
      await Promise.allSettled(
        [...uploads].map(([UploadId, Key]) =>
          client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), under),
        ),
      )
      const removed = await Promise.allSettled(
        [...keys].map((Key) => client.send(new DeleteObjectCommand({ Bucket, Key }), under)),
      )
      return removed.every((each) => each.status === 'fulfilled')
    },
  }
}

export type BucketTrials = ReturnType<typeof createBucketTrials>
export const TRIAL_BYTES = BODY.length

async function* oneSlice(): AsyncGenerator<Uint8Array> {
  yield BODY
}
