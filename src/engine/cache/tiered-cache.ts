import { setTimeout as delay } from 'node:timers/promises'
import type { CacheObjectPage, CacheStats, PurgeTarget } from '../../server/domain/cache.ts'
import { type Compression, compressSlice, expandSlice } from './compression.ts'
import type { DiskTier } from './disk.ts'
import { encodeHeader, type openEntry } from './entry-format.ts'
import { FetchTurns } from './fetch-turns.ts'
import { type MemorySlices, MemoryTier, nameOf } from './memory.ts'
import type { ObjectIndex } from './object-index.ts'
import { RecordWriter } from './record-writer.ts'
import type { SharedTier } from './shared.ts'
import type { CachedSlice, CacheTier, FetchTurn, ObjectRecord, Removed, SliceCache, SliceKey } from './slice-cache.ts'
import { idBeginningOf } from './slice-key.ts'
import { untilAborted } from './until-aborted.ts'
import { type QueuedWrite, WriteQueue } from './write-queue.ts'

const EXPIRY_EVERY_MS = 30_000
const CLOSE_DEADLINE_MS = 3_000

export interface TiersOptions {
  readonly memoryBytes: number
  readonly ttlMs: number
  /** Slices that are held for writes to disk and shared tier; of what comes on top only the keys are remembered. */
  readonly writeQueue: number
  readonly compression?: Compression
}

/** Tiers that a purge goes through together, and how far they have come: purges are applied in order, however late. */
export interface PurgedTier {
  /** The last purge that was applied; null where none ever was. Rejects where that cannot be read. */
  purgedUpTo(): Promise<bigint | null>
  /** Rejects where it could not be finished; then it is done again. */
  purge(target: PurgeTarget): Promise<Removed>
  /** Rejects where it cannot be written: the purge is then applied again, which does no harm. */
  markPurged(id: bigint): Promise<void>
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
  readonly #turns: FetchTurns
  readonly #timer: NodeJS.Timeout
  /** Raised where a purge begins and where it ends: what was being read meanwhile is answered, but not kept. */
  #purges = 0
  #purgesUnderWay = 0
  #memoryPurgedUpTo: bigint | null = null
  /** The last purge this engine has applied to the shared tier, whatever others have. */
  #sharedPurgedUpTo: bigint | null = null
  #memoryHits = 0
  #diskHits = 0
  #sharedHits = 0
  #misses = 0
  #hitBytes = 0
  #storedBytes = 0
  #savedBytes = 0

