import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../server/log.ts'
import { openTieredCache, type TieredCacheOptions } from './open-tiered-cache.ts'
import { bytesOf, keyOf, ORIGINS, PATIENT, recordOf } from './testing/slices.ts'
import type { TieredCache } from './tiered-cache.ts'

let parent: string
const open: TieredCache[] = []

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-tiers-'))
})
afterEach(async () => {
  for (const cache of open.splice(0)) await cache.close()
  rmSync(parent, { recursive: true, force: true })
})

async function openCache(over: Partial<TieredCacheOptions> = {}): Promise<TieredCache> {
  const cache = await openTieredCache({
    memoryBytes: 100_000,
    ttlMs: 60_000,
    writeQueue: 5,
    disk: { parent, maxBytes: 1_000_000 },
    redisUrl: null,
    log: createLog('engine', 'silent'),
    ...over,
  })
  open.push(cache)
  await cache.ready
  return cache
}

async function put(cache: TieredCache, key: Parameters<TieredCache['put']>[0], length = 64): Promise<void> {
  cache.put(key, bytesOf(key, length))
  await cache.written()
}

it('finds a slice in memory at once, and on disk after a restart, which puts it into memory again', async () => {
  const first = await openCache()
  const key = keyOf('film', 0)
  await put(first, key)
  expect(first.peek(key)).toEqual(bytesOf(key))
  await first.close()
  const cache = await openCache()
  expect(cache.peek(key)).toBeNull()
  expect(await cache.get(key, PATIENT)).toMatchObject({ tier: 'disk' })
  expect(cache.peek(key)).toEqual(Buffer.from(bytesOf(key)))
  expect(await cache.get(keyOf('film', 1), PATIENT)).toBeNull()
  expect(cache.stats()).toMatchObject({ memoryHits: 0, diskHits: 0, misses: 0, hitBytes: 0 })
})

it('counts what readers are handed, by tier and by object, and no look', async () => {
  const cache = await openCache()
  const key = keyOf('film', 0)
  await put(cache, key)
  cache.saveRecord(recordOf('film'))
  cache.peek(key)
  await cache.get(key, PATIENT)
  cache.inMemory.get(key)
  expect(cache.take(key, 63)).toBeNull()
  expect(cache.stats()).toMatchObject({ memoryHits: 0, misses: 0, hitBytes: 0 })
  expect(cache.take(key, 64)).toEqual(bytesOf(key))
  for (const tier of ['disk', 'shared', null] as const) cache.handed(key, 64, tier)
  expect(cache.stats()).toMatchObject({ memoryHits: 1, diskHits: 1, sharedHits: 1, misses: 1, hitBytes: 192 })
  expect(cache.objects({ limit: 1 }).items).toMatchObject([{ hits: 3 }])
})

it('reads a slice from disk once for all who miss it at the same time', async () => {
  const first = await openCache()
  const key = keyOf('film', 0)
  await put(first, key)
  await first.close()
  const cache = await openCache()
  const found = await Promise.all(Array.from({ length: 50 }, () => cache.get(key, PATIENT)))
  expect(new Set(found.map((slice) => slice?.bytes)).size).toBe(1)
})

it('gives up waiting when the signal aborts, and what was read is there for the next', async () => {
  const first = await openCache()
  const key = keyOf('film', 0)
  await put(first, key)
  await first.close()
  const cache = await openCache()
  const abort = new AbortController()
  const waiting = cache.get(key, abort.signal)
  abort.abort(new Error('the reader went away'))
  await expect(waiting).rejects.toThrow('the reader went away')
  expect(await cache.get(key, PATIENT)).not.toBeNull()
  expect(cache.stats().misses).toBe(0)
})

it('never waits for the disk: a burst is written as there is room in the queue, all of it where memory holds it', async () => {
  const first = await openCache({ writeQueue: 1 })
  const keys = Array.from({ length: 40 }, (_, n) => keyOf('film', n))
  for (const key of keys) first.put(key, bytesOf(key))
  expect(first.stats()).toMatchObject({ writeQueueDepth: 1, writeQueueLimit: 1, writesDropped: 0 })
  await first.written()
  expect(first.stats()).toMatchObject({ writeQueueDepth: 0, writesDropped: 0, disk: { slices: 40 } })
  const cache = await openCacheAgain(first)
  for (const key of keys) expect((await cache.get(key, PATIENT))?.bytes).toEqual(Buffer.from(bytesOf(key)))
})

it('leaves out of a burst what memory cannot hold until its turn, and counts it', async () => {
  const cache = await openCache({ writeQueue: 1, memoryBytes: 3 * 600 })
  const keys = Array.from({ length: 40 }, (_, n) => keyOf('film', n))
  for (const key of keys) cache.put(key, bytesOf(key))
  await cache.written()
  const { writesDropped, disk } = cache.stats()
  expect(writesDropped).toBeGreaterThan(0)
  expect(writesDropped + (disk?.slices ?? 0)).toBe(40)
})

