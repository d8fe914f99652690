import { afterEach, expect, test } from 'vitest'
import { patternBytes } from '../../src/engine/testing/byte-pattern.ts'
import { savePublishedOrigin } from '../../src/server/db/published-origins.ts'
import { engineStatsSchema } from '../../src/server/domain/engine.ts'
import { publishedOriginSaveSchema } from '../../src/server/domain/published-origin.ts'
import { slicesIn, untilKeys } from '../cache/redis-keys.ts'
import { type EngineStack, startEngineStack } from '../stack/engine-stack.ts'
import { type RunningRedis, redisMissing, startRedis } from '../stack/redis.ts'
import { until } from '../stack/until.ts'

const MIB = 1024 * 1024
const SIZE = 12 * MIB

let stack: EngineStack | null = null
let redis: RunningRedis | null = null
afterEach(async () => {
  await stack?.close()
  await redis?.close()
  stack = null
  redis = null
})

const read = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers })
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
}

/** Two engines with one Redis, and the links of one file on each. */
async function start(): Promise<{ running: EngineStack; links: string[] }> {
  redis = await startRedis()
  stack = await startEngineStack()
  // The queue takes all slices of the file, so that none of them is fetched and not written.
  const env = { SLUICE_REDIS_URL: redis.url, SLUICE_CACHE_WRITE_QUEUE: '32' }
  const engines = [await stack.startEngine(env), await stack.startEngine(env)]
  const origin = { name: 'files', baseUrl: stack.source.origin, access: 'public', ttlSeconds: 3600 }
  await savePublishedOrigin(stack.database.db, stack.sealer, publishedOriginSaveSchema.parse(origin))
  stack.source.serve('/probe', { sizeBytes: 1 })
  for (const { url } of engines)
    await until('the engine to serve', async () => (await read(`${url}/o/files/probe`)).status === 200)
  const { db } = stack.database
  await until('both engines to reach Redis', async () => {
    const rows = await db.engine.findMany({ select: { stats: true } })
    const states = rows.map(({ stats }) => engineStatsSchema.safeParse(stats).data?.cache?.shared?.state)
    return states.length === 2 && states.every((state) => state === 'ready')
  })
  return { running: stack, links: engines.map(({ url }) => `${url}/o/files/a`) }
}

/** A counter of all engines together. */
async function sumOf(links: readonly string[], counter: RegExp): Promise<number> {
  const counts = links.map(async (link) => {
    const text = await (await fetch(new URL('/metrics', link))).text()
    return Number(counter.exec(text)?.[1] ?? Number.NaN)
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

/** How often an engine had no answer of Redis. */
const sharedErrors = (links: readonly string[]) => sumOf(links, /sluice_cache_errors_total\{tier="shared"\} (\d+)/)

/** What they took from the origin: what a first answer holds beyond that is given up with it. */
const fetched = (links: readonly string[]) => sumOf(links, /sluice_origin_bytes_total\{origin="files"\} (\d+)/)

test.skipIf(redisMissing !== null)('two engines that share a tier fetch each slice once between them', async () => {
  const { running, links } = await start()
  running.source.serve('/a', { sizeBytes: SIZE, headDelayMs: 20 })
  const [first = '', second = ''] = links
  const probesBytes = await fetched(links)
  let isRead = false
  const reading = Promise.all([read(first), read(first)]).finally(() => {
    isRead = true
  })
  // Were both to ask what the file is at once, each would read past slices in that answer which the other has the right to fetch.
  await untilKeys(redis?.url ?? '', 'one engine to have or fetch all slices', (keys) => {
    return isRead || slicesIn(keys) >= SIZE / MIB
  })
  const ofSecond = await Promise.all([read(second), read(second, { range: 'bytes=5000000-' })])
  const answers = [...(await reading), ...ofSecond]
  for (const { body } of answers.slice(0, 3)) expect(body.equals(patternBytes(0, SIZE))).toBe(true)
  expect(answers[3]?.body.equals(patternBytes(5_000_000, SIZE))).toBe(true)
  // A machine so busy that Redis or the origin does not answer in time makes them fetch for themselves, which is as it should be.
  const errors = (await sharedErrors(links)) + (await sumOf(links, /sluice_origin_fallbacks_total (\d+)/))
  const tookBytes = (await fetched(links)) - probesBytes
  if (errors === 0) expect(tookBytes).toBe(SIZE)
  else expect(tookBytes).toBeLessThanOrEqual(2 * SIZE)
})

test.skipIf(redisMissing !== null)('without Redis they are slower, and right', async () => {
  const { running, links } = await start()
  running.source.serve('/a', { sizeBytes: SIZE })
  await redis?.kill()
  for (const link of links) expect((await read(link)).body.equals(patternBytes(0, SIZE))).toBe(true)
  expect(await fetched(links)).toBeGreaterThanOrEqual(2 * SIZE)
})
