import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ROOT } from '../../scripts/runner/run-program.ts'
import { startPostgres } from '../../src/embedded/postgres.ts'
import { dialectByName } from '../../src/engine/upload/s3-dialects.ts'
import { saveBucket, saveBucketCapabilities } from '../../src/server/db/buckets.ts'
import { createDb, type Db } from '../../src/server/db/client.ts'
import { createTransfers } from '../../src/server/db/create-transfers.ts'
import { migrate } from '../../src/server/db/migrate.ts'
import { transferInputSchema } from '../../src/server/domain/transfer-input.ts'
import { createSealer, type Sealer } from '../../src/server/secrets.ts'
import type { Figures } from '../harness/measure-script.ts'
import { cpuSeconds, peakRssBytes, rssBytes } from '../harness/process-figures.ts'
import type { Peer, Work } from './peer.ts'

const SECRET_KEY = 'a sealing key for the bench, 32 characters and more'
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 20

/** Sluice as a peer, and what it needs for as long as the bench runs. */
export interface SluicePeer extends Peer {
  stop(): Promise<void>
}

/**
 * The real engine in a process of its own, a fresh one for each run, on an embedded Postgres. Work is given as the API gives it, by
 * rows; the clock runs until the last row says `completed`. SLUICE_ settings of our environment reach the engine.
 */
export async function startSluicePeer(): Promise<SluicePeer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-postgres-'))
  const postgres = await startPostgres({ dataDir, log: () => {} })
  await migrate(postgres.url)
  const db = createDb(postgres.url)
  const sealer = createSealer(SECRET_KEY)
  return {
    name: 'sluice',
    version: () => `commit ${commit()}, node ${process.version}`,
    unavailable: () => null,
    async run(work) {
      const bucketId = await addBucket(db, sealer, work)
      const engine = await startEngine(postgres.url, work.tls?.authority)
      try {
        return await measure(db, sealer, engine.pid, bucketId, work)
      } finally {
        await engine.stop()
        await db.transfer.updateMany({ where: { status: { not: 'completed' } }, data: { status: 'failed' } })
      }
    },
    async stop() {
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

async function measure(db: Db, sealer: Sealer, pid: number, bucketId: string, work: Work): Promise<Figures> {
  const inputs = work.files.map(({ url, key }) => transferInputSchema.parse({ bucketId, sourceUrl: url, key }))
  const idleRssBytes = rssBytes(pid)
  const cpuBefore = cpuSeconds(pid) ?? 0
  const startedAt = performance.now()
  for (const result of await createTransfers(db, sealer, inputs))
    if ('error' in result) throw new Error(result.error.message)
  for (;;) {
    const open = await db.transfer.count({ where: { bucketId, status: { not: 'completed' } } })
    const wallSeconds = (performance.now() - startedAt) / 1000
    if (open === 0) {
      const cpu = (cpuSeconds(pid) ?? Number.NaN) - cpuBefore
      return { wallSeconds, cpuSeconds: cpu, peakRssBytes: peakRssBytes(pid), idleRssBytes }
    }
    const failed = await db.transfer.findFirst({
      where: { bucketId, status: { in: ['failed', 'cancelled', 'paused'] } },
      select: { failure: true },
    })
    if (failed) throw new Error(`a transfer failed: ${JSON.stringify(failed.failure)}`)
    if (cpuSeconds(pid) === null) throw new Error('the engine ended')
    if (wallSeconds * 1000 > work.limitMs) throw new Error(`was not through after ${Math.round(wallSeconds)} s`)
    await delay(POLL_MS, undefined, { signal: work.signal })
  }
}

async function startEngine(databaseUrl: string, authority: string | undefined) {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-engine-'))
  const child = spawn(process.execPath, [join(ROOT, 'src', 'engine', 'main.ts')], {
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
  // Its first heartbeat and the compiling of its modules are not part of the work.
  await delay(1_000)
  return {
    pid: child.pid ?? 0,
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
