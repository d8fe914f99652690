import type { Env } from '../server/config/env.ts'
import type { Db } from '../server/db/client.ts'
import { loadServedOrigins } from '../server/db/published-origins.ts'
import { findToken } from '../server/db/tokens.ts'
import type { Log } from '../server/log.ts'
import { type Sealer, sameSecret } from '../server/secrets.ts'
import type { SliceCache } from './cache/slice-cache.ts'
import { ReadService } from './range-server/read-service.ts'
import type { Origins } from './source/origins.ts'
import type { Source } from './source/source.ts'
import type { EngineBandwidth } from './transfer/engine-bandwidth.ts'

/** The rows are the truth; a hint only makes it faster. */
const LOOK_EVERY_MS = 5_000

export interface ReadPathOptions {
  readonly env: Env
  readonly db: Db
  readonly sealer: Sealer
  readonly log: Log
  readonly source: Source
  readonly origins: Origins
  readonly cache: SliceCache
  readonly bandwidth: EngineBandwidth
  readonly onAnswer: (seconds: number) => void
}

/** The published origins of an engine and what serves them, kept up to date with the rows. */
export interface RunningReadPath {
  readonly service: ReadService
  /** Looks at the rows now. */
  poke(): void
  stop(): void
}

/** Starts serving. Origins are looked up in the background: a database that is away keeps nobody from starting. */
export function startReadPath(options: ReadPathOptions): RunningReadPath {
  const { env, db, sealer, log, source, origins, cache, bandwidth, onAnswer } = options
  // All readers together have what one transfer has.
  const share = bandwidth.share()
  const service = new ReadService({
    settings: {
      sliceSizeBytes: env.sliceSizeBytes,
      sliceRetries: env.sliceRetries,
      maxSpansPerFile: env.spansPerFile,
      maxSlicesPerSpan: env.profile.spanSlices,
      prefetchSlices: env.SLUICE_PREFETCH_SLICES,
      maxOriginRequests: env.SLUICE_MAX_ORIGIN_REQUESTS,
      maxQueued: env.SLUICE_ORIGIN_QUEUE,
      breakerFailures: env.SLUICE_BREAKER_FAILURES,
      breakerOpenMs: env.SLUICE_BREAKER_OPEN_MS,
      idleTimeoutMs: env.SLUICE_IDLE_TIMEOUT_MS,
      features: {
        coalescing: env.SLUICE_FEATURE_COALESCING,
        breaker: env.SLUICE_FEATURE_BREAKER,
        priorities: env.SLUICE_FEATURE_PRIORITIES,
        parallelSlices: env.SLUICE_FEATURE_PARALLEL_SLICES,
      },
    },
    source,
    cache,
    lanesOf: (url) => origins.of(url),
    checkToken: async (token) =>
      (env.SLUICE_ADMIN_TOKEN !== undefined && sameSecret(token, env.SLUICE_ADMIN_TOKEN)) ||
      (await findToken(db, token)) !== null,
    log,
    onAnswer,
    pace(bytes, resume) {
      if (bandwidth.take(share, bytes)) return true
      bandwidth.wait(share, bytes, resume)
      return false
    },
  })
  let isLooking = false
  let isPoked = false
  /** So that what stays wrong is said once. */
  let lastTrouble = ''
  const look = async () => {
    const { origins: served, unserved } = await loadServedOrigins(db, sealer)
    service.update(served, unserved)
    const trouble = unserved.map(({ name, message }) => `${name}: ${message}`).join(' ')
    if (trouble !== lastTrouble && trouble !== '') log.warn({ trouble }, 'A published origin cannot be served.')
    lastTrouble = trouble
    for (const host of service.hosts()) await origins.remember(host)
  }
  const poke = async () => {
    isPoked = true
    if (isLooking) return
    isLooking = true
    while (isPoked) {
      isPoked = false
      await look().catch((err) => log.warn({ err }, 'Published origins could not be read; trying again.'))
    }
    isLooking = false
  }
  const timer = setInterval(() => void poke(), LOOK_EVERY_MS)
  void poke()
  return {
    service,
    poke: () => void poke(),
    stop() {
      clearInterval(timer)
      isPoked = false
      service.close()
    },
  }
}
