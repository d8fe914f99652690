import type { CacheObject, CacheObjectPage, SliceRuns } from '../../server/domain/cache.ts'
import type { ObjectRecord, SliceKey } from './slice-cache.ts'
import { SCOPE_LENGTH } from './slice-key.ts'

/** Records of objects that have no slice in a tier of this engine; the longest unused go first. */
const MAX_EMPTY_OBJECTS = 10_000

/** What readers had of an object. */
export interface ObjectUse {
  /** Slices they were handed out of the cache. */
  readonly hits: number
  readonly lastAccessAtMs: number
}

/** What this engine has of one object: the one place where slices are found by object, whatever holes there are. */
export interface IndexedObject {
  readonly objectId: string
  record: ObjectRecord | null
  hits: number
  lastAccessAtMs: number
  /** By version and index; lengths in bytes, on disk those of the file. */
  readonly memory: Map<string, Map<number, number>>
  readonly disk: Map<string, Map<number, number>>
}

/** The objects of memory and disk tier, by id. */
export class ObjectIndex {
  readonly #objects = new Map<string, IndexedObject>()
  /** Ids of objects without slices, the longest unused first. */
  readonly #empty = new Set<string>()
  readonly #onForgotten: (objectId: string) => void

  /** `onForgotten`: told of objects whose records went because there were too many without slices. */
  constructor(onForgotten: (objectId: string) => void = () => {}) {
    this.#onForgotten = onForgotten
  }

  get size(): number {
    return this.#objects.size
  }

  get(objectId: string): IndexedObject | undefined {
    return this.#objects.get(objectId)
  }

  /** The object, made where there is none. */
  of(objectId: string): IndexedObject {
    let object = this.#objects.get(objectId)
    if (object) return object
    object = { objectId, record: null, hits: 0, lastAccessAtMs: Date.now(), memory: new Map(), disk: new Map() }
    this.#objects.set(objectId, object)
    this.#keepAsEmpty(objectId)
    return object
  }

  /** Counts on from what is known of an object from before this engine. One that is in use already keeps its own time. */
  remember(objectId: string, { hits, lastAccessAtMs }: ObjectUse): void {
    const isInUse = this.#objects.has(objectId)
    const object = this.of(objectId)
    object.hits += hits
    if (!isInUse) object.lastAccessAtMs = lastAccessAtMs
  }

  /** All there are. */
  objects(): Iterable<IndexedObject> {
    return this.#objects.values()
  }

  add(tier: 'memory' | 'disk', key: SliceKey, bytes: number): IndexedObject {
    const object = this.of(key.objectId)
    const slices = object[tier].get(key.version)
    if (slices) slices.set(key.index, bytes)
    else object[tier].set(key.version, new Map([[key.index, bytes]]))
    this.#empty.delete(key.objectId)
    return object
  }

  remove(tier: 'memory' | 'disk', key: SliceKey): void {
    const object = this.#objects.get(key.objectId)
    const slices = object?.[tier].get(key.version)
    if (!object || !slices?.delete(key.index)) return
    if (slices.size === 0) object[tier].delete(key.version)
    if (object.memory.size === 0 && object.disk.size === 0) this.#keepAsEmpty(key.objectId)
  }

  /** True where one of the tiers has the slice. */
  has({ objectId, version, index }: SliceKey): boolean {
    const object = this.#objects.get(objectId)
    if (!object) return false
    return object.memory.get(version)?.has(index) === true || object.disk.get(version)?.has(index) === true
  }

  /** All slices of an object in a tier, or those of other versions than `keep`. */
  *slicesOf(objectId: string, tier: 'memory' | 'disk', keep?: string): Iterable<SliceKey> {
    for (const [version, slices] of [...(this.#objects.get(objectId)?.[tier] ?? [])])
      if (version !== keep) for (const index of [...slices.keys()]) yield { objectId, version, index }
  }

  /** What both tiers have of an object; a slice that is in both counts once, as it is on disk. */
  sizeOf(objectId: string): { slices: number; bytes: number } {
    const size = { slices: 0, bytes: 0 }
    const object = this.#objects.get(objectId)
    for (const slices of object?.disk.values() ?? [])
      for (const bytes of slices.values()) {
        size.slices++
        size.bytes += bytes
      }
    for (const [version, slices] of object?.memory ?? [])
      for (const [index, bytes] of slices) {
        if (object?.disk.get(version)?.has(index)) continue
        size.slices++
        size.bytes += bytes
      }
    return size
  }

  /** Ids that begin with the scope of an origin; all where it is null. */
  idsOf(scope: string | null): string[] {
    const ids = [...this.#objects.keys()]
    return scope === null ? ids : ids.filter((id) => id.slice(0, SCOPE_LENGTH) === scope)
  }

  /** Forgets the record too. The tiers have let go of the slices before. */
  forget(objectId: string): void {
    this.#objects.delete(objectId)
    this.#empty.delete(objectId)
  }

  /** A page of what people can be shown: objects with a record, the latest used first. `cursor` is how many to skip. */
  page(query: { readonly search?: string; readonly cursor?: string; readonly limit: number }): CacheObjectPage {
    const search = query.search?.toLowerCase() ?? ''
    const found: (IndexedObject & { record: ObjectRecord })[] = []
    for (const object of this.#objects.values())
      if (hasRecord(object) && `${object.record.originName}/${shownPath(object.record)}`.toLowerCase().includes(search))
        found.push(object)
    found.sort((a, b) => b.lastAccessAtMs - a.lastAccessAtMs || (a.objectId < b.objectId ? -1 : 1))
    const first = Number(query.cursor ?? 0) || 0
    const end = first + query.limit
    return {
      items: found.slice(first, end).map(describe),
      nextCursor: end < found.length ? String(end) : null,
      total: found.length,
    }
  }

  #keepAsEmpty(objectId: string): void {
    this.#empty.delete(objectId)
    this.#empty.add(objectId)
    if (this.#empty.size <= MAX_EMPTY_OBJECTS) return
    const [oldest] = this.#empty
    if (oldest === undefined) return
    this.forget(oldest)
    this.#onForgotten(oldest)
  }
}

function hasRecord(object: IndexedObject): object is IndexedObject & { record: ObjectRecord } {
  return object.record !== null
}

/** As it follows the origin's name and a slash. */
function shownPath({ path }: ObjectRecord): string {
  return path.replace(/^\/+/, '')
}

function describe({ record, ...object }: IndexedObject & { record: ObjectRecord }): CacheObject {
  const memory = object.memory.get(record.version)
  const disk = object.disk.get(record.version)
  const { objectId, originId, originName, sizeBytes, sliceSizeBytes, etag, lastModified, storedAtMs } = record
  let cachedBytes = 0
  for (const bytes of disk?.values() ?? []) cachedBytes += bytes
  for (const [index, bytes] of memory ?? []) if (!disk?.has(index)) cachedBytes += bytes
  return {
    objectId,
    originId,
    originName,
    path: shownPath(record),
    sizeBytes,
    sliceSizeBytes,
    etag,
    lastModified,
    cachedBytes,
    memory: runsOf(memory?.keys() ?? []),
    disk: runsOf(disk?.keys() ?? []),
    hits: object.hits,
    storedAtMs,
    lastAccessAtMs: object.lastAccessAtMs,
  }
}

/** Indices as runs of adjacent ones, `[first, afterLast)`, in order. */
export function runsOf(indices: Iterable<number>): SliceRuns {
  const runs: [number, number][] = []
  for (const index of [...indices].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && last[1] === index) last[1]++
    else runs.push([index, index + 1])
  }
  return runs
}
