import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../server/config/env.ts'
import { isRunning, processIdentity } from '../server/config/process-identity.ts'

const MARKER = '.sluice'
const LOCK = 'start.lock'

/** Makes the data folder where it is missing and checks that it is ours to use. Throws ConfigError with what to do. */
export function prepareDataFolder(dataDir: string): void {
  try {
    // Only we need to see what is in a folder of ours; one that was there keeps the rights somebody gave it.
    if (mkdirSync(dataDir, { recursive: true }) !== undefined) chmodSync(dataDir, 0o700)
  } catch (error) {
    throw unusable(dataDir, error)
  }
  if (!statSync(dataDir).isDirectory()) throw unusable(dataDir, { code: 'ENOTDIR' })
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw unusable(dataDir, error)
  }
  const marker = join(dataDir, MARKER)
  if (existsSync(marker)) return
  if (readdirSync(dataDir).length > 0)
    throw new ConfigError(
      `${dataDir} holds files that are not of Sluice. Name an empty or a new folder with SLUICE_DATA_DIR.`,
    )
  try {
    writeFileSync(
      marker,
      'The data of Sluice: database, object store, keys, logs. Back it up whole, while Sluice is stopped.\n',
    )
  } catch (error) {
    throw unusable(dataDir, error)
  }
}

/**
 * Takes the data folder for this process and returns what gives it back. A lock whose process is gone is taken over.
 * Throws ConfigError naming the process and, where it is known, the address of the Sluice that has it.
 */
export function lockDataFolder(dataDir: string): () => void {
  const path = join(dataDir, LOCK)
  for (;;) {
    try {
      writeFileSync(path, processIdentity(process.pid), { flag: 'wx', mode: 0o644 })
      return () => rmSync(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(dataDir, error)
    }
    const holder = readFileSync(path, 'utf8').trim()
    if (isRunning(holder))
      throw new ConfigError(
        `Sluice already runs on ${dataDir} (process ${Number.parseInt(holder, 10)}). Stop that one first, or name another folder with SLUICE_DATA_DIR.`,
      )
    rmSync(path, { force: true })
  }
}

/** The key that seals credentials, made once and kept in `secret-key` of the data folder, mode 600. */
export function loadOrCreateSecretKey(dataDir: string): string {
  const path = join(dataDir, 'secret-key')
  if (existsSync(path)) {
    const key = readFileSync(path, 'utf8').trim()
    if (key.length >= 32) return key
    throw new ConfigError(
      `${path} is damaged: a key has at least 32 characters. Restore it from a backup; with another key, stored credentials must be entered again.`,
    )
  }
  const key = randomBytes(32).toString('hex')
  writeFileSync(path, `${key}\n`, { mode: 0o600, flag: 'wx' })
  return key
}

function unusable(dataDir: string, error: unknown): ConfigError {
  const code = (error as NodeJS.ErrnoException).code
  const why =
    code === 'ENOTDIR' || code === 'EEXIST'
      ? 'is not a folder'
      : code === 'ENOSPC'
        ? 'is on a disk that is full'
        : `cannot be written to by this user (${code})`
  return new ConfigError(
    `The data folder ${dataDir} ${why}. Give it to the user that runs Sluice, or name another with SLUICE_DATA_DIR.`,
    { cause: error },
  )
}
