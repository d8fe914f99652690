import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ROOT } from '../../scripts/runner/run-program.ts'
import { startPostgres } from '../../src/embedded/postgres.ts'
import { ENGINE_COMMAND } from '../../src/engine/engine-command.ts'
import { createHostileSource } from '../../src/engine/testing/hostile-source.ts'
import { dialectByName } from '../../src/engine/upload/s3-dialects.ts'
import { saveBucket, saveBucketCapabilities } from '../../src/server/db/buckets.ts'
import { createDb, type Db } from '../../src/server/db/client.ts'
import { createTransfers } from '../../src/server/db/create-transfers.ts'
import { migrate } from '../../src/server/db/migrate.ts'
import type { BenchEngine } from '../../src/server/domain/bench-report.ts'
import { transferInputSchema } from '../../src/server/domain/transfer-input.ts'
import { createSealer, type Sealer } from '../../src/server/secrets.ts'
import type { Figures } from '../harness/measure-script.ts'
import { cpuSeconds, peakRssBytes, rssBytes } from '../harness/process-figures.ts'
import type { Peer, Work } from './peer.ts'

const SECRET_KEY = 'a sealing key for the bench, 32 characters and more'
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000
/** How often it is looked whether all is done: less often while many are open, a millisecond for each, faster than files are moved. */
const POLL_MS = 20
const LONGEST_POLL_MS = 250
const WARM_UP_BYTES = 24 * 1024 * 1024
const SETTLE_MS = 2_000

/** Sluice with other settings than its defaults, as a peer of its own. */
interface Variant {
  readonly env?: Readonly<Record<string, string>>
  readonly partSizeBytes?: number
  /** Its engine has done the same work once before the clock starts: what a service costs whose code is compiled. */
  readonly hasDoneItBefore?: boolean
}

const MIB = 1024 * 1024

/** Each by the name it has as a peer: `sluice` is as it comes. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  sluice: {},
  'sluice-warm': { hasDoneItBefore: true },
  'sluice-warm-8mib-parts': { hasDoneItBefore: true, partSizeBytes: 8 * MIB },
  'sluice-8mib-parts': { partSizeBytes: 8 * MIB },
  'sluice-100mib-parts': { partSizeBytes: 100 * MIB },
  'sluice-100mib-low-memory': { partSizeBytes: 100 * MIB, env: { SLUICE_PROFILE: 'low-memory' } },
  'sluice-100mib-10-lanes': { partSizeBytes: 100 * MIB, env: { SLUICE_READ_LANES: '10' } },
  'sluice-high-throughput': { env: { SLUICE_PROFILE: 'high-throughput' } },
  'sluice-low-memory': { env: { SLUICE_PROFILE: 'low-memory' } },
  'sluice-undici': { env: { SLUICE_HTTP_CLIENT: 'undici' } },
  'sluice-16-lanes': { env: { SLUICE_READ_LANES: '16' } },
  'sluice-32-lanes': { env: { SLUICE_READ_LANES: '32' } },
  'sluice-48-lanes': { env: { SLUICE_READ_LANES: '48' } },
  'sluice-64-lanes': { env: { SLUICE_READ_LANES: '64' } },
}

/** Sluice and its variants, and what they need for as long as the bench runs. */
export interface SluicePeers {
  peer(name: string): Peer | undefined
  stop(): Promise<void>
}

/**
 * The real engine in a process of its own, a fresh one for each run, on an embedded Postgres. It is a service, so it has moved one
 * small file from elsewhere before the clock starts; what it learned of a source is forgotten. Work is given as the API gives it, by
 * rows; the clock runs until the last row says `completed`. SLUICE_ settings of our environment reach the engine.
 */
