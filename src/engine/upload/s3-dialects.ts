import type { BucketCapabilities } from '../../server/domain/bucket.ts'
import { GIB, MIB, TIB } from '../../server/domain/bytes.ts'

export type DialectName =
  | 'aws'
  | 'r2'
  | 'b2'
  | 'gcs'
  | 'wasabi'
  | 'digitalocean'
  | 'minio'
  | 'ceph'
  | 'embedded'
  | 'unknown'

/** What a kind of store does its own way. */
export interface Dialect {
  readonly name: DialectName
  /** As a sentence names it. */
  readonly title: string
  /** What is taken for granted until the bucket was inspected. */
  readonly capabilities: BucketCapabilities
  /** Takes x-amz-mp-object-size at Complete and refuses an object of another size. */
  readonly objectSizeAtComplete: boolean
  readonly parts: PartRules
  /** Error codes that this store uses for what AWS calls otherwise. */
  readonly errorAliases: Readonly<Record<string, string>>
}

/** The last part may be shorter than `minBytes`. `equal`: every part but the last has the same size. */
export interface PartRules {
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxCount: number
  readonly maxObjectBytes: number
  readonly equal: boolean
}

const ALL: BucketCapabilities = {
  checksumHeaders: true,
  checksumTrailers: true,
  fullObjectChecksum: true,
  conditionalWrites: true,
  metadata: true,
}
const NONE: BucketCapabilities = {
  checksumHeaders: false,
  checksumTrailers: false,
  fullObjectChecksum: false,
  conditionalWrites: false,
  metadata: true,
}
// "Amazon S3 multipart upload limits", S3 User Guide: 10,000 parts of 5 MiB to 5 GiB, 48.8 TiB altogether.
const AWS_PARTS: PartRules = {
  minBytes: 5 * MIB,
  maxBytes: 5 * GIB,
  maxCount: 10_000,
  maxObjectBytes: 10_000 * 5 * GIB,
  equal: false,
}

const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  aws: {
    name: 'aws',
    title: 'Amazon S3',
    capabilities: ALL,
    objectSizeAtComplete: true,
    parts: AWS_PARTS,
    errorAliases: {},
  },
  r2: {
    name: 'r2',
    title: 'Cloudflare R2',
    // R2 knows FULL_OBJECT for CRC64NVME alone (developers.cloudflare.com/r2/api/s3/api).
    capabilities: { ...NONE, conditionalWrites: true },
    objectSizeAtComplete: false,
    parts: { ...AWS_PARTS, maxObjectBytes: Math.floor(4.995 * TIB), equal: true },
    errorAliases: { Unauthorized: 'InvalidAccessKeyId' },
  },
  b2: {
    name: 'b2',
    title: 'Backblaze B2',
    // Refuses every x-amz-checksum-* header with 400.
    capabilities: NONE,
    objectSizeAtComplete: false,
    parts: { ...AWS_PARTS, minBytes: 5_000_000, maxBytes: 5_000_000_000, maxObjectBytes: 10_000_000_000_000 },
    errorAliases: { InvalidToken: 'InvalidAccessKeyId' },
  },
  gcs: {
    name: 'gcs',
    title: 'Google Cloud Storage',
    // "Preconditions are not supported" on multipart uploads (cloud.google.com/storage/docs/multipart-uploads).
    capabilities: NONE,
    objectSizeAtComplete: false,
    parts: { ...AWS_PARTS, maxObjectBytes: 5 * TIB },
    errorAliases: { InvalidSecurity: 'InvalidAccessKeyId' },
  },
  wasabi: {
    name: 'wasabi',
    title: 'Wasabi',
    capabilities: NONE,
    objectSizeAtComplete: false,
    parts: AWS_PARTS,
    errorAliases: {},
  },
  digitalocean: {
    name: 'digitalocean',
    title: 'DigitalOcean Spaces',
    capabilities: NONE,
    objectSizeAtComplete: false,
    parts: { ...AWS_PARTS, maxObjectBytes: 5 * TIB },
    errorAliases: {},
  },
  minio: {
    name: 'minio',
    title: 'MinIO',
    // If-None-Match counts on PutObject and Create, not on Complete (docs.min.io, S3 API compatibility).
    capabilities: { ...ALL, conditionalWrites: false },
    objectSizeAtComplete: false,
    parts: AWS_PARTS,
    errorAliases: {
      XMinioStorageFull: 'StorageFull',
      XMinioServerNotInitialized: 'ServiceUnavailable',
      XMinioBackendDown: 'ServiceUnavailable',
    },
  },
  ceph: {
    name: 'ceph',
    title: 'Ceph',
    capabilities: ALL,
    objectSizeAtComplete: false,
    parts: AWS_PARTS,
    errorAliases: {},
  },
  embedded: {
    name: 'embedded',
    title: 'the embedded object store',
    capabilities: ALL,
    objectSizeAtComplete: true,
    parts: AWS_PARTS,
    errorAliases: {},
  },
  unknown: {
    name: 'unknown',
    title: 'the object store',
    capabilities: NONE,
    objectSizeAtComplete: false,
    parts: AWS_PARTS,
    errorAliases: {},
  },
}

const BY_HOST: readonly (readonly [RegExp, DialectName])[] = [
  [/(^|\.)amazonaws\.com(\.cn)?$/, 'aws'],
  [/\.r2\.cloudflarestorage\.com$/, 'r2'],
  [/\.backblazeb2\.com$/, 'b2'],
  [/^storage\.googleapis\.com$/, 'gcs'],
  [/\.wasabisys\.com$/, 'wasabi'],
  [/\.digitaloceanspaces\.com$/, 'digitalocean'],
]

const BY_SERVER: readonly (readonly [RegExp, DialectName])[] = [
  [/^AmazonS3/i, 'aws'],
  [/^Ceph Object Gateway/i, 'ceph'],
  [/^MinIO/i, 'minio'],
  [/^Sluice/i, 'embedded'],
]

/** The dialect of that name. */
export function dialectByName(name: DialectName): Dialect {
  return DIALECTS[name]
}

/**
 * The dialect spoken at an endpoint: by its host, else by the Server header of an answer, else `unknown`, which takes
 * nothing for granted. The header never overrules a known host, because proxies put their own names there.
 */
export function dialectOf(endpoint: string, serverHeader?: string | null): Dialect {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname.toLowerCase() : ''
  const byHost = BY_HOST.find(([pattern]) => pattern.test(host))
  const byServer = serverHeader ? BY_SERVER.find(([pattern]) => pattern.test(serverHeader)) : undefined
  return DIALECTS[byHost?.[1] ?? byServer?.[1] ?? 'unknown']
}
