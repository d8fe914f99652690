import type { CacheObjectPage, CacheStats, PurgeTarget } from '../../server/domain/cache.ts'

// The slice cache: slices of published origins and of sources, in up to three tiers. Memory is asked first and costs a lookup;
// then the disk of this engine, then the tier that engines share. What is found below is kept above. The cache is only ever a
// shortcut: whatever goes wrong in it (a full disk, a torn file, Redis away) is a miss and a counter, never an error of a reader.
//
// Slices are indexed by object and version, so that a change or a purge removes all of them, whatever holes there are.
// Objects and versions are named by slice-key.ts; nothing of a URL or a credential is in a key.

/** One slice: the unit of caching. `objectId` and `version` are those of slice-key.ts. */
export interface SliceKey {
  readonly objectId: string
  readonly version: string
  /** The slice covers the bytes `[index * sliceSizeBytes, (index + 1) * sliceSizeBytes)`. */
  readonly index: number
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** Everything that is known of an object but its bytes. Plain JSON: it is kept on disk and in the shared tier as it is. */
export interface ObjectRecord {
  readonly objectId: string
  /** The id of the published origin; null for a source of transfers alone. */
  readonly originId: string | null
  /** Name of the origin, or the host of a source. */
  readonly originName: string
  /** The path and query as they may be shown: no secrets (domain/redact.ts). */
  readonly path: string
  readonly version: string
  /** Null while the origin has not said it. */
  readonly sizeBytes: number | null
  readonly sliceSizeBytes: number
  readonly etag: string | null
  readonly lastModified: string | null
  /** Header fields of the origin that are passed on to readers, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** The range server's: when this has to be revalidated. The cache keeps it and does not look into it. */
  readonly freshness: JsonValue
  /** Milliseconds since 1970. */
  readonly storedAtMs: number
}

/** Where a slice was found. */
export type CacheTier = 'memory' | 'disk' | 'shared'

export interface CachedSlice {
  readonly bytes: Uint8Array
  readonly tier: CacheTier
}

/**
 * The right to fetch a slice from its origin, taken among all engines that share a tier. End it with `release` in any case: after a
 * `put` of that slice it stays held until the slice is in the shared tier (or was dropped), without one it ends at once.
 */
export interface FetchClaim {
  release(): void
}

/** What `claimFetch` found: another engine's slice, or that it is on the caller to fetch it. */
export type FetchTurn =
  | { readonly slice: CachedSlice; readonly claim: null }
  | { readonly slice: null; readonly claim: FetchClaim }

/** What a purge removed from this engine's tiers. */
export interface Removed {
  readonly slices: number
  readonly bytes: number
}

/** What whoever fetches slices needs of a cache; without `take` and `handed` where those who are served are no readers. */
export type SliceStore = Pick<SliceCache, 'peek' | 'get' | 'put' | 'claimFetch'> &
  Partial<Pick<SliceCache, 'take' | 'handed'>>

export interface SliceCache {
  /** The slice where it is in memory; about the cost of a Map lookup. Counts nothing. */
  peek(key: SliceKey): Uint8Array | null
  /** Whether memory or disk of this engine have the slice; a lookup in what is known of them, which counts nothing. */
  has(key: SliceKey): boolean
  /** The slice for a reader, where it is in memory and of this length: `peek` that counts a hit. */
  take(key: SliceKey, lengthBytes: number): Uint8Array | null
  /**
   * Counts a slice that a reader was handed without `take`: a hit of the tier it was in, or a miss where it had to be fetched. So hits and
   * misses together are the slices that readers were handed.
   */
  handed(key: SliceKey, lengthBytes: number, foundIn: CacheTier | null): void
  /**
   * The slice from any tier, or null. What is found on disk or in the shared tier is kept in memory too. Counts nothing. Never rejects but
   * with the signal's reason. The bytes are shared: never write to them.
   */
  get(key: SliceKey, signal: AbortSignal): Promise<CachedSlice | null>
  /**
   * Keeps a whole slice. In memory at once; disk and shared tier follow through a bounded queue, and are left out where memory
   * has let go of it before its turn. Never blocks, never throws. The bytes are kept as they are: the caller gives them away and does not write to them again.
   */
  put(key: SliceKey, bytes: Uint8Array): void
  /** Looks up the shared tier, and says whose turn it is to fetch. At once a claim where no tier is shared or it is away. */
  claimFetch(
    key: SliceKey,
    options: { readonly leaseMs: number; readonly waitMs: number },
    signal: AbortSignal,
  ): Promise<FetchTurn>

  /** The record where it is in memory; costs a lookup. */
  record(objectId: string): ObjectRecord | null
  /** The record from any tier, or null; kept in memory then. Never rejects but with the signal's reason. */
  loadRecord(objectId: string, signal: AbortSignal): Promise<ObjectRecord | null>
  /** Keeps the record in all tiers, over an older one. Slices of other versions stay until `dropOtherVersions`. */
  saveRecord(record: ObjectRecord): void

  /** Removes all slices of the object that are not of this version, in all tiers. In memory at once, elsewhere soon. */
  dropOtherVersions(objectId: string, version: string): void
  /** Removes all there is of an object, of an origin, or everything. Complete where slices have gaps and records are lost. */
  purge(target: PurgeTarget): Promise<Removed>

  stats(): CacheStats
  /** Objects of the memory and disk tier of this engine, the latest used first, and which slices of each are there. */
  objects(query: { readonly search?: string; readonly cursor?: string; readonly limit: number }): CacheObjectPage
  /** Writes what is queued (within a bound) and closes files and connections. */
  close(): Promise<void>
}
