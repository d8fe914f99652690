import { failureSchema, warningSchema } from '../domain/failure.ts'
import { LIVE_ENTRY_TTL_MS, type LiveEntry, liveEntrySchema } from '../domain/live.ts'
import {
  type TransferMetrics,
  type TransferView,
  transferMetricsSchema,
  verificationSchema,
} from '../domain/transfer.ts'
import type { Prisma } from './generated/client.ts'
import { sumMetrics } from './sum-metrics.ts'

const warningsSchema = warningSchema.array()

/** The columns a view needs; nothing sealed is among them. */
export const transferViewSelect = {
  id: true,
  status: true,
  sourceUrl: true,
  sourceHost: true,
  key: true,
  bucketId: true,
  bucket: { select: { name: true } },
  bandwidthLimitBytesPerSecond: true,
  priority: true,
  trustLengthAndDate: true,
  oneTimeLink: true,
  startAt: true,
  nextRunAt: true,
  cancelRequestedAt: true,
  sizeBytes: true,
  acceptsRanges: true,
  partSizeBytes: true,
  partsTotal: true,
  doneBytes: true,
  partsDone: true,
  live: true,
  metrics: true,
  failure: true,
  warnings: true,
  verification: true,
  createdAt: true,
  startedAt: true,
  finishedAt: true,
} satisfies Prisma.TransferSelect

export type TransferRow = Prisma.TransferGetPayload<{ select: typeof transferViewSelect }>

/**
 * A row as the API shows it. Bytes of unfinished parts count as transferred while an engine reports them (entries younger than
 * LIVE_ENTRY_TTL_MS), never beyond the size; rates and lanes are the sum over engines.
 */
export function toTransferView(row: TransferRow, nowMs = Date.now()): TransferView {
  const live = liveEntries(row, nowMs)
  const sizeBytes = toNumber(row.sizeBytes)
  const reported = Number(row.doneBytes) + sum(live, (entry) => entry.inflightBytes)
  const transferredBytes =
    row.status === 'completed' ? (sizeBytes ?? reported) : Math.min(reported, sizeBytes ?? Number.POSITIVE_INFINITY)
  const bytesPerSecond = live.length > 0 ? sum(live, (entry) => entry.bytesPerSecond) : null
  const readingAgain = newest(live.filter((entry) => entry.readingAgain))?.readingAgain ?? null
  const readingBack = newest(live.filter((entry) => entry.readingBack))?.readingBack ?? null
  const reread = readingAgain ?? readingBack
  const remainingBytes = sizeBytes === null ? null : Math.max(0, sizeBytes - (reread?.readBytes ?? transferredBytes))
  const moves = row.status === 'running' || readingBack !== null
  return {
    id: row.id,
    status: row.status,
    cancelling: row.cancelRequestedAt !== null && row.status !== 'cancelled' && row.status !== 'completed',
    sourceUrl: row.sourceUrl,
    sourceHost: row.sourceHost,
    name: row.key.split('/').at(-1) || row.key,
    key: row.key,
    bucketId: row.bucketId,
    bucketName: row.bucket.name,
    sizeBytes,
    transferredBytes,
    partsDone: row.partsDone,
    partsTotal: row.partsTotal,
    partSizeBytes: toNumber(row.partSizeBytes),
    readingAgain,
    readingBack,
    acceptsRanges: row.acceptsRanges,
    bytesPerSecond,
    etaSeconds:
      moves && remainingBytes !== null && bytesPerSecond !== null && bytesPerSecond > 0
        ? Math.ceil(remainingBytes / bytesPerSecond)
        : null,
    readLanes: sum(live, (entry) => entry.readLanes),
    uploadLanes: sum(live, (entry) => entry.uploadLanes),
    bufferedBytes: sum(live, (entry) => entry.bufferedBytes),
    bandwidthLimitBytesPerSecond: toNumber(row.bandwidthLimitBytesPerSecond),
    priority: row.priority,
    trustLengthAndDate: row.trustLengthAndDate,
    oneTimeLink: row.oneTimeLink,
    failure: failureSchema.safeParse(row.failure).data ?? null,
    warnings: warningsSchema.safeParse(row.warnings).data ?? [],
    verification: verificationSchema.safeParse(row.verification).data ?? null,
    metrics: sumMetrics(metricsEntries(row.metrics)),
    createdAt: row.createdAt,
    startAt: row.startAt,
    nextRunAt: waitsUntil(row, nowMs),
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  }
}

/** What is in the row may be of a wait that is over, or of a transfer that was stopped meanwhile. */
function waitsUntil({ status, nextRunAt }: TransferRow, nowMs: number): Date | null {
  const goesOn = status === 'queued' || status === 'running' || status === 'verifying'
  return goesOn && nextRunAt !== null && nextRunAt.getTime() > nowMs ? nextRunAt : null
}

/** What engines report of a transfer right now; nothing once it stands still. */
function liveEntries(row: Pick<TransferRow, 'live' | 'status'>, nowMs = Date.now()): LiveEntry[] {
  if (row.status !== 'running' && row.status !== 'verifying') return []
  return objectValues(row.live).flatMap((value) => {
    const entry = liveEntrySchema.safeParse(value).data
    return entry && nowMs - Date.parse(entry.at) < LIVE_ENTRY_TTL_MS ? [entry] : []
  })
}

/** Of an engine that died, and the one that took over from it, both entries may be there for a moment. */
function newest(entries: readonly LiveEntry[]): LiveEntry | undefined {
  return [...entries].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0]
}

/** The part numbers engines are moving, in order. */
export function movingParts(row: Pick<TransferRow, 'live' | 'status'>, nowMs = Date.now()): number[] {
  const numbers = liveEntries(row, nowMs).flatMap((entry) => entry.movingParts)
  return [...new Set(numbers)].sort((a, b) => a - b)
}

function metricsEntries(json: Prisma.JsonValue): TransferMetrics[] {
  return objectValues(json).flatMap((value) => transferMetricsSchema.safeParse(value).data ?? [])
}

function objectValues(json: Prisma.JsonValue): unknown[] {
  return json !== null && typeof json === 'object' && !Array.isArray(json) ? Object.values(json) : []
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0)
}

/** BigInt columns become numbers at this edge: 2^53 bytes are 8 PiB, far above S3's largest object. */
export function toNumber(value: bigint | null): number | null {
  return value === null ? null : Number(value)
}
