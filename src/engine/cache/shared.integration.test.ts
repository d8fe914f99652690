import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { REDIS_PASSWORD, type RunningRedis, redisMissing, startRedis } from '../../../e2e/stack/redis.ts'
import { until } from '../../../e2e/stack/until.ts'
import { openTieredCache, type TieredCacheOptions } from './open-tiered-cache.ts'
import { bytesOf, keyOf, ORIGINS, PATIENT, recordOf } from './testing/slices.ts'
import type { TieredCache } from './tiered-cache.ts'

let redis: RunningRedis
const open: TieredCache[] = []
const logged: string[] = []
const log = pino({ level: 'trace' }, new Writable({ write: (line, _, done) => done(void logged.push(String(line))) }))

/** An engine's cache: memory and the shared tier, as two engines on two machines have it. */
async function openEngine(over: Partial<TieredCacheOptions> = {}): Promise<TieredCache> {
  const cache = await openTieredCache({
    memoryBytes: 10_000_000,
    ttlMs: 60_000,
    writeQueue: 5,
    disk: null,
    redisUrl: redis.url,
    // A Redis that answers late is one that answers, unless a test is of one that does not.
    commandTimeoutMs: 60_000,
    log,
    ...over,
  })
  open.push(cache)
  return cache
}

const isReady = (cache: TieredCache) => async () => {
  await cache.get(keyOf('wakes it up', 0), PATIENT)
  return cache.stats().shared?.state === 'ready'
}

async function openReady(over: Partial<TieredCacheOptions> = {}): Promise<TieredCache> {
  const cache = await openEngine(over)
  await until('the shared tier to be connected', isReady(cache))
  return cache
}

async function put(cache: TieredCache, key: ReturnType<typeof keyOf>, length = 64): Promise<void> {
  cache.put(key, bytesOf(key, length))
  await cache.written()
}

const LEASE = { leaseMs: 100_000, waitMs: 200_000 }

