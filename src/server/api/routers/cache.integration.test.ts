import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type ApiHarness, addEngine, failureOf, startApi } from '../../../../e2e/stack/api-harness.ts'
import { until } from '../../../../e2e/stack/until.ts'
import { openTieredCache } from '../../../engine/cache/open-tiered-cache.ts'
import { bytesOf, keyOf, ORIGINS, PATIENT, recordOf } from '../../../engine/cache/testing/slices.ts'
import type { TieredCache } from '../../../engine/cache/tiered-cache.ts'
import { CacheLoop } from '../../../engine/queue/cache-loop.ts'
import { addCacheSample } from '../../db/cache-samples.ts'

let harness: ApiHarness
let api: ApiHarness['api']
let folder: string
const ends: (() => Promise<void>)[] = []

beforeEach(async () => {
  harness = await startApi()
  api = harness.api
  folder = mkdtempSync(join(tmpdir(), 'sluice-cache-api-'))
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await harness.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What an engine has of the cache: the tiers, and the loop that does what people ask. `name` is that of its disk. */
async function startCache(name: string): Promise<{ cache: TieredCache; stop: () => Promise<void> }> {
  const { db, log, notifications } = harness.services
  const engineId = await addEngine(db)
  const disk = { parent: join(folder, name), maxBytes: 1_000_000 }
  const cache = await openTieredCache({
    memoryBytes: 1_000_000,
    ttlMs: 60_000,
    writeQueue: 9,
    disk,
    redisUrl: null,
    log,
  })
  await cache.ready
  const loop = new CacheLoop({ db, engineId, cache, log })
  const unsubscribe = notifications.subscribe('sluice_cache', () => loop.poke())
  loop.start()
  let isStopped = false
  const stop = async () => {
    if (isStopped) return
    isStopped = true
    unsubscribe()
    await loop.stop()
    await cache.close()
    await db.engine.update({ where: { id: engineId }, data: { stoppedAt: new Date() } })
  }
  ends.push(stop)
  return { cache, stop }
}

async function fill(cache: TieredCache): Promise<void> {
  cache.saveRecord(recordOf('film'))
  for (const key of [keyOf('film', 0), keyOf('film', 9), keyOf('book', 0, { origin: 'books' })]) {
    cache.put(key, bytesOf(key))
    await cache.written()
  }
}

/** Resolves when the loop has said in the disk's folder how far it is. */
function firstMark(cache: TieredCache): Promise<unknown> {
  return until('the first mark', async () => (await cache.purgedTiers[0]?.purgedUpTo()) !== null)
}

/** While it is asked, the clock stands still: engines have the few seconds they are given however long the machine takes. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  try {
    return await ask()
  } finally {
    clock.mockRestore()
  }
}

it('purges every engine, waits for them, and tells what went', async () => {
  const a = await startCache('a')
  const b = await startCache('b')
  await fill(a.cache)
  await fill(b.cache)
  const purge = (target: Parameters<typeof api.cache.purge>[0]['target']) =>
    patiently(() => api.cache.purge({ target }))
  expect(await purge({ originId: ORIGINS.films })).toMatchObject({
    slices: 4,
    engines: 2,
    enginesWaiting: 0,
  })
  for (const { cache } of [a, b]) {
    expect(await cache.get(keyOf('film', 9), PATIENT)).toBeNull()
    expect(await cache.get(keyOf('book', 0, { origin: 'books' }), PATIENT)).not.toBeNull()
  }
  expect(await purge({ objectId: keyOf('book', 0, { origin: 'books' }).objectId })).toMatchObject({ slices: 2 })
  expect(await purge('all')).toMatchObject({ slices: 0, engines: 2 })
})

it('purges an engine that starts later with what it had on disk, in the order of the purges', async () => {
  const before = await startCache('a')
  await fill(before.cache)
  await firstMark(before.cache)
  await before.stop()
  const { id } = await api.cache.purge({ target: { originId: ORIGINS.films } })
  const after = await startCache('a')
  // Said in the disk's folder last, and it is applied once more where that is not said.
  await until('the purge to be applied', async () => (await after.cache.purgedTiers[0]?.purgedUpTo()) === BigInt(id))
  expect(await after.cache.get(keyOf('film', 0), PATIENT)).toBeNull()
  expect(await after.cache.get(keyOf('book', 0, { origin: 'books' }), PATIENT)).not.toBeNull()
  // Applied once: what is cached from now on stays, over a restart too.
  await fill(after.cache)
  await after.stop()
  const again = await startCache('a')
  await api.cache.purge({ target: { objectId: keyOf('something else', 0).objectId } })
  expect(await again.cache.get(keyOf('film', 0), PATIENT)).not.toBeNull()
})

it('empties a disk that missed purges nobody remembers, or that belongs to another database', async () => {
  const before = await startCache('a')
  await fill(before.cache)
  await firstMark(before.cache)
  await before.cache.purgedTiers[0]?.markPurged(4_711n)
  await before.stop()
  const after = await startCache('a')
  // The mark is written last.
  await until('the mark to be set back', async () => (await after.cache.purgedTiers[0]?.purgedUpTo()) === 0n)
  expect(after.cache.stats().disk?.slices).toBe(0)
})

it('lists the objects of all engines with their slices, and finds by path', async () => {
  const a = await startCache('a')
  const b = await startCache('b')
  await fill(a.cache)
  b.cache.saveRecord(recordOf('film'))
  b.cache.put(keyOf('film', 1), bytesOf(keyOf('film', 1)))
  b.cache.saveRecord(recordOf('other.iso'))
  await b.cache.written()
  const objects = (asked: Parameters<typeof api.cache.objects>[0]) => patiently(() => api.cache.objects(asked))
  const page = await objects({ limit: 10 })
  expect(page).toMatchObject({ enginesSilent: 0, nextCursor: null })
  expect(page.items.map(({ path }) => path).sort()).toEqual(['film', 'other.iso'])
  expect(page.items.find(({ path }) => path === 'film')).toMatchObject({
    memory: [
      [0, 2],
      [9, 10],
    ],
    engines: expect.arrayContaining([expect.any(String), expect.any(String)]),
  })
  expect((await objects({ search: 'OTHER', limit: 10 })).items).toHaveLength(1)
  const first = await objects({ limit: 1 })
  expect(first.nextCursor).toBe('1')
  expect((await objects({ limit: 1, cursor: first.nextCursor })).items).toHaveLength(1)
  expect(await harness.db.engineQuestion.count()).toBe(0)
})

it('shows what each engine says and what was found in the last hour', async () => {
  const engineId = await addEngine(harness.db)
  const sample = { hits: 3, misses: 1, hitBytes: 300, storedBytes: 100, evictions: 2, memoryBytes: 10, diskBytes: 20 }
  await addCacheSample(harness.db, engineId, sample)
  await addCacheSample(harness.db, engineId, sample)
  const stats = await api.cache.stats()
  expect(stats.hitRate).toBe(0.75)
  expect(stats.history.steps).toHaveLength(60)
  expect(stats.history.steps.at(-1)).toMatchObject({ hits: 6, misses: 2, hitBytes: 600, evictions: 4 })
  // This engine is of a version that says nothing of a cache.
  expect(stats.engines).toEqual([])
})

it.each([[{ objectId: 'film' }], [{ originId: 'films' }], ['everything']])('refuses to purge %j', async (target) => {
  expect(await failureOf(api.cache.purge({ target: target as 'all' }))).toMatchObject({ code: 'invalid_input' })
})
