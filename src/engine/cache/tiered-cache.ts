import { setTimeout as delay } from 'node:timers/promises'
import type { CacheObjectPage, CacheStats, PurgeTarget } from '../../server/domain/cache.ts'
import type { Log } from '../../server/log.ts'
import { type Compression, compressSlice, expandSlice } from './compression.ts'
import { DiskTier } from './disk.ts'
import { encodeHeader, type openEntry } from './entry-format.ts'
import { MemoryTier, nameOf } from './memory.ts'
import { ObjectIndex } from './object-index.ts'
import { RecordWriter } from './record-writer.ts'
import { SharedTier } from './shared.ts'
import type {
  CachedSlice,
  CacheTier,
  FetchClaim,
  FetchTurn,
  ObjectRecord,
  Removed,
  SliceCache,
  SliceKey,
} from './slice-cache.ts'
import { originScopeOf } from './slice-key.ts'
import { WriteQueue } from './write-queue.ts'

const EXPIRY_EVERY_MS = 30_000
const CLOSE_DEADLINE_MS = 3_000
/** How often a waiter looks whether the slice has come: at first often, then less. */
const FIRST_LOOK_MS = 10
const LONGEST_LOOK_MS = 100

export interface TieredCacheOptions {
  readonly memoryBytes: number
  readonly ttlMs: number
  /** Writes to disk and shared tier that may wait. */
  readonly writeQueue: number
  readonly compression?: Compression
  /** Null: no disk tier. */
  readonly disk: { readonly parent: string; readonly maxBytes: number } | null
  /** Null: no shared tier. */
  readonly redisUrl: string | null
  readonly log: Pick<Log, 'warn' | 'info'>
}

/** A tier that outlives the process, for whoever applies purges: how far it has come, and how to say so. */
export interface LastingTier {
  purgedUpTo(): Promise<bigint | null>
  markPurged(id: bigint): Promise<void>
}

/** Opens the tiers that are configured. A disk that cannot be used is logged and left out: the cache is only a shortcut. */
export async function openTieredCache(options: TieredCacheOptions): Promise<TieredCache> {
  const { disk: wish, ttlMs, log, redisUrl } = options
  let disk: DiskTier | null = null
  const index = new ObjectIndex((objectId) => void disk?.forgetObject(objectId))
  if (wish)
    disk = await DiskTier.open({ ...wish, ttlMs, index, log }).catch((error) => {
      log.warn(
        { reason: error.code ?? error.message },
        'The disk tier of the slice cache cannot be used; going on without it.',
      )
      return null
    })
  const shared = redisUrl === null ? null : new SharedTier({ url: redisUrl, ttlMs, log })
  return new TieredCache(options, index, disk, shared)
}

/** Memory over disk over the shared tier. What each promises: slice-cache.ts. */
export class TieredCache implements SliceCache {
  readonly #ttlMs: number
  readonly #compression: Compression
  readonly #index: ObjectIndex
  readonly #memory: MemoryTier
  readonly #disk: DiskTier | null
  readonly #shared: SharedTier | null
  readonly #queue: WriteQueue
  readonly #records: RecordWriter
  /** Reads under way: many who miss the same slice read it once. */
  readonly #reading = new Map<string, Promise<CachedSlice | null>>()
  /** Leases on fetches that are ours, by slice. */
  readonly #leases = new Map<string, string>()
  readonly #timer: NodeJS.Timeout
  /** Raised by each purge: what was being read then is answered, but not kept. */
  #purges = 0
  #memoryHits = 0
  #diskHits = 0
  #sharedHits = 0
  #misses = 0
  #hitBytes = 0
  #storedBytes = 0
  #savedBytes = 0