it('keeps slices compressed on disk where that pays, and gives back the very bytes', async () => {
  const first = await openCache({ compression: 'zstd' })
  const key = keyOf('film', 0)
  const text = Buffer.from('a line of a log that repeats\n'.repeat(3_000))
  first.put(key, text)
  await first.written()
  const { disk, compressionSavedBytes } = first.stats()
  expect(disk?.bytes).toBeLessThan(text.byteLength / 5)
  expect(compressionSavedBytes).toBeGreaterThan(text.byteLength / 2)
  await first.close()
  // Another setting reads what the old one wrote.
  const cache = await openCache()
  expect((await cache.get(key, PATIENT))?.bytes).toEqual(text)
})

it('keeps records over a restart, and of an object always the latest', async () => {
  const first = await openCache()
  for (const etag of ['a', 'b', 'c']) first.saveRecord(recordOf('film', { etag }))
  await first.written()
  await first.close()
  const cache = await openCache({ disk: { parent, maxBytes: 1_000_000 } })
  const { objectId } = keyOf('film', 0)
  expect(await cache.loadRecord(objectId, PATIENT)).toEqual(recordOf('film', { etag: 'c' }))
  expect(cache.record(objectId)).toEqual(recordOf('film', { etag: 'c' }))
  expect(await cache.loadRecord(keyOf('none', 0).objectId, PATIENT)).toBeNull()
})

describe('over a restart', () => {
  afterEach(() => void vi.useRealTimers())
  const usesFile = () => join(parent, '0', 'uses')
  const object = (cache: TieredCache) => cache.objects({ limit: 1 }).items[0]

  it('an object keeps its hits and the time of its last use', async () => {
    // Later than any time that a file has.
    const usedAtMs = Date.now() + 86_400_000
    vi.useFakeTimers({ toFake: ['Date'], now: usedAtMs })
    const first = await openCache()
    const key = keyOf('film', 0)
    await put(first, key)
    first.saveRecord(recordOf('film'))
    for (let reader = 0; reader < 3; reader++) first.take(key, 64)
    await first.written()
    for (const laterMs of [10_000, 20_000]) {
      vi.setSystemTime(usedAtMs + laterMs)
      const again = await openCacheAgain(open.at(-1) ?? first)
      expect(object(again)).toMatchObject({ hits: 3, lastAccessAtMs: usedAtMs })
    }
    const last = open.at(-1) ?? first
    await last.get(key, PATIENT)
    last.handed(key, 64, 'disk')
    expect(object(last)).toMatchObject({ hits: 4, lastAccessAtMs: usedAtMs + 20_000 })
  })

  it('one whose uses were lost shows what its files do, and looking through them is no use', async () => {
    const first = await openCache()
    const key = keyOf('film', 0)
    await put(first, key)
    first.saveRecord(recordOf('film'))
    await first.written()
    await first.close()
    const files = readdirSync(join(parent, '0'), { recursive: true, encoding: 'utf8' })
    const slice = join(parent, '0', files.find((name) => name.endsWith('.slice')) ?? '')
    const usedAtMs = Math.floor(Date.now() / 1000) * 1000 - 3_000_000
    utimesSync(slice, new Date(usedAtMs), new Date(usedAtMs))
    for (const lost of ['', '{"torn', '[1]']) {
      writeFileSync(usesFile(), lost)
      const again = await openCache()
      expect(object(again)).toMatchObject({ hits: 0, lastAccessAtMs: usedAtMs })
      await again.close()
    }
  })
})

it('drops slices of other versions from all tiers and keeps those of the named one', async () => {
  const cache = await openCache()
  const old = keyOf('film', 5, { etag: 'old' })
  const now = keyOf('film', 5, { etag: 'new' })
  await put(cache, old)
  await put(cache, now)
  cache.dropOtherVersions(now.objectId, now.version)
  expect(cache.peek(old)).toBeNull()
  await expect.poll(() => cache.stats().disk?.slices).toBe(1)
  expect(await cache.get(old, PATIENT)).toBeNull()
  expect(cache.peek(now)).not.toBeNull()
})

