import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fillPattern } from '../../src/engine/testing/byte-pattern.ts'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { awaitPurge, requestPurge } from '../../src/server/db/cache-purges.ts'
import { askEngines } from '../../src/server/db/engine-questions.ts'
import { listenForNotifications, type Notifications } from '../../src/server/db/notifications.ts'
import { savePublishedOrigin } from '../../src/server/db/published-origins.ts'
import { publishedOriginSaveSchema } from '../../src/server/domain/published-origin.ts'
import { createLog } from '../../src/server/log.ts'
import { createSealer } from '../../src/server/secrets.ts'
import { type EngineProcess, startEngineProcess } from '../chaos/engine-process.ts'
import { filesUnder, textOf } from '../stack/live-folder.ts'
import { REDIS_PASSWORD, type RunningRedis, redisMissing, startRedis } from '../stack/redis.ts'
import { createTestDatabase, type TestDatabase } from '../stack/test-database.ts'
import { until } from '../stack/until.ts'
import { slicesIn, untilKeys } from './redis-keys.ts'

// Engines as real processes that share a Redis and have a disk each: a slice is fetched once between them, and outlives a kill, a Redis
// that is gone, and nothing of a purge.

const SECRET_KEY = 'a sealing key for tests, 32 characters and more'
const CANARY = 'canary-of-the-origin'
const MIB = 1024 * 1024

let database: TestDatabase
let notifications: Notifications
let source: HostileSource
let redis: RunningRedis
let folder: string
let originId: string
const engines: EngineProcess[] = []

async function startEngine(name: string): Promise<EngineProcess> {
  const engine = await startEngineProcess({
    databaseUrl: database.url,
    env: {
      SLUICE_SECRET_KEY: SECRET_KEY,
      SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
      SLUICE_DATA_DIR: join(folder, name),
      SLUICE_PROFILE: 'low-memory',
      SLUICE_CACHE_DISK: '64MiB',
      SLUICE_REDIS_URL: redis.url,
      // More than a file has: a slice that is fetched is written, however slow the disk is.
      SLUICE_CACHE_WRITE_QUEUE: '32',
      SLUICE_LOG_LEVEL: 'trace',
    },
  })
  engines.push(engine)
  await until('the engine to serve the origin', async () => {
    const response = await fetch(`${engine.url}/o/films/nothing`)
    await response.arrayBuffer()
    return response.status === 404 && !(await metric(engine, 'sluice_cache_shared_up 0'))
  })
  return engine
}

async function metric(engine: EngineProcess, line: string): Promise<boolean> {
  return (await (await fetch(`${engine.url}/metrics`)).text()).includes(`${line}\n`)
}

