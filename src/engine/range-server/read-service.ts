import type { PurgeTarget } from '../../server/domain/cache.ts'
import type { OriginStats, ServedOrigin, UnservedOrigin } from '../../server/domain/published-origin.ts'
import type { Log } from '../../server/log.ts'
import type { Removed, SliceCache } from '../cache/slice-cache.ts'
import { idBeginningOf } from '../cache/slice-key.ts'
import type { PublishedSlices } from '../slice/published-slices.ts'
import { RequestLimiter } from '../slice/request-limiter.ts'
import { SlicePool } from '../slice/slice-pool.ts'
import type { Pace, ReadCounters } from '../slice/span-fetch.ts'
import type { Origin } from '../source/origin.ts'
import type { Source } from '../source/source.ts'
import { AccessControl, type TokenCheck } from './access.ts'
import { OriginRegistry } from './origin-registry.ts'
import { RangeServer } from './server.ts'

export interface ReadSettings {
  readonly sliceSizeBytes: number
  readonly sliceRetries: number
  /** Requests for one file at once, and slices of one request at most. */
  readonly maxSpansPerFile: number
  readonly maxSlicesPerSpan: number
  readonly prefetchSlices: number
  readonly maxOriginRequests: number
  readonly maxQueued: number
  readonly breakerFailures: number
  readonly breakerOpenMs: number
  readonly idleTimeoutMs: number
  readonly features: {
    readonly coalescing: boolean
    readonly breaker: boolean
    readonly priorities: boolean
    readonly parallelSlices: boolean
  }
  /** Without a byte for so long, those who wait for a request fall back to another. */
  readonly waitLimitMs?: number
  /** A reader that takes nothing for so long is cut off. */
  readonly stallMs?: number
  /** Bytes that go out in one turn of the event loop before answers take turns. */
  readonly turnBytes?: number
}

export interface ReadServiceOptions {
  readonly settings: ReadSettings
  readonly source: Source
  readonly cache: SliceCache
  readonly lanesOf: (url: string) => Promise<Origin>
  readonly checkToken: TokenCheck
  readonly log: Pick<Log, 'debug' | 'warn'>
  readonly onAnswer?: (seconds: number) => void
  /** The bandwidth limit of the engine: what comes from origins for readers keeps to it. */
  readonly pace?: Pace | null
}

/** Slices on their way at once, over all origins; beside the memory tier this is what the read path holds. */
const MAX_FETCHING_BYTES = 64 * 1024 * 1024
const WAIT_LIMIT_MS = 5_000
const STALL_MS = 60_000

/** What the metrics and the heartbeat show of the read path. */
export interface ReadFigures {
  readonly counters: ReadCounters
  readonly origins: readonly (OriginStats & { readonly name: string; readonly aborts: number })[]
  readonly breakerTrips: number
  /** Fetches that wait, by rank: short, medium, bulk, read ahead. */
  readonly queueDepth: readonly [number, number, number, number]
  readonly originRequests: number
  readonly fetchingBytes: number
}

/** Serves published origins: the pieces of the read path, put together. */
export class ReadService {
  readonly server: RangeServer
  readonly pool: SlicePool
  readonly #cache: SliceCache
  readonly #limiter: RequestLimiter
  readonly #origins: OriginRegistry
  #trips = 0

  constructor(options: ReadServiceOptions) {
    const { settings, source, cache, lanesOf, log } = options
    const { features } = settings
    this.#cache = cache
    this.#limiter = new RequestLimiter({
      maxRequests: settings.maxOriginRequests,
      maxQueued: settings.maxQueued,
      maxBytes: MAX_FETCHING_BYTES,
    })
    this.pool = new SlicePool({
      source,
      isCoalescing: features.coalescing,
      isParallel: features.parallelSlices,
      maxSpansPerFile: settings.maxSpansPerFile,
      maxSlicesPerSpan: settings.maxSlicesPerSpan,
      sliceRetries: settings.sliceRetries,
      pace: options.pace ?? null,
      waitLimitMs: settings.waitLimitMs ?? Math.min(WAIT_LIMIT_MS, settings.idleTimeoutMs),
    })
    this.#origins = new OriginRegistry({
      source,
      cache,
      pool: this.pool,
      limiter: this.#limiter,
      lanesOf,
      sliceSizeBytes: settings.sliceSizeBytes,
      prefetchSlices: settings.prefetchSlices,
      hasPriorities: features.priorities,
      breaker: { isOn: features.breaker, failures: settings.breakerFailures, openMs: settings.breakerOpenMs },
      onTrip: (originName) => {
        this.#trips++
        log.warn({ origin: originName }, 'An origin failed several times in a row and is given a rest.')
      },
    })
    this.server = new RangeServer({
      origins: this.#origins,
      access: new AccessControl(options.checkToken),
      log,
      stallMs: settings.stallMs ?? STALL_MS,
      turnBytes: settings.turnBytes,
      waitMs: Math.max(STALL_MS, 2 * settings.idleTimeoutMs),
      onAnswer: options.onAnswer,
    })
  }

  /** What readers have, for transfers of the same files. */
  get published(): PublishedSlices {
    return this.#origins
  }

  /** Serves exactly these from now on; readers of the unserved are told that they cannot be. */
  update(origins: readonly ServedOrigin[], unserved: readonly UnservedOrigin[] = []): void {
    this.#origins.update(origins, unserved)
  }

  /** For the heartbeat: what is published and cannot be served by this engine. */
  get unserved(): readonly UnservedOrigin[] {
    return this.#origins.unserved
  }

  /** Drops what is remembered of purged objects, beside the cache; nothing of them that is on its way is kept. */
  forget(target: PurgeTarget): void {
    // Also what readers began before the settings of an origin changed.
    this.pool.purged(idBeginningOf(target))
    for (const service of this.#origins.services) {
      if (target === 'all') service.purge(null)
      else if ('objectId' in target) service.purge(target.objectId)
      else if (service.config.id === target.originId) service.purge(null)
    }
  }

  /** Purges the cache, and forgets. */
  async purge(target: PurgeTarget): Promise<Removed> {
    this.forget(target)
    const removed = await this.#cache.purge(target)
    this.forget(target)
    return removed
  }

  figures(): ReadFigures {
    const services = this.#origins.services
    const queueDepth: [number, number, number, number] = [0, 0, 0, 0]
    for (const { gate } of services)
      for (const [rank, waiting] of gate.depth().entries()) queueDepth[rank as 0 | 1 | 2 | 3] += waiting
    return {
      counters: this.pool.counters,
      origins: services.map((service) => ({
        ...service.stats(),
        name: service.config.name,
        aborts: service.counters.aborts,
      })),
      breakerTrips: this.#trips,
      queueDepth,
      originRequests: this.#limiter.active,
      fetchingBytes: this.#limiter.bytes,
    }
  }

  /** The hosts that are read from, for what is learned about their lanes. */
  hosts(): Origin[] {
    return this.#origins.services.map(({ gate }) => gate.origin).filter((origin) => origin !== null)
  }

  /** For the heartbeat; the dashboard shows it. */
  stats(): OriginStats[] {
    return this.#origins.services.map((service) => service.stats())
  }

  close(): void {
    this.#origins.close()
  }
}
