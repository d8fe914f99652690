import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DiskRead, DiskTier } from './disk.ts'
import { encodeHeader, openEntry } from './entry-format.ts'
import { ObjectIndex } from './object-index.ts'
import type { SharedTier } from './shared.ts'
import type { ObjectRecord, SliceKey } from './slice-cache.ts'
import { bytesOf, keyOf, PATIENT, recordOf } from './testing/slices.ts'
import { TieredCache } from './tiered-cache.ts'

// Purges beside reads and writes of the slower tiers, whose steps are taken one by one.

const key = keyOf('film', 0)
const object = { objectId: key.objectId }

/** What a tier read. */
function entryOf(of: SliceKey): DiskRead {
  const payload = Buffer.from(bytesOf(of))
  const header = encodeHeader(of, payload, { codec: 'none', sizeBytes: payload.byteLength, storedAtMs: Date.now() })
  return openEntry(Buffer.concat([header, payload]), of) as DiskRead
}

/** A slower tier that answers when the test says so. */
class SlowTier {
  readonly takesWrites = true
  readonly isUp = true
  readonly reads: ((entry: DiskRead | null) => void)[] = []
  readonly records: ((record: ObjectRecord | null) => void)[] = []
  readonly writes: (() => void)[] = []
  readonly purges: (() => void)[] = []
  readonly dropped: number[] = []
  read = () => new Promise<DiskRead | null>((resolve) => this.reads.push(resolve))
  readRecord = () => new Promise<ObjectRecord | null>((resolve) => this.records.push(resolve))
  write = () => new Promise<void>((resolve) => this.writes.push(resolve))
  purge = () => new Promise<void>((resolve) => this.purges.push(resolve))
  dropOtherVersions = async () => void this.dropped.push(this.writes.length)
  close = async () => undefined
}

/** Lets everything go on that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

let disk: SlowTier
let shared: SlowTier
let cache: TieredCache
const open = (tiers: { disk?: boolean; shared?: boolean }) => {
  cache = new TieredCache(
    { memoryBytes: 1_000_000, ttlMs: 60_000, writeQueue: 5 },
    new ObjectIndex(),
    tiers.disk ? (disk as unknown as DiskTier) : null,
    tiers.shared ? (shared as unknown as SharedTier) : null,
  )
}
beforeEach(() => {
  disk = new SlowTier()
  shared = new SlowTier()
})
afterEach(async () => {
  for (const write of [...disk.writes, ...shared.writes]) write()
  await cache.close()
})

describe('what a purge meets under way is answered and not kept', () => {
  it('a read of the disk that began before it, while a write held it up', async () => {
    open({ disk: true })
    cache.put(keyOf('other', 0), bytesOf(keyOf('other', 0)))
    await settle()
    const purging = cache.purge(object)
    const reading = cache.get(key, PATIENT)
    disk.writes[0]?.()
    await settle()
    disk.purges[0]?.()
    await purging
    disk.reads[0]?.(entryOf(key))
    expect(await reading).toMatchObject({ tier: 'disk' })
    expect(cache.peek(key)).toBeNull()
  })

  it('a read of the disk that begins and ends while its folder is on its way', async () => {
    open({ disk: true })
    const purging = cache.purge(object)
    await settle()
    const reading = cache.get(key, PATIENT)
    disk.reads[0]?.(entryOf(key))
    await reading
    disk.purges[0]?.()
    await purging
    expect(cache.peek(key)).toBeNull()
  })

  it('a read of the shared tier before that was purged too', async () => {
    open({ shared: true })
    const purging = cache.purge(object)
    await settle()
    const reading = cache.get(key, PATIENT)
    await settle()
    shared.reads[0]?.(entryOf(key))
    await reading
    shared.purges[0]?.()
    await purging
    expect(cache.peek(key)).toBeNull()
  })

  it('a record', async () => {
    open({ disk: true })
    const loading = cache.loadRecord(key.objectId, PATIENT)
    await settle()
    const purging = cache.purge(object)
    await settle()
    disk.purges[0]?.()
    await purging
    disk.records[0]?.(recordOf('film'))
    expect(await loading).toBeNull()
    expect(cache.record(key.objectId)).toBeNull()
  })
})

it('who asks after a purge is not given what was being read before it', async () => {
  open({ disk: true })
  const before = cache.get(key, PATIENT)
  await settle()
  const purging = cache.purge(object)
  await settle()
  disk.purges[0]?.()
  await purging
  const after = cache.get(key, PATIENT)
  await settle()
  expect(disk.reads).toHaveLength(2)
  disk.reads[0]?.(entryOf(key))
  disk.reads[1]?.(null)
  expect(await before).not.toBeNull()
  expect(await after).toBeNull()
})

it('slices of another version that are being written are waited for before they are dropped', async () => {
  open({ disk: true })
  const old = keyOf('film', 0, { etag: 'old' })
  cache.put(old, bytesOf(old))
  await settle()
  expect(disk.writes).toHaveLength(1)
  cache.dropOtherVersions(key.objectId, key.version)
  await settle()
  expect(disk.dropped).toEqual([])
  disk.writes[0]?.()
  await settle()
  expect(disk.dropped).toHaveLength(1)
})

it('slices of another version that wait to be written are left out', async () => {
  open({ disk: true })
  const keys = [0, 1, 2, 3].map((index) => keyOf('film', index, { etag: 'old' }))
  for (const each of keys) cache.put(each, bytesOf(each))
  await settle()
  expect(disk.writes).toHaveLength(2)
  cache.dropOtherVersions(key.objectId, key.version)
  for (const write of disk.writes) write()
  await cache.written()
  expect(disk.writes).toHaveLength(2)
})