/** Reads a file through an engine and proves it. */
async function read(engine: EngineProcess, path: string, sizeBytes: number): Promise<void> {
  const response = await fetch(`${engine.url}/o/films/${path}`)
  expect(response.status).toBe(200)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const expected = new Uint8Array(sizeBytes)
  fillPattern(expected, 0)
  expect(sha(bytes)).toBe(sha(expected))
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A counter of these engines together. */
async function sumOf(of: readonly EngineProcess[], counter: RegExp): Promise<number> {
  const counts = of.map(async ({ url }) => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return Number(counter.exec(text)?.[1] ?? Number.NaN)
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

/** What engines took of files so far; the rest of an answer that was given up does not count. */
const tookBytes = (of: readonly EngineProcess[]) => sumOf(of, /sluice_origin_bytes_total\{origin="films"\} (\d+)/)

/**
 * Holds that all of /cold.bin was taken, and once: a machine so busy that Redis or the origin does not answer in time makes engines fetch for
 * themselves, which is as it should be.
 */
async function expectTakenOnce(took: number, of: readonly EngineProcess[]): Promise<void> {
  const errors = await sumOf(of, /sluice_cache_errors_total\{tier="shared"\} (\d+)/)
  const fallbacks = await sumOf(of, /sluice_origin_fallbacks_total (\d+)/)
  const asked = source.requests('/cold.bin').map(({ headers, bytesSent }) => `${headers.range} (${bytesSent} sent)`)
  expect(took).toBeGreaterThanOrEqual(6 * MIB)
  if (errors + fallbacks === 0) expect(took, asked.join(', ')).toBe(6 * MIB)
  else expect(took).toBeLessThanOrEqual(12 * MIB)
}

const serve = (path: string, sizeBytes: number) => source.serve(`/${path}`, { sizeBytes, headDelayMs: 30 })

describe.skipIf(redisMissing !== null)(`engines that share a cache ${redisMissing ?? ''}`, () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    notifications = listenForNotifications(database.url, createLog('web', 'silent'))
    source = await createHostileSource()
    redis = await startRedis()
    folder = mkdtempSync(join(tmpdir(), 'sluice-engines-'))
    const origin = { name: 'films', baseUrl: source.origin, access: 'public', ttlSeconds: 3600 }
    const headers = { 'X-Api-Key': CANARY }
    const input = publishedOriginSaveSchema.parse({ ...origin, headers })
    originId = (await savePublishedOrigin(database.db, createSealer(SECRET_KEY), input)).id
  })
  afterAll(async () => {
    for (const engine of engines) await engine.stop()
    await redis?.close()
    await source?.close()
    await notifications?.close()
    await database?.close()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  test('a cold file is fetched once between two engines and not once by each, however many read it', async () => {
    const a = await startEngine('a')
    const b = await startEngine('b')
    serve('cold.bin', 6 * MIB)
    const readers = (engine: EngineProcess) => Array.from({ length: 6 }, () => read(engine, 'cold.bin', 6 * MIB))
    const first = readers(a)
    let isRead = false
    const reading = Promise.all(first).finally(() => {
      isRead = true
    })
    // Were both to ask what the file is at once, each would read past slices in that answer which the other has the right to fetch.
    await untilKeys(redis.url, 'one engine to have or fetch all slices', (keys) => {
      return isRead || slicesIn(keys) >= 12
    })
    await Promise.all([reading, ...readers(b)])
    await expectTakenOnce(await tookBytes([a, b]), [a, b])
  })

  test('an engine that was killed has its slices again, from its own disk, without Redis and without the origin', async () => {
    const [a] = engines
    if (!a) throw new Error('The test before starts the engines.')
    await until('the slices to be on disk', () => slicesOf('a') >= 12)
    await a.kill()
    await redis.kill()
    await redis.start()
    const again = await startEngine('a')
    await read(again, 'cold.bin', 6 * MIB)
    // It may have begun to ask while it looked on its disk, but took nothing.
    expect(await tookBytes([again])).toBe(0)
    expect(await metric(again, 'sluice_cache_hits_total{tier="disk"} 12')).toBe(true)
  })

  test('a purge reaches the disks, the memories and Redis, and the next reader asks the origin', async () => {
    const purge = await requestPurge(database.db, { originId })
    // An engine that stands still for some seconds is not waited for any longer, and told of as one that will follow.
    const outcome = await until('all engines to follow', async () => {
      const purged = await awaitPurge(database.db, notifications, purge)
      return purged.enginesWaiting === 0 ? purged : null
    })
    expect(outcome.slices).toBeGreaterThanOrEqual(24)
    expect(slicesOf('a') + slicesOf('b')).toBe(0)
    // An engine says that it has purged when its own tiers are; Redis is next, at the latest when it answers again.
    await untilKeys(redis.url, 'Redis to be purged', (keys) => !keys.some((key) => key.startsWith('sluice:1:s:')))
    // Each engine purges it, one after it has said so. A question is answered after the purges that an engine knew of when it was asked,
    // but for a Redis that did not answer it.
    await until('the engines to have purged Redis', async () => {
      const { answers } = await askEngines(database.db, notifications, 'cache.objects', { limit: 1 })
      return answers.length >= 2
    })
    const last = engines.slice(-1)
    const before = await tookBytes(last)
    for (const engine of last) await read(engine, 'cold.bin', 6 * MIB)
    await expectTakenOnce((await tookBytes(last)) - before, last)
  })

  test('while Redis is gone readers are served, and each engine fetches for itself', async () => {
    await redis.kill()
    serve('without-redis.bin', 2 * MIB)
    const running = engines.filter(({ isRunning }) => isRunning)
    expect(running.length).toBeGreaterThanOrEqual(2)
    for (const engine of running) {
      const before = await tookBytes([engine])
      await read(engine, 'without-redis.bin', 2 * MIB)
      expect((await tookBytes([engine])) - before).toBe(2 * MIB)
    }
  })

  test('no credential is in the cache, in its names, or in a log', async () => {
    const texts = engines.map((engine) => engine.logs())
    const paths = filesUnder(folder)
    expect(paths.length).toBeGreaterThan(0)
    for (const path of paths) texts.push(path, textOf(path))
    expect(source.requests('/cold.bin')[0]?.headers['x-api-key']).toBe(CANARY)
    expect(texts.join('\n').includes(CANARY)).toBe(false)
    expect(texts.join('\n').includes(REDIS_PASSWORD)).toBe(false)
  })
})

/** Slices on the disk of an engine. */
function slicesOf(name: string): number {
  return filesUnder(join(folder, name)).filter((path) => path.endsWith('.slice')).length
}
