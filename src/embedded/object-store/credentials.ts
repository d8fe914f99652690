import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError } from '../../server/config/env.ts'

const EMBEDDED_REGION = 'us-east-1'

/** What a client needs to speak to the embedded store. The secret is never logged. */
export interface ObjectStoreCredentials {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Where the credentials of a data folder are kept. */
export function credentialsPath(dataDir: string): string {
  return join(dataDir, 'object-store', 'credentials.json')
}

/**
 * The credentials of the embedded store: those given, else those kept in `object-store/credentials.json` of the data
 * folder, else new random ones. Writes the file whole (mode 600) when anything in it changed. Throws ConfigError where
 * only one of the two keys is given, or the file cannot be used.
 */
export function loadOrCreateCredentials(options: {
  readonly dataDir: string
  readonly endpoint: string
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
}): ObjectStoreCredentials {
  const { accessKeyId, secretAccessKey } = options
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw new ConfigError(
      'SLUICE_EMBEDDED_S3_ACCESS_KEY and SLUICE_EMBEDDED_S3_SECRET_KEY go together. Set both, or neither.',
    )
  const path = credentialsPath(options.dataDir)
  const kept = readKept(path)
  const keys =
    accessKeyId !== undefined && secretAccessKey !== undefined
      ? { accessKeyId, secretAccessKey }
      : (kept ?? { accessKeyId: `SLUICE${randomText(14)}`, secretAccessKey: randomText(40) })
  const credentials = {
    endpoint: options.endpoint,
    region: EMBEDDED_REGION,
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
  }
  const text = `${JSON.stringify(credentials, null, 2)}\n`
  if (kept?.text !== text) writeWhole(path, text)
  // The mode is set anew each time: a file copied from elsewhere may be readable by others.
  chmodSync(path, 0o600)
  return credentials
}

function readKept(path: string): { text: string; accessKeyId: string; secretAccessKey: string } | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new ConfigError(`${path} cannot be read. Give it to the user that runs Sluice, or remove it for new keys.`)
  }
  try {
    const kept: unknown = JSON.parse(text)
    if (typeof kept === 'object' && kept !== null && 'accessKeyId' in kept && 'secretAccessKey' in kept) {
      const { accessKeyId, secretAccessKey } = kept
      if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string' && accessKeyId && secretAccessKey)
        return { text, accessKeyId, secretAccessKey }
    }
  } catch {
    // Falls through to the sentence below: replacing keys that buckets are sealed with must be the person's choice.
  }
  throw new ConfigError(`${path} is damaged. Restore it, or remove it and Sluice makes new keys.`)
}

function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}

function randomText(length: number): string {
  const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'
  let text = ''
  while (text.length < length)
    for (const byte of randomBytes(length * 2)) {
      // Bytes beyond the last full turn of the alphabet are dropped, or its first letters would come more often.
      if (byte < 256 - (256 % alphabet.length) && text.length < length) text += alphabet[byte % alphabet.length]
    }
  return text
}
