import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Env } from '../server/config/env.ts'
import { machineIdentity, processIdentity } from '../server/config/process-identity.ts'
import type { Connections } from '../server/config/runtime.ts'
import { releaseClaims } from '../server/db/claims.ts'
import { createDb } from '../server/db/client.ts'
import { sayGoodbye } from '../server/db/engine-heartbeat.ts'
import { newId } from '../server/db/new-id.ts'
import { listenForNotifications } from '../server/db/notifications.ts'
import { learnedLanesOf, saveLearnedLanes } from '../server/db/origins.ts'
import type { Log } from '../server/log.ts'
import { createSealer } from '../server/secrets.ts'
import { openTieredCache } from './cache/open-tiered-cache.ts'
import { ByteBudget } from './part/byte-budget.ts'
import { addCacheMetrics } from './progress/cache-metrics.ts'
import { createMetrics } from './progress/metrics.ts'
import { addReadPathMetrics } from './progress/read-path-metrics.ts'
import { Recorder } from './progress/recorder.ts'
import { InspectionLoop } from './queue/answer-inspections.ts'
import { CacheLoop } from './queue/cache-loop.ts'
import { ClaimLoop } from './queue/claim-loop.ts'
import { releaseDeadNeighbours } from './queue/dead-neighbours.ts'
import { Heartbeat } from './queue/heartbeat.ts'
import { startReadPath } from './read-path.ts'
import { BufferPool } from './slice/buffer-pool.ts'
import { createAddressGuard } from './source/address-guard.ts'
import { createSource } from './source/http-source.ts'
import { MAX_LANES_PER_ORIGIN } from './source/origin.ts'
import { Origins } from './source/origins.ts'
import { startStatusServer } from './status-server.ts'
import { EngineBandwidth } from './transfer/engine-bandwidth.ts'
import { KeptSlices } from './transfer/kept-slices.ts'
import { SharedFiles } from './transfer/shared-files.ts'
import { SharedStores } from './transfer/shared-stores.ts'
import type { WorkContext } from './transfer/work-context.ts'
import { BucketPaces } from './upload/bucket-pace.ts'

/** A request for several transfers that is silent for so long is raced by another; longer where sources may be silent for long. */
const SHARED_WAIT_LIMIT_MS = 5_000
const SHARED_WAIT_SHARE = 1 / 6

export interface Engine {
  readonly id: string
  readonly url: string
  /** Hands all work back and closes everything. Takes a second or so; safe to call twice. */
  stop(): Promise<void>
}

/**
 * Puts an engine together and starts it: the one place that knows all its pieces. Rejects where the database cannot be
 * reached or the port cannot be had; then nothing is left running.
 */