  constructor(options: TiersOptions, index: ObjectIndex, disk: DiskTier | null, shared: SharedTier | null) {
    this.#ttlMs = options.ttlMs
    this.#compression = options.compression ?? 'off'
    this.#index = index
    this.#memory = new MemoryTier({ maxBytes: options.memoryBytes, ttlMs: options.ttlMs, index })
    this.#disk = disk
    this.#shared = shared
    this.#queue = new WriteQueue({
      limit: options.writeQueue,
      write: (write) => this.#write(write),
      recall: (key) => this.#memory.glance(key),
      over: (key) => this.#turns.release(key),
    })
    this.#records = new RecordWriter((record) =>
      Promise.all([this.#disk?.writeRecord(record), this.#shared?.writeRecord(record)]),
    )
    this.#turns = new FetchTurns({
      shared,
      readShared: (key) => this.#readShared(key),
      isComing: (key) => this.#queue.isComing(key),
    })
    this.#timer = setInterval(() => this.#removeExpired(), EXPIRY_EVERY_MS)
    this.#timer.unref()
  }

  /** What a purge has to reach: this engine's own tiers, and the shared one while it answers. */
  get purgedTiers(): readonly PurgedTier[] {
    const own: PurgedTier = {
      purgedUpTo: async () => (this.#disk ? this.#disk.purgedUpTo() : this.#memoryPurgedUpTo),
      purge: (target) => this.#purgeOwn(target),
      markPurged: async (id) => {
        this.#memoryPurgedUpTo = id
        await this.#disk?.markPurged(id)
      },
    }
    const shared = this.#shared
    if (!shared?.isUp) return [own]
    // Every engine purges it, also after another has: until its own tiers were purged it may have written there what had to go.
    const all: PurgedTier = {
      purgedUpTo: async () => {
        const mark = await shared.purgedUpTo()
        this.#sharedPurgedUpTo ??= mark
        const mine = this.#sharedPurgedUpTo
        return mark !== null && mine !== null && mine < mark ? mine : mark
      },
      purge: async (target) => ({ slices: await this.#purgeShared(shared, target), bytes: 0 }),
      markPurged: async (id) => {
        await shared.markPurged(id)
        this.#sharedPurgedUpTo = id
      },
    }
    return [own, all]
  }

  /** The memory tier by itself, for what is of no use on disk or to other engines: slices that transfers hand to each other. */
  get inMemory(): MemorySlices {
    return this.#memory
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
    return this.#memory.get(key)
  }

  take(key: SliceKey, lengthBytes: number): Uint8Array | null {
    const bytes = this.#memory.take(key, lengthBytes)
    if (bytes === null) return null
    this.#memoryHits++
    this.#hitBytes += lengthBytes
    return bytes
  }

  has(key: SliceKey): boolean {
    return this.#index.has(key)
  }

  handed(key: SliceKey, lengthBytes: number, foundIn: CacheTier | null): void {
    const object = this.#index.get(key.objectId)
    if (object) object.lastAccessAtMs = Date.now()
    if (foundIn === null) {
      this.#misses++
      return
    }
    if (object) object.hits++
    if (foundIn === 'memory') this.#memoryHits++
    else if (foundIn === 'disk') this.#diskHits++
    else this.#sharedHits++
    this.#hitBytes += lengthBytes
  }

  async get(key: SliceKey, signal: AbortSignal): Promise<CachedSlice | null> {
    signal.throwIfAborted()
    const bytes = this.peek(key)
    return bytes ? { bytes, tier: 'memory' } : untilAborted(this.#readBelow(key), signal)
  }

  put(key: SliceKey, bytes: Uint8Array): void {
    this.#storedBytes += bytes.byteLength
    this.#memory.put(key, bytes)
    if (!this.#disk && !this.#shared) return
    this.#queue.offer({ key, storedAtMs: Date.now(), isForAll: true, content: { bytes } })
  }

  claimFetch(key: SliceKey, limits: Parameters<SliceCache['claimFetch']>[1], signal: AbortSignal): Promise<FetchTurn> {
    return this.#turns.next(key, limits, signal)
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
    // Another may have saved a newer one in the meantime, or purged this one.
    if (found && this.#isStillKept(purges)) this.#index.of(objectId).record ??= found
    return this.record(objectId)
  }

  saveRecord(record: ObjectRecord): void {
    const object = this.#index.of(record.objectId)
    object.record = record
    object.lastAccessAtMs = Date.now()
    if (this.#disk || this.#shared) this.#records.offer(record)
  }

  dropOtherVersions(objectId: string, version: string): void {
    for (const key of this.#index.slicesOf(objectId, 'memory', version)) this.#memory.delete(key)
    // What is being written would come after it.
    const written = this.#queue.forget((key) => key.objectId === objectId && key.version !== version)
    void written.then(() => this.#disk?.dropOtherVersions(objectId, version))
  }

  async purge(target: PurgeTarget): Promise<Removed> {
    const removed = await this.#purgeOwn(target)
    if (this.#shared?.isUp) await this.#purgeShared(this.#shared, target)
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

  #purgeOwn(target: PurgeTarget): Promise<Removed> {
    return this.#whilePurging(() => this.#removeOwn(target))
  }

  /** The shared tier, and once more our own: until it was empty, what had to go may have been read from it. */
  #purgeShared(shared: SharedTier, target: PurgeTarget): Promise<number> {
    return this.#whilePurging(async () => {
      const slices = await shared.purge(idBeginningOf(target))
      await this.#removeOwn(target)
      return slices
    })
  }

  /** Nothing that is read from a slower tier while `purge` runs, or across its beginning or end, is kept or handed to who asks after it. */
  async #whilePurging<T>(purge: () => Promise<T>): Promise<T> {
    this.#purges++
    this.#purgesUnderWay++
    this.#reading.clear()
    try {
      return await purge()
    } finally {
      this.#purges++
      this.#purgesUnderWay--
      this.#reading.clear()
    }
  }

  /** Whether what was read since `purges` was may be kept. */
  #isStillKept(purges: number): boolean {
    return purges === this.#purges && this.#purgesUnderWay === 0
  }

  async #removeOwn(target: PurgeTarget): Promise<Removed> {
    const beginning = idBeginningOf(target)
    const isMeant = (objectId: string) => objectId.startsWith(beginning)
    // What still waits to be written would come after the purge, and what is being written is waited for.
    await Promise.all([this.#queue.forget(({ objectId }) => isMeant(objectId)), this.#records.forget(isMeant)])
    const removed = { slices: 0, bytes: 0 }
    const ids = this.#index.idsOf(null).filter(isMeant)
    for (const objectId of ids) {
      const { slices, bytes } = this.#index.sizeOf(objectId)
      removed.slices += slices
      removed.bytes += bytes
      for (const key of this.#index.slicesOf(objectId, 'memory')) this.#memory.delete(key)
    }
    const purging = this.#disk?.purge(target === 'all' || 'objectId' in target ? target : { scope: beginning })
    // Before anything is waited for: what is written meanwhile is of after the purge, and must not be forgotten with the rest.
    for (const objectId of ids) this.#index.forget(objectId)
    await purging
    return removed
  }

  /** Disk, then shared tier; one read for all who ask at once. */
  #readBelow(key: SliceKey): Promise<CachedSlice | null> {
    if (!this.#disk && !this.#shared) return NOTHING
    const name = nameOf(key)
    let reading = this.#reading.get(name)
    if (!reading) {
      const begun = this.#readDisk(key)
        .then((found) => found ?? this.#readShared(key))
        .finally(() => {
          if (this.#reading.get(name) === begun) this.#reading.delete(name)
        })
      reading = begun
      this.#reading.set(name, begun)
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
    const { codec, sizeBytes, storedAtMs } = header
    if (Date.now() - storedAtMs >= this.#ttlMs) return null
    const found = await this.#keep(key, entry, 'shared', purges)
    if (found && this.#disk && this.#isStillKept(purges))
      this.#queue.offer({ key, storedAtMs, isForAll: false, content: { codec, payload, sizeBytes } })
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
    if (this.#isStillKept(purges)) this.#memory.put(key, bytes)
    return { bytes, tier }
  }

  async #write({ key, storedAtMs, isForAll, content }: QueuedWrite): Promise<void> {
    const shared = isForAll && this.#shared?.isUp ? this.#shared : null
    if (!this.#disk?.takesWrites && !shared) return
    const { codec, payload, sizeBytes } = 'bytes' in content ? await this.#compressed(content.bytes) : content
    const header = encodeHeader(key, payload, { codec, sizeBytes, storedAtMs })
    await Promise.all([this.#disk?.write(key, header, payload, storedAtMs), shared?.write(key, header, payload)])
  }

  async #compressed(bytes: Uint8Array) {
    const { codec, payload } = await compressSlice(bytes, this.#compression)
    this.#savedBytes += bytes.byteLength - payload.byteLength
    return { codec, payload, sizeBytes: bytes.byteLength }
  }

  #removeExpired(): void {
    this.#memory.purgeExpired()
    void this.#disk?.removeExpired()
  }
}

const NOTHING: Promise<null> = Promise.resolve(null)