describe.skipIf(redisMissing !== null)(`the shared tier ${redisMissing ?? ''}`, () => {
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.close())
  beforeEach(async () => {
    const client = await createClient({ url: redis.url }).connect()
    await client.flushAll()
    client.destroy()
  })
  afterEach(async () => {
    for (const cache of open.splice(0)) await cache.close()
  })

  it('gives one engine the slices and records that another one put', async () => {
    const a = await openReady()
    const b = await openReady()
    await put(a, keyOf('film', 0), 1_048_576)
    a.saveRecord(recordOf('film'))
    await a.written()
    const found = await b.get(keyOf('film', 0), PATIENT)
    expect(found?.tier).toBe('shared')
    expect(Buffer.compare(found?.bytes ?? Buffer.alloc(0), bytesOf(keyOf('film', 0), 1_048_576))).toBe(0)
    expect(b.peek(keyOf('film', 0))).not.toBeNull()
    expect(await b.loadRecord(keyOf('film', 0).objectId, PATIENT)).toEqual(recordOf('film'))
    expect(b.stats()).toMatchObject({ sharedHits: 0, sharedErrors: 0 })
  })

  it('lets one engine fetch a slice while the others wait for it', async () => {
    const engines = await Promise.all([openReady(), openReady(), openReady()])
    let fetches = 0
    const slices = await Promise.all(
      engines.flatMap((engine) =>
        [0, 1, 2].map(async (index) => {
          const key = keyOf('film', index)
          const turn = await engine.claimFetch(key, LEASE, PATIENT)
          if (turn.slice) return turn.slice.bytes
          fetches++
          engine.put(key, bytesOf(key))
          turn.claim.release()
          return bytesOf(key)
        }),
      ),
    )
    expect(fetches).toBe(3)
    expect(slices).toHaveLength(9)
  })

  it('a burst far beyond the write queue reaches the others: each slice is fetched once', async () => {
    const a = await openReady({ memoryBytes: 50_000_000 })
    const b = await openReady()
    const keys = Array.from({ length: 60 }, (_, index) => keyOf('burst', index))
    const turns = await Promise.all(keys.map((key) => a.claimFetch(key, LEASE, PATIENT)))
    const waiting = keys.map((key) => b.claimFetch(key, LEASE, PATIENT))
    for (const [at, key] of keys.entries()) {
      a.put(key, Buffer.alloc(100_000, at + 1))
      turns[at]?.claim?.release()
    }
    expect(a.stats()).toMatchObject({ writeQueueDepth: 5, writesDropped: 0 })
    const found = await Promise.all(waiting)
    for (const [at, { slice }] of found.entries())
      expect(Buffer.compare(slice?.bytes ?? Buffer.alloc(0), Buffer.alloc(100_000, at + 1)), `slice ${at}`).toBe(0)
  })

  it('gives the turn to the next when the one who had it failed, at once', async () => {
    const a = await openReady()
    const b = await openReady()
    const first = await a.claimFetch(keyOf('film', 0), LEASE, PATIENT)
    const waiting = b.claimFetch(keyOf('film', 0), LEASE, PATIENT)
    first.claim?.release()
    const second = await waiting
    expect(second.slice).toBeNull()
    second.claim?.release()
  })

  it('waits only so long for one who is gone: the lease ends, or the waiting does (correctness 45)', async () => {
    const a = await openReady()
    const b = await openReady()
    await a.claimFetch(keyOf('film', 0), { leaseMs: 150, waitMs: 0 }, PATIENT)
    expect(await b.claimFetch(keyOf('film', 0), LEASE, PATIENT)).toMatchObject({ slice: null })
    await a.claimFetch(keyOf('film', 1), LEASE, PATIENT)
    expect(await b.claimFetch(keyOf('film', 1), { leaseMs: 100_000, waitMs: 50 }, PATIENT)).toMatchObject({
      slice: null,
    })
    const abort = new AbortController()
    const waiting = b.claimFetch(keyOf('film', 1), LEASE, abort.signal)
    abort.abort(new Error('the reader went away'))
    await expect(waiting).rejects.toThrow('the reader went away')
  })

  it.each([
    ['one object', () => ({ objectId: keyOf('film', 0).objectId }), 2],
    ['an origin', () => ({ originId: ORIGINS.films }), 1],
    ['everything', () => 'all' as const, 0],
  ])('purges %s in the shared tier, holes and all', async (_, target, left) => {
    const a = await openReady()
    for (const key of [
      keyOf('film', 0),
      keyOf('film', 70_000),
      keyOf('other', 1),
      keyOf('book', 0, { origin: 'books' }),
    ])
      await put(a, key)
    a.saveRecord(recordOf('film'))
    await a.written()
    await a.purge(target())
    const b = await openReady()
    const keys = [keyOf('film', 0), keyOf('film', 70_000), keyOf('other', 1), keyOf('book', 0, { origin: 'books' })]
    const found = await Promise.all(keys.map((key) => b.get(key, PATIENT)))
    expect(found.filter((slice) => slice !== null)).toHaveLength(left)
    expect(await b.loadRecord(keyOf('film', 0).objectId, PATIENT)).toBeNull()
  })

  it('a purge removes what an engine writes that has not applied it yet', async () => {
    const a = await openReady()
    const b = await openReady()
    const apply = async (cache: TieredCache, id: bigint) => {
      for (const tier of cache.purgedTiers) {
        if ((await tier.purgedUpTo()) === id) continue
        await tier.purge('all')
        await tier.markPurged(id)
      }
    }
    for (const cache of [a, b]) await apply(cache, 1n)
    await apply(a, 2n)
    await put(b, keyOf('film', 0))
    expect(await a.get(keyOf('film', 0), PATIENT)).not.toBeNull()
    await apply(b, 2n)
    const fresh = await openReady()
    expect(await fresh.get(keyOf('film', 0), PATIENT)).toBeNull()
    // One that starts now has nothing to do there.
    expect(await fresh.purgedTiers[1]?.purgedUpTo()).toBe(2n)
  })

  it('removes the slices of the version before when a record of a new one comes', async () => {
    const a = await openReady()
    const old = keyOf('film', 3, { etag: 'a' })
    a.saveRecord(recordOf('film'))
    await put(a, old)
    a.saveRecord(recordOf('film', { etag: 'b' }))
    await a.written()
    const b = await openReady()
    expect(await b.get(old, PATIENT)).toBeNull()
  })

  it('takes an entry that was changed for a miss and removes it', async () => {
    const a = await openReady()
    await put(a, keyOf('film', 0))
    const client = await createClient({ url: redis.url }).connect()
    const { objectId, version } = keyOf('film', 0)
    await client.setRange(`sluice:1:s:${objectId}:${version}:0`, 100, 'x')
    const b = await openReady()
    expect(await b.get(keyOf('film', 0), PATIENT)).toBeNull()
    expect(b.stats()).toMatchObject({ corrupt: 1 })
    expect(await client.exists(`sluice:1:s:${objectId}:${version}:0`)).toBe(0)
    client.destroy()
  })

  it('puts what it found in the shared tier on its own disk', async () => {
    const a = await openReady()
    await put(a, keyOf('film', 0))
    const parent = mkdtempSync(join(tmpdir(), 'sluice-shared-'))
    const b = await openReady({ disk: { parent, maxBytes: 1_000_000 } })
    expect((await b.get(keyOf('film', 0), PATIENT))?.tier).toBe('shared')
    await b.written()
    expect(b.stats().disk?.slices).toBe(1)
    await b.close()
    rmSync(parent, { recursive: true })
  })

  it('is slower and not wrong when Redis stands still, and uses it again when it goes on', async () => {
    const a = await openReady({ commandTimeoutMs: 500 })
    redis.freeze()
    try {
      await put(a, keyOf('film', 0))
      expect(a.peek(keyOf('film', 0))).not.toBeNull()
      expect(await a.get(keyOf('film', 1), PATIENT)).toBeNull()
      expect((await a.claimFetch(keyOf('film', 1), LEASE, PATIENT)).slice).toBeNull()
      expect(a.stats().sharedErrors).toBeGreaterThan(0)
    } finally {
      redis.goOn()
    }
    const b = await openReady()
    // Its time limit is short: what is written while the machine stands still is lost, as it may be, and written once more.
    await until('the shared tier to be used again', async () => {
      await put(a, keyOf('film', 2))
      return (await b.get(keyOf('film', 2), PATIENT)) !== null
    })
  })

  it('goes on while Redis is gone, connects again when it is back, and never logs its password', async () => {
    const a = await openReady()
    await redis.kill()
    await put(a, keyOf('film', 0))
    expect(a.peek(keyOf('film', 0))).not.toBeNull()
    expect(await a.get(keyOf('film', 1), PATIENT)).toBeNull()
    await until('the loss to be seen', () => a.stats().shared?.state === 'away')
    await redis.start()
    await until('the shared tier to be back', isReady(a))
    await put(a, keyOf('film', 2))
    const b = await openReady()
    expect(await b.get(keyOf('film', 2), PATIENT)).not.toBeNull()
    const wrong = await openEngine({ redisUrl: redis.url.replace(REDIS_PASSWORD, `${REDIS_PASSWORD}-wrong`) })
    await wrong.get(keyOf('film', 0), PATIENT)
    await until('the refusal to be seen', () => (wrong.stats().sharedErrors > 0 ? true : null))
    expect(logged.length).toBeGreaterThan(0)
    expect(logged.join('')).not.toContain(REDIS_PASSWORD)
  })
})