export async function startEngine(env: Env, connections: Connections, log: Log): Promise<Engine> {
  const engineId = newId()
  const db = createDb(connections.databaseUrl)
  const guard = createAddressGuard({
    allowedNetworks: env.SLUICE_ALLOWED_PRIVATE_NETWORKS,
    exemptListeners: connections.exemptListeners,
  })
  const source = createSource({
    guard,
    connectTimeoutMs: env.SLUICE_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: env.SLUICE_IDLE_TIMEOUT_MS,
    maxConnectionsPerHost: MAX_LANES_PER_ORIGIN,
    httpClient: env.SLUICE_HTTP_CLIENT,
  })
  const memory = {
    load: (baseUrl: string) => learnedLanesOf(db, baseUrl),
    save: (baseUrl: string, lanes: number) => saveLearnedLanes(db, baseUrl, lanes),
  }
  const origins = new Origins(memory, { fixedLanes: env.SLUICE_READ_LANES })
  const budget = new ByteBudget(env.memoryBudgetBytes)
  const cache = await openTieredCache({
    memoryBytes: env.cacheMemoryBytes,
    ttlMs: env.cacheTtlMs,
    writeQueue: env.SLUICE_CACHE_WRITE_QUEUE,
    compression: env.SLUICE_CACHE_COMPRESSION,
    disk: env.SLUICE_CACHE_DISK ? { parent: join(env.dataDir, 'slices'), maxBytes: env.SLUICE_CACHE_DISK } : null,
    redisUrl: env.SLUICE_REDIS_URL ?? null,
    log,
  })
  const metrics = createMetrics(budget.totalBytes, {
    transfers: () => loop.transfers,
    readLanes: () => recorder.lanes().readLanes,
    uploadLanes: () => recorder.lanes().uploadLanes,
    bufferedBytes: () => budget.usedBytes,
  })
  addCacheMetrics(metrics.registry, () => cache.stats())
  const recorder = new Recorder({ db, engineId, log, metrics })
  const sealer = createSealer(connections.secretKey)
  const onAnswer = addReadPathMetrics(metrics.registry, () => reads.service.figures())
  const bandwidth = new EngineBandwidth(env.SLUICE_BANDWIDTH_LIMIT ?? null)
  const reads = startReadPath({ env, db, sealer, log, source, origins, cache, bandwidth, onAnswer })
  const context: WorkContext = {
    env,
    engineId,
    db,
    sealer,
    log,
    guard,
    source,
    origins,
    stores: new SharedStores(),
    bandwidth,
    paces: new BucketPaces(),
    pool: new BufferPool(env.sliceSizeBytes),
    budget,
    cache,
    files: new SharedFiles({
      source,
      kept: new KeptSlices(cache.inMemory),
      published: reads.service.published,
      cache,
      isOn: env.SLUICE_FEATURE_COALESCING,
      settings: {
        sliceSizeBytes: env.sliceSizeBytes,
        maxSpansPerFile: env.spansPerFile,
        maxSlicesPerSpan: env.profile.spanSlices,
        sliceRetries: env.sliceRetries,
        waitLimitMs: Math.min(
          Math.max(SHARED_WAIT_LIMIT_MS, env.SLUICE_IDLE_TIMEOUT_MS * SHARED_WAIT_SHARE),
          env.SLUICE_IDLE_TIMEOUT_MS,
        ),
      },
    }),
    recorder,
    metrics,
  }
  const loop = new ClaimLoop(context)
  const inspections = new InspectionLoop(context)
  const cacheLoop = new CacheLoop({ ...context, onPurge: (target) => reads.service.forget(target) })
  /** Closed together, when the engine stops or where it cannot start. */
  const open: (() => unknown)[] = [
    () => reads.stop(),
    () => cache.close(),
    () => source.close(),
    () => db.$disconnect(),
  ]
  const closeAll = () => Promise.allSettled(open.map(async (close) => close()))
  const registry = env.SLUICE_METRICS ? metrics.registry : null
  const readersUrl = env.SLUICE_ENGINE_PUBLIC_URL === undefined ? null : new URL(env.SLUICE_ENGINE_PUBLIC_URL)
  const listening = {
    isReady: () => heartbeat.isBeating,
    publicHosts: [new URL(env.SLUICE_PUBLIC_URL).hostname, ...(readersUrl ? [readersUrl.hostname] : [])],
  }
  const status = await startStatusServer({
    ...listening,
    host: env.SLUICE_HOST,
    port: env.ENGINE_PORT,
    setting: 'ENGINE_PORT',
    mayMove: !env.enginePortIsSet,
    registry: env.metricsListener ? null : registry,
    publicPath: readersUrl?.pathname.replace(/\/$/, '') ?? '',
    files: (request, response) => reads.service.server.handle(request, response),
  }).catch(async (error) => {
    await closeAll()
    throw error
  })
  open.push(() => status.close())
  const metricsServer = env.metricsListener
    ? await startStatusServer({
        ...listening,
        ...env.metricsListener,
        setting: 'SLUICE_METRICS_ADDRESS',
        mayMove: false,
        registry,
      }).catch(async (error) => {
        await closeAll()
        throw error
      })
    : null
  open.push(async () => metricsServer?.close())
  const identity = {
    id: engineId,
    name: `${hostname()}:${status.port}`,
    version: version(),
    pid: process.pid,
    url: status.url,
    machine: machineIdentity(),
    process: processIdentity(process.pid),
  }
  const heartbeat = new Heartbeat(context, identity, {
    figures: () => ({
      transfers: loop.transfers,
      ...recorder.lanes(),
      cache: cache.stats(),
      origins: reads.service.stats(),
      unservedOrigins: [...reads.service.unserved],
    }),
    onAbandoned: () => loop.poke(),
    onInspection: () => inspections.poke(),
    onQuestion: () => cacheLoop.poke(),
  })
  try {
    await heartbeat.start()
    const dead = await releaseDeadNeighbours(db, engineId)
    if (dead > 0) log.warn({ engines: dead }, 'took over from engines that had died on this machine')
  } catch (error) {
    await closeAll()
    throw error
  }
  const notifications = listenForNotifications(connections.databaseUrl, log)
  notifications.subscribe('sluice_transfers', (id) => {
    // A wish about a transfer that runs here is read back with a flush; anything else may be new work.
    if (id.split(',').some((one) => loop.isActive(one)))
      recorder.flush().catch((err) => log.warn({ err }, 'a wish could not be read yet'))
    loop.poke()
  })
  notifications.subscribe('sluice_inspections', () => inspections.poke())
  notifications.subscribe('sluice_engines', (id) => {
    if (id === '' || id === engineId) heartbeat.poke()
  })
  notifications.subscribe('sluice_origins', () => reads.poke())
  notifications.subscribe('sluice_cache', (what) => {
    // Answers and results are for the web.
    if (what === '' || what === 'purge' || what === 'question') cacheLoop.poke()
  })
  recorder.start()
  loop.start()
  inspections.start()
  cacheLoop.start()
  log.info({ engineId, url: status.url, memoryBudgetBytes: budget.totalBytes }, 'engine started')

  let stopping: Promise<void> | null = null
  const stop = async () => {
    // Hints are not waited for: where the database is cut off, their connection closes late, and the work must end first.
    const deaf = notifications.close()
    await Promise.all([loop.stop(), inspections.stop(), cacheLoop.stop()])
    recorder.stop()
    heartbeat.stop()
    reads.stop()
    await Promise.allSettled([releaseClaims(db, engineId), sayGoodbye(db, engineId)])
    await Promise.allSettled([deaf, closeAll()])
    log.info({ engineId }, 'engine stopped')
  }
  return {
    id: engineId,
    url: status.url,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}
