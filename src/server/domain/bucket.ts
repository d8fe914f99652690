import { z } from 'zod'
import type { Failure } from './failure.ts'

/** A bucket as typed into the form. Sluice checks its shape here; whether it works is found out by an inspection. */
export const bucketInputSchema = z.object({
  id: z.uuid().optional(),
  name: z
    .string()
    .trim()
    .min(1, 'Give the bucket a name, by which you will find it in lists.')
    .max(64, 'A name has at most 64 characters.'),
  endpoint: z
    .string()
    .trim()
    .regex(
      /^https?:\/\/[^\s/?#@]+\/?$/i,
      'The endpoint is a URL without a path, such as https://s3.eu-central-1.amazonaws.com.',
    )
    .refine(
      (endpoint) => URL.canParse(endpoint) && new URL(endpoint).port !== '0',
      'The endpoint cannot be read as a URL. Check its host name and its port.',
    ),
  region: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'The region has letters, digits and dashes, such as eu-central-1, or auto.'),
  bucket: z
    .string()
    .trim()
    .regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'A bucket name has 3 to 63 lower-case letters, digits, dots and dashes, and begins and ends with a letter or digit.',
    ),
  accessKeyId: z.string().trim().min(1, 'Fill in the access key ID.').max(256),
  secretAccessKey: z.string().trim().min(1, 'Fill in the secret access key.').max(256),
  forcePathStyle: z.boolean(),
  prefix: z.string().max(512, 'A prefix has at most 512 characters.').optional(),
})

/** What saving needs: with an `id`, keys left empty stay as they are. */
export const bucketSaveSchema = bucketInputSchema.extend({
  accessKeyId: z.string().trim().max(256),
  secretAccessKey: z.string().trim().max(256),
})
export type BucketSave = z.infer<typeof bucketSaveSchema>

/** What a store was seen to support; decides how parts are sent (engine/upload/s3-dialects.ts). */
export const bucketCapabilitiesSchema = z.object({
  /** Verifies x-amz-checksum-crc32c on UploadPart and PutObject. */
  checksumHeaders: z.boolean(),
  /** Takes aws-chunked bodies with a checksum trailer. */
  checksumTrailers: z.boolean(),
  /** Verifies a FULL_OBJECT checksum at Complete and returns it with HeadObject. */
  fullObjectChecksum: z.boolean(),
  /** Honours If-None-Match: * on PutObject and CompleteMultipartUpload. */
  conditionalWrites: z.boolean(),
  /** Keeps x-amz-meta-* given at Create. */
  metadata: z.boolean(),
  // Seen by later versions of the test; a bucket that was tested before has none of them.
  /** Answers a second Complete of the same upload with success; others say 404, and the object has to be looked at. */
  repeatedComplete: z.boolean().optional(),
  /** Refuses at Complete an object of another size than x-amz-mp-object-size. */
  objectSizeAtComplete: z.boolean().optional(),
  /** Lists unfinished uploads by key, so that a lost one can be found and removed. */
  listsUploads: z.boolean().optional(),
  /** Forgets an upload that is aborted. */
  aborts: z.boolean().optional(),
  /** Knows no checksum of the whole object, but one of its parts' checksums (COMPOSITE), and returns it with HeadObject. */
  compositeChecksum: z.boolean().optional(),
  /** Honours If-Match on PutObject: an object is replaced only while it is the one that is meant. */
  replacesIfMatch: z.boolean().optional(),
  /** The same of DeleteObject. */
  removesIfMatch: z.boolean().optional(),
})
export type BucketCapabilities = z.infer<typeof bucketCapabilitiesSchema>

/** The capabilities that decide how parts and Complete are sent: an upload keeps those it was started with, whatever is found out later. */
export const uploadDialectSchema = bucketCapabilitiesSchema
  .pick({ checksumHeaders: true, checksumTrailers: true, fullObjectChecksum: true })
  .extend({ compositeChecksum: z.boolean().default(false) })
export type UploadDialect = z.infer<typeof uploadDialectSchema>

/** A bucket as the API shows it: of its keys only the last four characters of the ID. */
export interface BucketView {
  id: string
  name: string
  endpoint: string
  region: string
  bucket: string
  prefix: string
  forcePathStyle: boolean
  accessKeyIdHint: string
  embedded: boolean
  capabilities: BucketCapabilities | null
  /** When it was last tried, whatever came of it. */
  testedAt: Date | null
  /** What was wrong then; null where it worked. */
  testFailure: Failure | null
  transfers: number
  createdAt: Date
}

/** What an engine needs to talk to a bucket, keys included. Never leaves the server. */
export interface BucketConnection {
  endpoint: string
  region: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  forcePathStyle: boolean
  capabilities: BucketCapabilities | null
}