it.each([
  ['one object', () => ({ objectId: keyOf('film', 0).objectId }), ['other', 'book']],
  ['an origin', () => ({ originId: ORIGINS.films }), ['book']],
  ['everything', () => 'all' as const, [] as string[]],
])('a purge of %s is complete where slices have gaps, and tells what went (case 48)', async (_, target, left) => {
  const cache = await openCache()
  const files = { film: [0, 3, 900], other: [2], book: [7] }
  const origin = (file: string) => ({ origin: file === 'book' ? ('books' as const) : ('films' as const) })
  for (const [file, indices] of Object.entries(files))
    for (const index of indices) await put(cache, keyOf(file, index, origin(file)))
  cache.saveRecord(recordOf('film'))
  await cache.written()
  const gone = Object.entries(files).flatMap(([file, indices]) => (left.includes(file) ? [] : indices)).length
  expect(await cache.purge(target())).toEqual({ slices: gone, bytes: gone * (72 + 64) })
  for (const [file, indices] of Object.entries(files))
    for (const index of indices)
      expect((await cache.get(keyOf(file, index, origin(file)), PATIENT)) !== null, `${file} ${index}`).toBe(
        left.includes(file),
      )
  expect(cache.record(keyOf('film', 0).objectId)).toBeNull()
  expect(await cache.loadRecord(keyOf('film', 0).objectId, PATIENT)).toBeNull()
  const after = await openCacheAgain(cache)
  expect(after.stats().disk?.slices).toBe(left.length)
})

async function openCacheAgain(cache: TieredCache, over: Partial<TieredCacheOptions> = {}): Promise<TieredCache> {
  await cache.close()
  return openCache(over)
}

it('does not keep what was being read from disk while a purge ran', async () => {
  const first = await openCache()
  const key = keyOf('film', 0)
  await put(first, key)
  const cache = await openCacheAgain(first)
  const reading = cache.get(key, PATIENT)
  await cache.purge('all')
  await reading
  expect(cache.peek(key)).toBeNull()
  expect(await cache.get(key, PATIENT)).toBeNull()
})

it('does not write after a purge what was queued before it', async () => {
  const cache = await openCache()
  for (let n = 0; n < 20; n++) cache.put(keyOf('film', n), bytesOf(keyOf('film', n)))
  await cache.purge('all')
  await cache.written()
  expect(cache.stats()).toMatchObject({ memory: { slices: 0 }, disk: { slices: 0 } })
})

it('gives the turn to fetch to everybody where no tier is shared', async () => {
  const cache = await openCache()
  const turn = await cache.claimFetch(keyOf('film', 0), { leaseMs: 1_000, waitMs: 1_000 }, PATIENT)
  expect(turn.slice).toBeNull()
  turn.claim?.release()
})

it('goes on without a disk tier where its folder cannot be made', async () => {
  const cache = await openCache({ disk: { parent: '/dev/null/nothing', maxBytes: 1_000_000 } })
  await put(cache, keyOf('film', 0))
  expect(cache.peek(keyOf('film', 0))).not.toBeNull()
  expect(cache.stats().disk).toBeNull()
})

type Step =
  | { do: 'put' | 'get'; file: number; index: number }
  | { do: 'purge'; file: number }
  | { do: 'purge-all' | 'restart' }

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'get' as const), file: fc.nat(2), index: fc.nat(4) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const), file: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('purge-all' as const, 'restart' as const) }) },
  ),
  { maxLength: 60 },
)

it('has, after any sequence of steps, never anything that a plain Map would not have, and never other bytes', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence: Step[]) => {
      rmSync(parent, { recursive: true, force: true })
      // So small that slices go from memory, and now and then from disk, in the middle of it.
      const small = { memoryBytes: 3 * 600, disk: { parent, maxBytes: 8 * 136 } }
      let cache = await openCache(small)
      const map = new Map<string, Uint8Array>()
      const forget = (file: number) => {
        for (const name of [...map.keys()]) if (name.startsWith(`${file}/`)) map.delete(name)
      }
      for (const step of sequence) {
        if (step.do === 'put') {
          const key = keyOf(String(step.file), step.index)
          await put(cache, key)
          map.set(`${step.file}/${step.index}`, bytesOf(key))
          expect(cache.peek(key)).toEqual(bytesOf(key))
        } else if (step.do === 'get') {
          const found = await cache.get(keyOf(String(step.file), step.index), PATIENT)
          if (found) expect(Buffer.from(found.bytes)).toEqual(Buffer.from(map.get(`${step.file}/${step.index}`) ?? []))
        } else if (step.do === 'purge') {
          await cache.purge({ objectId: keyOf(String(step.file), 0).objectId })
          forget(step.file)
        } else if (step.do === 'purge-all') {
          await cache.purge('all')
          map.clear()
        } else cache = await openCacheAgain(cache, small)
        const { memory, disk } = cache.stats()
        expect(memory.bytes).toBeLessThanOrEqual(memory.maxBytes)
        expect(disk?.bytes).toBeLessThanOrEqual(disk?.maxBytes ?? 0)
      }
      await cache.close()
    }),
    { numRuns: 25 },
  )
})
