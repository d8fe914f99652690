import type { CacheStats } from '../../../server/domain/cache.ts'
import type { ObjectRecord, SliceCache, SliceKey } from '../../cache/slice-cache.ts'

/** What several plain caches share: slices, and who may fetch which. */
export interface PlainShared {
  readonly slices: Map<string, Uint8Array>
  readonly leases: Map<string, Promise<void>>
}

/** A slice cache of a Map, for tests of what uses one. `maxSlices`: the oldest go first. `shared`: a tier others have too. */
export interface PlainCache extends SliceCache {
  readonly slices: ReadonlyMap<string, Uint8Array>
  readonly records: ReadonlyMap<string, ObjectRecord>
}

export function createPlainCache(
  options: { readonly maxSlices?: number; readonly shared?: PlainShared } = {},
): PlainCache {
  const slices = new Map<string, Uint8Array>()
  const records = new Map<string, ObjectRecord>()
  const nameOf = ({ objectId, version, index }: SliceKey) => `${objectId} ${version} ${index}`
  const drop = (matches: (name: string) => boolean) => {
    let removed = 0
    let bytes = 0
    for (const [name, slice] of slices) {
      if (!matches(name)) continue
      slices.delete(name)
      removed++
      bytes += slice.byteLength
    }
    return { slices: removed, bytes }
  }
  return {
    slices,
    records,
    peek: (key) => slices.get(nameOf(key)) ?? null,
    has: (key) => slices.has(nameOf(key)),
    take: (key, lengthBytes) => {
      const bytes = slices.get(nameOf(key))
      return bytes?.byteLength === lengthBytes ? bytes : null
    },
    handed: () => undefined,
    async get(key) {
      const bytes = slices.get(nameOf(key)) ?? options.shared?.slices.get(nameOf(key))
      return bytes ? { bytes, tier: 'memory' } : null
    },
    put(key, bytes) {
      slices.set(nameOf(key), bytes)
      options.shared?.slices.set(nameOf(key), bytes)
      const [oldest] = slices.keys()
      if (slices.size > (options.maxSlices ?? Number.POSITIVE_INFINITY) && oldest) slices.delete(oldest)
    },
    async claimFetch(key) {
      const name = nameOf(key)
      for (let lease = options.shared?.leases.get(name); lease; lease = options.shared?.leases.get(name)) await lease
      const bytes = options.shared?.slices.get(name)
      if (bytes) return { slice: { bytes, tier: 'shared' }, claim: null }
      const { promise, resolve } = Promise.withResolvers<void>()
      options.shared?.leases.set(name, promise)
      const release = () => {
        options.shared?.leases.delete(name)
        resolve()
      }
      return { slice: null, claim: { release } }
    },
    record: (objectId) => records.get(objectId) ?? null,
    loadRecord: async (objectId) => records.get(objectId) ?? null,
    saveRecord: (record) => void records.set(record.objectId, record),
    dropOtherVersions: (objectId, version) =>
      void drop((name) => name.startsWith(`${objectId} `) && !name.startsWith(`${objectId} ${version} `)),
    async purge(target) {
      if (target === 'all') {
        records.clear()
        return drop(() => true)
      }
      const isMeant = (objectId: string) =>
        'objectId' in target ? objectId === target.objectId : records.get(objectId)?.originId === target.originId
      const removed = drop((name) => isMeant(name.split(' ')[0] ?? ''))
      for (const objectId of [...records.keys()]) if (isMeant(objectId)) records.delete(objectId)
      return removed
    },
    stats: () => ({}) as CacheStats,
    objects: () => ({ items: [], nextCursor: null, total: 0 }),
    close: async () => undefined,
  }
}