  constructor(options: TieredCacheOptions, index: ObjectIndex, disk: DiskTier | null, shared: SharedTier | null) {
    this.#ttlMs = options.ttlMs
    this.#compression = options.compression ?? 'off'
    this.#index = index
    this.#memory = new MemoryTier({ maxBytes: options.memoryBytes, ttlMs: options.ttlMs, index })
    this.#disk = disk
    this.#shared = shared
    this.#queue = new WriteQueue(options.writeQueue)
    this.#records = new RecordWriter((record) =>
      Promise.all([this.#disk?.writeRecord(record), this.#shared?.writeRecord(record)]),
    )
    this.#timer = setInterval(() => this.#removeExpired(), EXPIRY_EVERY_MS)
    this.#timer.unref()
  }

  /** The tiers that outlive the process; purges are applied to each of them in order. */
  get lasting(): readonly LastingTier[] {
    return [this.#disk, this.#shared].filter((tier) => tier !== null)
  }

  /** Resolves when the disk tier has looked through what it has; for tests and for whoever shows figures. */
  get ready(): Promise<void> {
    return this.#disk?.ready ?? Promise.resolve()
  }

  /** Resolves when everything that was put is in the slower tiers or left out. */
  async written(): Promise<void> {
    await Promise.all([this.#queue.idle(), this.#records.idle()])
  }

  peek(key: SliceKey): Uint8Array | null {
    const bytes = this.#memory.get(key)
    if (bytes === null) return null
    this.#memoryHits++
    this.#hitBytes += bytes.byteLength
    return bytes
  }

  async get(key: SliceKey, signal: AbortSignal): Promise<CachedSlice | null> {
    signal.throwIfAborted()
    const bytes = this.peek(key)
    if (bytes) return { bytes, tier: 'memory' }
    const found = await untilAborted(this.#readBelow(key), signal)
    if (found) this.#counted(found)
    else this.#misses++
    return found
  }

  put(key: SliceKey, bytes: Uint8Array): void {
    this.#storedBytes += bytes.byteLength
    this.#memory.put(key, bytes)
    if (!this.#disk && !this.#shared) return
    const release = () => this.#releaseLease(key)
    this.#queue.offer({
      name: nameOf(key),
      objectId: key.objectId,
      run: () => this.#write(key, bytes).finally(release),
      dropped: release,
    })
  }

  async claimFetch(
    key: SliceKey,
    { leaseMs, waitMs }: { readonly leaseMs: number; readonly waitMs: number },
    signal: AbortSignal,
  ): Promise<FetchTurn> {
    const shared = this.#shared
    if (!shared?.isUp) return { slice: null, claim: NO_LEASE }
    const deadlineMs = performance.now() + waitMs
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(LONGEST_LOOK_MS, lookMs * 1.5)) {
      const token = await untilAborted(shared.takeLease(key, leaseMs), signal)
      if (token === undefined) return { slice: null, claim: NO_LEASE }
      if (token !== null) this.#leases.set(nameOf(key), token)
      // Looked at with the lease taken, too: whoever had it before may just have written the slice.
      const slice = await untilAborted(this.#readShared(key), signal).catch((error) => {
        this.#releaseLease(key)
        throw error
      })
      if (slice) {
        this.#releaseLease(key)
        this.#counted(slice)
        return { slice, claim: null }
      }
      if (token !== null) return { slice: null, claim: this.#claim(key) }
      if (performance.now() >= deadlineMs) return { slice: null, claim: NO_LEASE }
      await delay(Math.max(1, Math.min(lookMs, deadlineMs - performance.now())), undefined, { signal })
    }
  }

  record(objectId: string): ObjectRecord | null {
    return this.#index.get(objectId)?.record ?? null
  }

  async loadRecord(objectId: string, signal: AbortSignal): Promise<ObjectRecord | null> {
    signal.throwIfAborted()
    const known = this.record(objectId)
    if (known) return known
    const read = async () =>
      (await this.#disk?.readRecord(objectId)) ?? (await this.#shared?.readRecord(objectId)) ?? null
    const purges = this.#purges
    const found = await untilAborted(read(), signal)
    // Another may have saved a newer one in the meantime.
    if (found && purges === this.#purges) this.#index.of(objectId).record ??= found
    return this.record(objectId) ?? found
  }

  saveRecord(record: ObjectRecord): void {
    const object = this.#index.of(record.objectId)
    object.record = record
    object.lastAccessAtMs = Date.now()
    if (this.#disk || this.#shared) this.#records.offer(record)
  }

  dropOtherVersions(objectId: string, version: string): void {
    for (const key of this.#index.slicesOf(objectId, 'memory', version)) this.#memory.delete(key)
    void this.#disk?.dropOtherVersions(objectId, version)
  }

  async purge(target: PurgeTarget): Promise<Removed> {
    const scope = target !== 'all' && 'originId' in target ? originScopeOf(target.originId) : null
    const beginning = target === 'all' ? '' : (scope ?? ('objectId' in target ? target.objectId : ''))
    // What still waits to be written would come after the purge, and what is being written is waited for.
    const isMeant = (objectId: string) => objectId.startsWith(beginning)
    this.#purges++
    await Promise.all([this.#queue.forget(isMeant), this.#records.forget(isMeant)])
    const removed = { slices: 0, bytes: 0 }
    const ids = this.#index.idsOf(null).filter(isMeant)
    for (const objectId of ids) {
      const seen = new Set<string>()
      for (const tier of ['disk', 'memory'] as const)
        for (const key of this.#index.slicesOf(objectId, tier)) {
          if (seen.has(nameOf(key))) continue
          seen.add(nameOf(key))
          removed.slices++
          removed.bytes += this.#index.get(objectId)?.[tier].get(key.version)?.get(key.index) ?? 0
        }
      for (const key of this.#index.slicesOf(objectId, 'memory')) this.#memory.delete(key)
    }
    await this.#disk?.purge(target === 'all' ? 'all' : scope === null ? { objectId: beginning } : { scope })
    for (const objectId of ids) this.#index.forget(objectId)
    await this.#shared?.purge(beginning)
    return removed
  }

  stats(): CacheStats {
    const { maxBytes, bytes, slices } = this.#memory
    const disk = this.#disk
    const shared = this.#shared
    return {
      memory: { maxBytes, bytes, slices },
      disk: disk && { state: disk.state, maxBytes: disk.maxBytes, bytes: disk.bytes, slices: disk.slices },
      shared: shared && { state: shared.state },
      objects: this.#index.size,
      memoryHits: this.#memoryHits,
      diskHits: this.#diskHits,
      sharedHits: this.#sharedHits,
      misses: this.#misses,
      hitBytes: this.#hitBytes,
      storedBytes: this.#storedBytes,
      memoryEvictions: this.#memory.evictions,
      diskEvictions: disk?.evictions ?? 0,
      expired: this.#memory.expired + (disk?.expired ?? 0),
      corrupt: (disk?.corrupt ?? 0) + (shared?.corrupt ?? 0),
      writeQueueDepth: this.#queue.depth,
      writeQueueLimit: this.#queue.limit,
      writesDropped: this.#queue.dropped,
      diskErrors: disk?.errors ?? 0,
      sharedErrors: shared?.errors ?? 0,
      compressionSavedBytes: this.#savedBytes,
    }
  }

  objects(query: { readonly search?: string; readonly cursor?: string; readonly limit: number }): CacheObjectPage {
    return this.#index.page(query)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.race([
      Promise.all([this.#queue.close(CLOSE_DEADLINE_MS), this.#records.idle()]),
      delay(CLOSE_DEADLINE_MS, undefined, { ref: false }),
    ])
    await Promise.allSettled([this.#disk?.close(), this.#shared?.close()])
    this.#memory.clear()
  }

  /** Disk, then shared tier; one read for all who ask at once. */
  #readBelow(key: SliceKey): Promise<CachedSlice | null> {
    if (!this.#disk && !this.#shared) return NOTHING
    const name = nameOf(key)
    let reading = this.#reading.get(name)
    if (!reading) {
      reading = this.#readDisk(key)
        .then((found) => found ?? this.#readShared(key))
        .finally(() => this.#reading.delete(name))
      this.#reading.set(name, reading)
    }
    return reading
  }

  async #readDisk(key: SliceKey): Promise<CachedSlice | null> {
    const purges = this.#purges
    const entry = (await this.#disk?.read(key)) ?? null
    return entry && this.#keep(key, entry, 'disk', purges)
  }

  async #readShared(key: SliceKey): Promise<CachedSlice | null> {
    const purges = this.#purges
    const entry = (await this.#shared?.read(key)) ?? null
    if (!entry) return null
    const { header, payload } = entry
    if (Date.now() - header.storedAtMs >= this.#ttlMs) return null
    const found = await this.#keep(key, entry, 'shared', purges)
    if (found && this.#disk && purges === this.#purges)
      this.#queue.offer({
        name: nameOf(key),
        objectId: key.objectId,
        run: async () => {
          const facts = { codec: header.codec, sizeBytes: header.sizeBytes, storedAtMs: header.storedAtMs }
          await this.#disk?.write(key, encodeHeader(key, payload, facts), payload, header.storedAtMs)
        },
        dropped: () => {},
      })
    return found
  }

  /** Expands an entry and keeps it in memory, unless there was a purge since `purges` was read. */
  async #keep(
    key: SliceKey,
    { header, payload }: NonNullable<ReturnType<typeof openEntry>>,
    tier: CacheTier,
    purges: number,
  ): Promise<CachedSlice | null> {
    const bytes = await expandSlice(header.codec, payload, header.sizeBytes)
    if (!bytes) return null
    if (purges === this.#purges) this.#memory.put(key, bytes)
    return { bytes, tier }
  }

  async #write(key: SliceKey, bytes: Uint8Array): Promise<void> {
    if (!this.#disk?.takesWrites && !this.#shared?.isUp) return
    const { codec, payload } = await compressSlice(bytes, this.#compression)
    this.#savedBytes += bytes.byteLength - payload.byteLength
    const storedAtMs = Date.now()
    const header = encodeHeader(key, payload, { codec, sizeBytes: bytes.byteLength, storedAtMs })
    await Promise.all([this.#disk?.write(key, header, payload, storedAtMs), this.#shared?.write(key, header, payload)])
  }

  #claim(key: SliceKey): FetchClaim {
    return {
      release: () => {
        // A write that is queued releases it when the slice is there for the others.
        if (!this.#queue.has(nameOf(key))) this.#releaseLease(key)
      },
    }
  }

  #releaseLease(key: SliceKey): void {
    const name = nameOf(key)
    const token = this.#leases.get(name)
    if (token === undefined) return
    this.#leases.delete(name)
    void this.#shared?.releaseLease(key, token)
  }

  #counted({ tier, bytes }: CachedSlice): void {
    if (tier === 'disk') this.#diskHits++
    else if (tier === 'shared') this.#sharedHits++
    this.#hitBytes += bytes.byteLength
  }

  #removeExpired(): void {
    this.#memory.purgeExpired()
    void this.#disk?.removeExpired()
  }
}

const NOTHING: Promise<null> = Promise.resolve(null)
const NO_LEASE: FetchClaim = { release() {} }

/** The promise, or the signal's reason as soon as it aborts; what was started goes on for others. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
