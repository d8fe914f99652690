import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { cpuSeconds } from '../../bench/harness/process-figures.ts'
import { findFreePort } from '../../src/embedded/free-port.ts'

const run = promisify(execFile)
const SCRIPTS = resolve(import.meta.dirname, '../../scripts/ceph')
const RUN_PREFIX = 'sluice-ceph-'
/** Objects live in memory; a test that stores more than this is told that the store is full. */
const STORE_BYTES = 4 * 1024 ** 3

/** A running radosgw; its one user may make buckets. Path style, on loopback. */
export interface RunningCeph {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** As radosgw calls itself. */
  readonly version: string
  /** CPU of its three processes so far. */
  cpuSeconds(): number
  stop(): Promise<void>
}

/**
 * Starts a real Ceph for a test: about two seconds, and once in the life of a checkout the download of its packages. They
 * are kept in SLUICE_CEPH_DIR (`.cache/ceph` of the checkout). Where it cannot be had, says why in a sentence.
 */
export async function startCeph(): Promise<RunningCeph | { unavailable: string }> {
  if (process.platform !== 'linux')
    return { unavailable: `Ceph's packages are for Linux, and this is ${process.platform}.` }
  const dir = resolve(process.env.SLUICE_CEPH_DIR ?? join(import.meta.dirname, '../../.cache/ceph'))
  try {
    if (!existsSync(join(dir, 'ready'))) {
      await mkdir(dir, { recursive: true })
      await run(join(SCRIPTS, 'get.sh'), [dir], { timeout: 600_000 })
    }
  } catch (error) {
    return { unavailable: lastLine(error, 'Ceph could not be fetched.') }
  }
  await removeOrphans()
  // Sockets live in this folder, whose path may have 100 characters at most: never in the checkout.
  const runDir = await mkdtemp(join(tmpdir(), RUN_PREFIX))
  await writeFile(join(runDir, 'owner'), String(process.pid))
  const rgwPort = await findFreePort()
  const monPort = await findFreePort()
  const accessKeyId = 'sluicetestkey'
  const secretAccessKey = 'sluicetestsecret0123456789'
  const stop = async () => {
    await run(join(SCRIPTS, 'stop.sh'), [runDir])
  }
  try {
    await run(join(SCRIPTS, 'start.sh'), [dir, runDir], {
      timeout: 120_000,
      env: {
        ...process.env,
        RGW_PORT: String(rgwPort),
        MON_PORT: String(monPort),
        ACCESS_KEY: accessKeyId,
        SECRET_KEY: secretAccessKey,
        STORE_BYTES: String(STORE_BYTES),
      },
    })
  } catch (error) {
    await stop()
    // It was unpacked and runs: that it does not start is a fault, not a reason to skip.
    throw new Error(lastLine(error, 'Ceph did not start.'), { cause: error })
  }
  return {
    endpoint: `http://127.0.0.1:${rgwPort}`,
    region: 'us-east-1',
    accessKeyId,
    secretAccessKey,
    version: readFileSync(join(dir, 'ready'), 'utf8').trim(),
    cpuSeconds: () => pidsIn(runDir).reduce((sum, pid) => sum + (cpuSeconds(pid) ?? 0), 0),
    stop,
  }
}

function pidsIn(runDir: string): number[] {
  return ['mon', 'osd', 'rgw'].map((name) => Number(readFileSync(join(runDir, `${name}.pid`), 'utf8')))
}

/** Stops what test runs left behind that were killed: their folders name a process that is no more. */
async function removeOrphans(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const runDir = join(tmpdir(), name)
    const owner = name.startsWith(RUN_PREFIX) ? readOwner(runDir) : null
    if (owner !== null && !existsSync(`/proc/${owner}`))
      await run(join(SCRIPTS, 'stop.sh'), [runDir]).catch(() => rm(runDir, { recursive: true, force: true }))
  }
}

function readOwner(runDir: string): number | null {
  try {
    return Number(readFileSync(join(runDir, 'owner'), 'utf8'))
  } catch {
    return null
  }
}

/** Two free ports, held together until both are known. */
/** What a script said last, which is a sentence. */
function lastLine(error: unknown, otherwise: string): string {
  const { stderr, message } = error as { stderr?: string; message?: string }
  const lines = (stderr || message || '').trim().split('\n')
  return lines.at(-1) || otherwise
}