export async function startSluicePeers(): Promise<SluicePeers> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-postgres-'))
  const postgres = await startPostgres({ dataDir, log: () => {} })
  await migrate(postgres.url)
  const db = createDb(postgres.url)
  const sealer = createSealer(SECRET_KEY)
  const warmer = await createHostileSource()
  /** Starts an engine and lets it move a small file: a service has done that before. */
  const start = async (work: Work, { env = {}, partSizeBytes, hasDoneItBefore }: Variant): Promise<Stage> => {
    const bucketId = await addBucket(db, sealer, work)
    const engine = await startEngine(postgres.url, work.tls?.authority, env)
    const url = warmer.serve('/warm-up.bin', { sizeBytes: WARM_UP_BYTES })
    const warmUp: Work = { ...work, files: [{ url, key: `${work.keyPrefix}/warm-up`, sizeBytes: WARM_UP_BYTES }] }
    const stage = { engine, bucketId }
    const before: Work = { ...work, files: work.files.map((file) => ({ ...file, key: `before/${file.key}` })) }
    try {
      await measure(db, sealer, stage, warmUp, undefined)
      if (hasDoneItBefore) await measure(db, sealer, stage, before, partSizeBytes)
    } catch (error) {
      await end(stage)
      throw error
    }
    // What it kept for the small file goes, as it does in a quiet service.
    await delay(SETTLE_MS)
    return stage
  }
  const end = async ({ engine }: Stage) => {
    await engine.stop()
    await db.transfer.updateMany({ where: { status: { not: 'completed' } }, data: { status: 'failed' } })
    // Each starts from nothing: lanes learned by one must not help the next.
    await db.origin.deleteMany()
  }
  return {
    peer(name) {
      const variant = VARIANTS[name]
      if (!variant) return undefined
      let stage: Stage | null = null
      return {
        name,
        version: () => `commit ${commit()}, node ${process.version}`,
        unavailable: () => null,
        async prepare(work) {
          stage = await start(work, variant)
        },
        async run(work) {
          if (!stage) throw new Error('prepare comes first')
          try {
            return await measure(db, sealer, stage, work, variant.partSizeBytes)
          } finally {
            await end(stage)
            stage = null
          }
        },
      }
    },
    async stop() {
      await warmer.close()
      await db.$disconnect()
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** A bucket as it is after its test: the discarding store does what AWS does, Ceph what it was seen to do. */
async function addBucket(db: Db, sealer: Sealer, { store, keyPrefix }: Work): Promise<string> {
  const { id } = await saveBucket(db, sealer, { name: keyPrefix, forcePathStyle: true, prefix: '', ...store })
  const dialect = store.accessKeyId === 'benchkey' ? 'aws' : 'ceph'
  await saveBucketCapabilities(db, id, dialectByName(dialect).capabilities)
  return id
}

interface Stage {
  readonly engine: RunningEngine
  readonly bucketId: string
}

async function measure(
  db: Db,
  sealer: Sealer,
  { engine: { pid, watch }, bucketId }: Stage,
  work: Work,
  partSizeBytes: number | undefined,
): Promise<Figures> {
  const inputs = work.files.map(({ url, key }) =>
    transferInputSchema.parse({ bucketId, sourceUrl: url, key, partSizeBytes }),
  )
  await watch()
  const idleRssBytes = rssBytes(pid)
  const cpuBefore = cpuSeconds(pid) ?? 0
  const startedAt = performance.now()
  for (const result of await createTransfers(db, sealer, inputs))
    if ('error' in result) throw new Error(result.error.message)
  for (;;) {
    const { open, failure } = await stateOf(db, bucketId)
    const wallSeconds = (performance.now() - startedAt) / 1000
    if (open === 0) {
      const cpu = (cpuSeconds(pid) ?? Number.NaN) - cpuBefore
      return { wallSeconds, cpuSeconds: cpu, peakRssBytes: peakRssBytes(pid), idleRssBytes, engine: await watch() }
    }
    if (failure) throw new Error(`a transfer failed: ${failure}`)
    if (cpuSeconds(pid) === null) throw new Error('the engine ended')
    if (wallSeconds * 1000 > work.limitMs) throw new Error(`was not through after ${Math.round(wallSeconds)} s`)
    await delay(Math.min(LONGEST_POLL_MS, Math.max(POLL_MS, open)), undefined, { signal: work.signal })
  }
}

/** One short statement: it is asked many times a second, on the processor that is measured. */
async function stateOf(db: Db, bucketId: string): Promise<{ open: number; failure: string | null }> {
  const [state] = await db.$queryRaw<{ open: number; failure: string | null }[]>`
    SELECT count(*)::int AS open, min(coalesce(failure::text, status::text)) FILTER (WHERE status IN ('failed', 'cancelled', 'paused')) AS failure
    FROM "Transfer" WHERE "bucketId" = ${bucketId}::uuid AND status <> 'completed'`
  return state ?? { open: 0, failure: null }
}

interface RunningEngine {
  readonly pid: number
  /** What was seen from inside since the last call. */
  watch(): Promise<BenchEngine>
  stop(): Promise<void>
}

async function startEngine(
  databaseUrl: string,
  authority: string | undefined,
  settings: Readonly<Record<string, string>>,
): Promise<RunningEngine> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-engine-'))
  const watcher = join(import.meta.dirname, '..', 'harness', 'watch-engine.ts')
  const child = spawn(process.execPath, ['--import', watcher, ...ENGINE_COMMAND], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      SLUICE_LOG_LEVEL: 'warn',
      ...process.env,
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      SLUICE_SECRET_KEY: SECRET_KEY,
      SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
      SLUICE_DATA_DIR: dataDir,
      ...(authority && { NODE_EXTRA_CA_CERTS: authority }),
      ...settings,
    },
  })
  const exited = new Promise<void>((settle) => child.once('exit', () => settle()))
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((settle, fail) => {
      timer = setTimeout(() => fail(new Error('the engine did not start within 30 s')), START_TIMEOUT_MS)
      child.once('message', () => settle())
      child.once('exit', (code) => fail(new Error(`the engine ended with ${code} at its start`)))
      child.once('error', fail)
    })
  } catch (error) {
    child.kill('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
    throw error
  } finally {
    clearTimeout(timer)
  }
  return {
    pid: child.pid ?? 0,
    watch: () =>
      new Promise((settle, fail) => {
        child.once('message', (figures) => settle(figures as BenchEngine))
        child.send('watch', (error) => error && fail(error))
      }),
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await exited
      clearTimeout(timer)
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: ROOT, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
