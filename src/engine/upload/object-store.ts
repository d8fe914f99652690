import type { BucketCapabilities } from '../../server/domain/bucket.ts'
import type { PartRules } from './s3-dialects.ts'

/** Metadata key that carries a transfer's write token (sent as x-amz-meta-sluice-write-token). */
export const WRITE_TOKEN_KEY = 'sluice-write-token'

/** An object as HeadObject shows it. Checksums are base64 as S3 sends them, by lower-case algorithm name. */
export interface ObjectInfo {
  readonly sizeBytes: number
  readonly etag: string
  readonly checksums: Readonly<Partial<Record<'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256', string>>>
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE' | null
  readonly metadata: Readonly<Record<string, string>>
}

/** A part that the bucket has acknowledged. `crc32c` is base64 of the big-endian value, of the bytes we sent. */
export interface UploadedPart {
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  readonly crc32c: string | null
}

/**
 * The bytes of a part, in slices, in order. `held`: all of them are in memory and may be sent again; their CRC32C goes
 * into a header. `streamed`: they come as they are read, once; their CRC32C goes into a trailer where the store takes it.
 * A slice may be reused by its owner once the next one was asked for, the last one once uploadPart has settled.
 */
export type PartBody =
  | { readonly kind: 'held'; readonly slices: readonly Uint8Array[]; readonly crc32c: string }
  | {
      readonly kind: 'streamed'
      readonly slices: AsyncIterable<Uint8Array>
      /** CRC32C of the slice that was given last, where its owner knows it; left out, it is computed from the bytes. */
      readonly sliceCrc32c?: () => number
    }

export interface PartUpload {
  readonly key: string
  readonly uploadId: string
  readonly number: number
  readonly sizeBytes: number
  readonly body: PartBody
  /** Called with the bytes handed to the socket since the last call, at most once a slice. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/** A whole object in one request. */
export interface ObjectUpload {
  readonly key: string
  readonly sizeBytes: number
  readonly body: Extract<PartBody, { kind: 'held' }>
  readonly contentType: string | null
  readonly writeToken: string
  /** The ETag of the object that may be replaced; null: there must be none. */
  readonly replaces: string | null
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

export interface CreateUpload {
  readonly key: string
  readonly contentType: string | null
  readonly writeToken: string
}

export interface CompleteUpload {
  readonly key: string
  readonly uploadId: string
  /** Sorted by number, from 1, without holes. */
  readonly parts: readonly UploadedPart[]
  readonly sizeBytes: number
  /** CRC32C of the whole object (base64), combined from the parts; null where a part has none. */
  readonly crc32c: string | null
  /** True: fail with `key_exists` rather than replace an object. */
  readonly mustNotExist: boolean
}

/**
 * One bucket. The only door to S3: what a store does differently is known behind it (s3-dialects.ts). Failures are
 * TransferErrors. Nothing is retried here but what the SDK retries of the control plane; the caller backs off.
 */
export interface ObjectStore {
  readonly capabilities: BucketCapabilities
  /** What the store takes of parts and objects. */
  readonly partRules: PartRules
  /** Null where there is no object at the key. */
  head(key: string, signal: AbortSignal): Promise<ObjectInfo | null>
  /** The whole object, in order, as it comes; for a digest that only a full re-read can give. */
  read(key: string, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** A whole small object in one request; what an empty file needs, since a multipart upload has at least one part. */
  putSmall(
    put: { key: string; body: Uint8Array; contentType: string | null; writeToken: string; mustNotExist: boolean },
    signal: AbortSignal,
  ): Promise<{ etag: string }>
  /**
   * A whole object in one request, only where there is none at the key, or the one it `replaces`: else `key_exists`. For stores
   * with `conditionalWrites` alone, and `replaces` for those with `replacesIfMatch`. `storedCrc32c` is the checksum of the object where the store's answer gives it, and then equal to that of the body.
   */
  putNew(put: ObjectUpload): Promise<{ etag: string; storedCrc32c: string | null }>
  /**
   * Removes the object at a key that has this ETag. Where there is none, or another one, nothing is removed. Throws `key_exists` where the
   * store would remove another one too (`removesIfMatch`): then it is left.
   */
  removeObject(key: string, etag: string, signal: AbortSignal): Promise<void>
  /** Starts a multipart upload and returns its id. The write token becomes object metadata. */
  createUpload(create: CreateUpload, signal: AbortSignal): Promise<string>
  uploadPart(part: PartUpload): Promise<UploadedPart>
  /** All pages; null where the upload does not exist (any more). */
  listParts(key: string, uploadId: string, signal: AbortSignal): Promise<readonly Omit<UploadedPart, 'crc32c'>[] | null>
  /** Multipart uploads that are open at exactly this key, whoever started them. */
  listUploads(key: string, signal: AbortSignal): Promise<readonly { uploadId: string; initiatedAt: Date }[]>
  /** Throws `upload_lost` where the store does not know the upload: the caller then looks at the object. */
  completeUpload(complete: CompleteUpload, signal: AbortSignal): Promise<{ etag: string }>
  /** Aborts until ListParts says the upload is gone. Succeeds where it was gone already. */
  abortUpload(key: string, uploadId: string, signal: AbortSignal): Promise<void>
  close(): void
}
