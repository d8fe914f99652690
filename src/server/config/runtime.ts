import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, type Env } from './env.ts'

/** An embedded server: exempt from the address guard by exact address and port. */
const listenerSchema = z.object({ host: z.string(), port: z.number().int() })

/**
 * What a running `npm start` tells the processes it starts, and a further `npm run engine`, about its embedded parts.
 * Kept in `runtime.json` of the data folder (mode 600, because the sealing key is in it) while it runs.
 */
const runtimeSchema = z.object({
  pid: z.number().int(),
  startedAt: z.string(),
  webUrl: z.string(),
  databaseUrl: z.string(),
  secretKey: z.string(),
  objectStore: listenerSchema.nullable(),
  sampleOrigin: listenerSchema.extend({ fileUrl: z.string() }).nullable(),
})
export type Runtime = z.infer<typeof runtimeSchema>

const runtimePath = (dataDir: string) => join(dataDir, 'runtime.json')

/** Writes `runtime.json` whole (temporary file, rename), readable by its owner alone. */
export function writeRuntime(dataDir: string, runtime: Runtime): void {
  const temporary = `${runtimePath(dataDir)}.${process.pid}`
  writeFileSync(temporary, `${JSON.stringify(runtime, null, 2)}\n`, { mode: 0o600 })
  chmodSync(temporary, 0o600)
  renameSync(temporary, runtimePath(dataDir))
}

/** Removes `runtime.json`, so that nobody joins parts that have stopped. */
export function removeRuntime(dataDir: string): void {
  rmSync(runtimePath(dataDir), { force: true })
}

/** What the `npm start` of this data folder says of itself, or null where none is running. */
export function readRuntime(dataDir: string): Runtime | null {
  let text: string
  try {
    text = readFileSync(runtimePath(dataDir), 'utf8')
  } catch {
    return null
  }
  const parsed = runtimeSchema.safeParse(parseJson(text))
  if (!parsed.success || !isAlive(parsed.data.pid)) return null
  return parsed.data
}

/** Where the database is, what credentials are sealed with, and which embedded servers may be reached on loopback. */
export interface Connections {
  databaseUrl: string
  secretKey: string
  exemptListeners: { host: string; port: number }[]
  sampleFileUrl: string | null
}

/** The environment first, a running `npm start` where it is silent. Throws ConfigError with what to do where both are. */
export function resolveConnections(env: Env): Connections {
  const runtime = readRuntime(env.dataDir)
  const databaseUrl = env.DATABASE_URL ?? runtime?.databaseUrl
  if (!databaseUrl)
    throw new ConfigError(
      'There is no database: set DATABASE_URL, or start everything on this machine with `npm start` first.',
    )
  const secretKey = env.SLUICE_SECRET_KEY ?? runtime?.secretKey
  if (!secretKey)
    throw new ConfigError(
      'SLUICE_SECRET_KEY is not set. It seals credentials; make one with `openssl rand -hex 32` and give it to web and engine alike.',
    )
  const listeners = [runtime?.objectStore, runtime?.sampleOrigin]
  return {
    databaseUrl,
    secretKey,
    exemptListeners: listeners.flatMap((listener) => (listener ? [{ host: listener.host, port: listener.port }] : [])),
    sampleFileUrl: runtime?.sampleOrigin?.fileUrl ?? null,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
