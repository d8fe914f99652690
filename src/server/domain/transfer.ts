import { z } from 'zod'
import { failureSchema, warningSchema } from './failure.ts'

/** The states of a transfer; the moves between them are in transfer-state.ts. */
export const TRANSFER_STATUSES = [
  'queued',
  'running',
  'verifying',
  'completed',
  'paused',
  'failed',
  'cancelled',
] as const
export const transferStatusSchema = z.enum(TRANSFER_STATUSES)
export type TransferStatus = z.infer<typeof transferStatusSchema>

export const CHECKSUM_ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512', 'crc32', 'crc32c', 'crc64nvme'] as const
export const checksumAlgorithmSchema = z.enum(CHECKSUM_ALGORITHMS)
export type ChecksumAlgorithm = z.infer<typeof checksumAlgorithmSchema>

/** A digest of the whole file that a source gave: base64, and the header it stood in (lower case). */
export const sourceDigestSchema = z.object({
  algorithm: checksumAlgorithmSchema,
  value: z.string(),
  header: z.string(),
})
export type SourceDigest = z.infer<typeof sourceDigestSchema>

const evidenceSchema = z.object({
  kind: z.string(),
  algorithm: z.string().optional(),
  expected: z.string().optional(),
  actual: z.string().optional(),
})
export type Evidence = z.infer<typeof evidenceSchema>

/** What a finished transfer rests on. `size-only` is an honest answer: nothing but the length could be compared. */
export const verificationSchema = z.object({
  verdict: z.enum(['verified', 'size-only', 'mismatch', 'pending']),
  evidence: z.array(evidenceSchema),
})
export type Verification = z.infer<typeof verificationSchema>

/** Counters of one transfer (product.md A2, A3, A5, A7), summed over engines. Each is measured, none estimated. */
export const transferMetricsSchema = z.object({
  // A2: buffers.
  buffersAllocated: z.number(),
  bufferReuses: z.number(),
  bufferCopies: z.number(),
  bytesCopied: z.number(),
  // A3: backpressure.
  pauses: z.number(),
  resumes: z.number(),
  pausedMs: z.number(),
  averagePauseMs: z.number(),
  activePercent: z.number(),
  peakBufferedBytes: z.number(),
  // A5: lanes.
  peakReadLanes: z.number(),
  peakUploadLanes: z.number(),
  // A7: progress.
  progressCalculations: z.number(),
  progressUpdates: z.number(),
  progressCallbacks: z.number(),
  progressUpdateRatio: z.number(),
  // Requests and retries.
  sourceRequests: z.number(),
  bucketRequests: z.number(),
  sourceRetries: z.number(),
  partRetries: z.number(),
  sourceBytes: z.number(),
  bucketBytes: z.number(),
  /** Bytes that needed no request of this transfer: another transfer of the same file had read them. 0 in runs from before it was counted. */
  cacheBytes: z.number().default(0),
  timeToFirstByteMs: z.number().nullable(),
  activeMs: z.number(),
})
export type TransferMetrics = z.infer<typeof transferMetricsSchema>

/** All parts are in the bucket, and the source is read once more, in order, for a digest that has to be met (decision 049). */
export const readingAgainSchema = z.object({
  algorithm: checksumAlgorithmSchema,
  /** Of the size, and of this read alone. */
  readBytes: z.number(),
})
export type ReadingAgain = z.infer<typeof readingAgainSchema>

/** A verification reads the whole object back from the bucket. */
export const readingBackSchema = z.object({
  /** Of the size, and of this read alone. */
  readBytes: z.number(),
})

/** A transfer as the API shows it. Byte counts are JSON numbers, times are Dates; secrets are cut out of the URL. */
export const transferViewSchema = z.object({
  id: z.string(),
  status: transferStatusSchema,
  /** True between the wish to cancel and the moment the upload is gone. */
  cancelling: z.boolean(),
  sourceUrl: z.string(),
  sourceHost: z.string(),
  /** The key's last segment, for lists. */
  name: z.string(),
  key: z.string(),
  bucketId: z.string(),
  bucketName: z.string(),
  sizeBytes: z.number().nullable(),
  transferredBytes: z.number(),
  partsDone: z.number(),
  partsTotal: z.number().nullable(),
  partSizeBytes: z.number().nullable(),
  /** Null but while that goes on; `bytesPerSecond` and `etaSeconds` are that read's then. */
  readingAgain: readingAgainSchema.nullable().default(null),
  /** The same of the object, by a verification that was asked to. */
  readingBack: readingBackSchema.nullable().default(null),
  acceptsRanges: z.boolean().nullable(),
  bytesPerSecond: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  readLanes: z.number(),
  uploadLanes: z.number(),
  bufferedBytes: z.number(),
  bandwidthLimitBytesPerSecond: z.number().nullable(),
  priority: z.number(),
  /** The source is known by length and Last-Modified, whatever its ETag says. */
  trustLengthAndDate: z.boolean().default(false),
  /** The link answers once, so it is read in one stream. */
  oneTimeLink: z.boolean().default(false),
  failure: failureSchema.nullable(),
  warnings: z.array(warningSchema),
  verification: verificationSchema.nullable(),
  metrics: transferMetricsSchema,
  createdAt: z.date(),
  startAt: z.date().nullable(),
  /** After a fault that time may heal: until then it waits, and goes on by itself. Null where nothing waits for a time. */
  nextRunAt: z.date().nullable().default(null),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
})
export type TransferView = z.infer<typeof transferViewSchema>

/** A finished part as the part map shows it. */
export interface PartView {
  number: number
  sizeBytes: number
  engineId: string | null
  retries: number
  startedAt: Date
  finishedAt: Date
}

/** Something that happened to a transfer, as a sentence. */
export interface EventView {
  id: string
  at: Date
  level: 'info' | 'warn' | 'error'
  code: string
  message: string
  engineId: string | null
}

/** `transfers.byId`: the transfer with its parts, what is moving now, and its latest events (newest first). */
export interface TransferDetail extends TransferView {
  parts: PartView[]
  /** Part numbers that an engine is moving right now. */
  movingParts: number[]
  events: EventView[]
}

/** How many transfers there are in each state, and in all. */
export type TransferCounts = Record<TransferStatus | 'all', number>
