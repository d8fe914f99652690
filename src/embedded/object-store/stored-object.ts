/** The checksum algorithms of S3, by the lower-case name they have in headers (x-amz-checksum-NAME). */
export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

/** Checksums in base64, as S3 sends them; those of a COMPOSITE object end in the number of its parts. */
export type Checksums = Readonly<Partial<Record<ChecksumAlgorithm, string>>>

/** A file of bytes that an object consists of, in order ('' is the id of an empty part). Parts keep their number and checksums for GET ?partNumber. */
export interface ObjectBlob {
  readonly id: string
  readonly sizeBytes: number
  readonly part?: number
  readonly checksums?: Checksums
}

/** What is set when an object is written: the headers it is served with, and the user's metadata by name without prefix. */
export interface ObjectAttributes {
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
}

/** An object as the catalog keeps it. The ETag is without quotes. */
export interface StoredObject extends ObjectAttributes {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedMs: number
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | null
  /** Number of parts where it was a multipart upload, else null. */
  readonly partsCount: number | null
  readonly blobs: readonly ObjectBlob[]
}

/** What a listing says of an object. */
export interface ListedObject {
  readonly key: Buffer
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedMs: number
  readonly checksums: Checksums
  readonly checksumType: ChecksumType | null
}

/** A multipart upload. `completed` is set once it has become an object, so that a second Complete gets the same answer. */
export interface StoredUpload extends ObjectAttributes {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly initiatedMs: number
  readonly checksumAlgorithm: ChecksumAlgorithm | null
  readonly checksumType: ChecksumType | null
  readonly completed: { readonly parts: string; readonly result: string } | null
}

/** A part of an upload. `blobId` is null for a part without bytes. */
export interface StoredPart {
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedMs: number
  readonly checksums: Checksums
  readonly blobId: string | null
}
