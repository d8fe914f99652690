import type { Env } from '../../server/config/env.ts'
import { saveBucketCapabilities } from '../../server/db/buckets.ts'
import type { Db } from '../../server/db/client.ts'
import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { type BucketConnection, bucketCapabilitiesSchema, type UploadDialect } from '../../server/domain/bucket.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { Log } from '../../server/log.ts'
import type { Sealer } from '../../server/secrets.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import type { ByteBudget } from '../part/byte-budget.ts'
import type { EngineMetrics } from '../progress/metrics.ts'
import type { Recorder } from '../progress/recorder.ts'
import type { BufferPool } from '../slice/buffer-pool.ts'
import type { AddressGuard } from '../source/address-guard.ts'
import type { Origins } from '../source/origins.ts'
import type { Source, SourceTarget } from '../source/source.ts'
import type { BucketPaces } from '../upload/bucket-pace.ts'
import { inspectBucket } from '../upload/inspect-bucket.ts'
import type { ObjectStore } from '../upload/object-store.ts'
import { createObjectStore } from '../upload/s3-object-store.ts'
import type { EngineBandwidth } from './engine-bandwidth.ts'
import type { SharedFiles } from './shared-files.ts'
import type { SharedStores } from './shared-stores.ts'
import { isSpokenNow, savedDialect } from './upload-dialect.ts'

const knownCapabilitiesSchema = bucketCapabilitiesSchema.nullable().catch(null)

const ABORT_TIMEOUT_MS = 30_000
/** Connections to one bucket, for parts and for everything else. The lanes of its transfers decide how many there are; this is far above. */
const MOST_CONNECTIONS = 2048

/** What every piece of work of an engine needs; made once in engine.ts. */
export interface WorkContext {
  readonly env: Env
  readonly engineId: string
  readonly db: Db
  readonly sealer: Sealer
  readonly log: Log
  readonly guard: AddressGuard
  readonly source: Source
  readonly origins: Origins
  readonly stores: SharedStores
  /** What this engine may read, over all transfers. */
  readonly bandwidth: EngineBandwidth
  readonly paces: BucketPaces
  readonly pool: BufferPool
  readonly budget: ByteBudget
  readonly cache: TieredCache
  /** Files that several transfers read at once. */
  readonly files: SharedFiles
  readonly recorder: Recorder
  readonly metrics: EngineMetrics
}

/** The source of a transfer with its secrets opened. Throws `secret_key_changed`. */
export function openTarget(context: WorkContext, row: TransferRow): SourceTarget {
  const headers = row.sourceHeadersSealed
    ? (JSON.parse(context.sealer.open(row.sourceHeadersSealed, `Transfer.sourceHeaders:${row.id}`)) as Record<
        string,
        string
      >)
    : {}
  return { url: context.sealer.open(row.sourceUrlSealed, `Transfer.sourceUrl:${row.id}`), headers }
}

/**
 * The bucket of a transfer, over connections it shares with others into the same bucket, in the dialect its upload was started with, where it
 * has one: whatever a test of the bucket has found since, and whichever engine goes on with it. The caller closes it. Throws `secret_key_changed`.
 */
export function openStore(context: WorkContext, row: TransferRow): ObjectStore {
  return shareStore(context, row, savedDialect(row))
}

/** The same by what is known of the bucket now: for a plan, which may start another upload. */
export function openStoreForPlan(context: WorkContext, row: TransferRow): ObjectStore {
  return shareStore(context, row, null)
}

function shareStore(context: WorkContext, row: TransferRow, started: UploadDialect | null): ObjectStore {
  const { bucket } = row
  const { endpoint, region, forcePathStyle, accessKeyIdSealed, secretAccessKeySealed, capabilities } = bucket
  const known = knownCapabilitiesSchema.parse(capabilities)
  // One that is spoken now, too, needs no store of its own.
  const dialect = started && known && isSpokenNow(started, known) ? null : started
  const saved = [bucket.id, bucket.bucket, endpoint, region, forcePathStyle, accessKeyIdSealed, secretAccessKeySealed]
  return context.stores.use(JSON.stringify([...saved, capabilities, dialect]), () => {
    const options = { ...storeOptions(context), maxConnections: MOST_CONNECTIONS, dialect }
    return createObjectStore(bucketConnection(context, row), options)
  })
}

/** Aborts the multipart upload of a transfer, if it has one, within half a minute. An upload goes with its bucket. */
export async function abortUpload(context: WorkContext, row: TransferRow, signal: AbortSignal): Promise<void> {
  if (!row.uploadId) return
  const store = openStore(context, row)
  const timeout = AbortSignal.timeout(ABORT_TIMEOUT_MS)
  try {
    await store.abortUpload(row.key, row.uploadId, AbortSignal.any([signal, timeout]))
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted)
      throw new TransferError(
        'bucket_unreachable',
        `The bucket did not remove the unfinished upload within ${ABORT_TIMEOUT_MS / 1000} s. Sluice tries again.`,
        { retry: 'now' },
      )
    if (!(error instanceof TransferError && error.code === 'bucket_not_found')) throw error
  } finally {
    store.close()
  }
}

/**
 * Finds out what the store of a bucket can do, where nobody has tested it yet (it was saved through the API, say), so that
 * the first transfer has checksums too. Throws what is wrong with the bucket.
 */
export async function learnBucket(context: WorkContext, row: TransferRow, signal: AbortSignal): Promise<TransferRow> {
  if (row.bucket.capabilities !== null) return row
  const options = { ...storeOptions(context), maxConnections: 2, prefix: row.bucket.prefix }
  const capabilities = await context.stores.learn(row.bucketId, async () => {
    const answer = await inspectBucket(bucketConnection(context, row), options, signal)
    await saveBucketCapabilities(context.db, row.bucketId, answer.capabilities)
    return answer.capabilities
  })
  return { ...row, bucket: { ...row.bucket, capabilities } }
}

function bucketConnection({ sealer }: WorkContext, { bucket }: TransferRow): BucketConnection {
  return {
    endpoint: bucket.endpoint,
    region: bucket.region,
    bucket: bucket.bucket,
    forcePathStyle: bucket.forcePathStyle,
    capabilities: knownCapabilitiesSchema.parse(bucket.capabilities),
    accessKeyId: sealer.open(bucket.accessKeyIdSealed, `Bucket.accessKeyId:${bucket.id}`),
    secretAccessKey: sealer.open(bucket.secretAccessKeySealed, `Bucket.secretAccessKey:${bucket.id}`),
  }
}

function storeOptions({ guard, env }: WorkContext) {
  return {
    guard,
    connectTimeoutMs: env.SLUICE_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: env.SLUICE_IDLE_TIMEOUT_MS,
    httpClient: env.SLUICE_HTTP_CLIENT,
  }
}

/** Upload lanes of a transfer: what the user asked for, else the setting. */
export function uploadLanesOf(context: WorkContext, row: TransferRow): number {
  return row.wantedLanes ?? context.env.MAX_CONCURRENT_UPLOADS
}
