import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLog } from '../../server/log.ts'
import { openTieredCache } from '../cache/open-tiered-cache.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

// A slice is counted once for each reader that is handed it: a hit where it was there, a miss where it had to be fetched.

const SLICES = 24
const SIZE = SLICES * SLICE

let parent: string
let cache: TieredCache
let fixture: RangeFixture
beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-hits-'))
  await open()
})
afterEach(async () => {
  await close()
  rmSync(parent, { recursive: true, force: true })
})

async function openCache(memoryBytes = 100_000_000): Promise<TieredCache> {
  const opened = await openTieredCache({
    memoryBytes,
    ttlMs: 600_000,
    writeQueue: 5,
    disk: { parent, maxBytes: 100_000_000 },
    redisUrl: null,
    log: createLog('engine', 'silent'),
  })
  await opened.ready
  return opened
}

async function open(memoryBytes?: number): Promise<void> {
  cache = await openCache(memoryBytes)
  // Nothing is known of the file, and that is found out before the origin answers, however busy the machine is.
  vi.spyOn(cache, 'loadRecord').mockResolvedValueOnce(null)
  fixture = await openRangeFixture({ cache })
  fixture.serve('/a', { sizeBytes: SIZE })
}

async function close(): Promise<void> {
  await fixture.close()
  await cache.close()
}

function counted() {
  const { memoryHits, diskHits, sharedHits, misses, hitBytes } = cache.stats()
  const hits = cache.objects({ limit: 1 }).items[0]?.hits
  return { memoryHits, diskHits, sharedHits, misses, hitBytes, hits }
}

const read = async (range?: string) => {
  const { status } = await fixture.get('/a', range ? { range } : {})
  expect(status).toBe(range ? 206 : 200)
}

test('a cold read counts a miss for each slice, and a warm one a hit', async () => {
  await read()
  const cold = { memoryHits: 0, diskHits: 0, sharedHits: 0, misses: SLICES, hitBytes: 0, hits: 0 }
  expect(counted()).toEqual(cold)
  await read()
  expect(counted()).toEqual({ ...cold, memoryHits: SLICES, hits: SLICES, hitBytes: SIZE })
  // One slice is answered on a shorter way, and several ranges on a longer one.
  await read('bytes=0-9')
  await read(`bytes=0-9,${5 * SLICE}-${7 * SLICE - 1}`)
  const more = SLICES + 1 + 3
  expect(counted()).toEqual({ ...cold, memoryHits: more, hits: more, hitBytes: more * SLICE })
})

test('what came before the reader who asked was there to take it is a miss of that reader', async () => {
  const found = Promise.withResolvers<null>()
  vi.mocked(cache.loadRecord).mockReset().mockReturnValueOnce(found.promise)
  const reading = read()
  // Asked of the cache: the source has nothing more to say once its answer is on its way.
  await expect.poll(() => cache.stats().memory.slices).toBeGreaterThan(0)
  found.resolve(null)
  await reading
  expect(counted()).toMatchObject({ memoryHits: 0, diskHits: 0, misses: SLICES })
})

test('a file that is half there counts one half as hits and the other as misses', async () => {
  await read(`bytes=0-${(SLICES / 2) * SLICE - 1}`)
  expect(counted()).toMatchObject({ memoryHits: 0, misses: SLICES / 2 })
  await read()
  expect(counted()).toMatchObject({ memoryHits: SLICES / 2, misses: SLICES, hits: SLICES / 2 })
})

test('readers at the same time are each counted once a slice', async () => {
  const readers = 8
  await Promise.all(Array.from({ length: readers }, () => read()))
  const { memoryHits, misses, diskHits } = counted()
  expect(memoryHits + diskHits + misses).toBe(readers * SLICES)
  expect(misses).toBeGreaterThanOrEqual(SLICES)
})

test('what is only on disk is a hit of the disk, and of the object', async () => {
  await read()
  await cache.written()
  await cache.close()
  cache = await openCache()
  const second = await openRangeFixture({ cache, origin: { baseUrl: fixture.hostile.origin } })
  expect((await second.get('/a')).body.length).toBe(SIZE)
  expect(counted()).toMatchObject({ memoryHits: 0, diskHits: SLICES, misses: 0, hitBytes: SIZE, hits: SLICES })
  expect((await second.get('/a')).body.length).toBe(SIZE)
  expect(counted()).toMatchObject({ memoryHits: SLICES, diskHits: SLICES, misses: 0, hits: 2 * SLICES })
  await second.close()
})

test('a cache with room for few slices counts each once too', async () => {
  await close()
  rmSync(parent, { recursive: true, force: true })
  await open(4 * (SLICE + 512))
  await read()
  await read()
  const { memoryHits, diskHits, misses } = counted()
  expect(memoryHits + diskHits + misses).toBe(2 * SLICES)
})
