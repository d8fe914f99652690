import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readEnv } from '../config/env.ts'
import { resolveConnections } from '../config/runtime.ts'
import { createDb } from '../db/client.ts'
import { listenForNotifications } from '../db/notifications.ts'
import { createLog } from '../log.ts'
import { createSealer } from '../secrets.ts'
import type { Services } from './context.ts'

/** Kept on globalThis because the development server loads modules again with each change; the pool must not grow with it. */
const holder = globalThis as { sluiceWebServices?: Services }

/** The services of the web process, made at the first request. Throws ConfigError where a setting cannot be used. */
export function webServices(): Services {
  holder.sluiceWebServices ??= createWebServices()
  return holder.sluiceWebServices
}

function createWebServices(): Services {
  const env = readEnv()
  const connections = resolveConnections(env)
  const log = createLog('web', env.SLUICE_LOG_LEVEL)
  return {
    db: createDb(connections.databaseUrl),
    sealer: createSealer(connections.secretKey),
    notifications: listenForNotifications(connections.databaseUrl, log),
    log,
    site: { host: env.SLUICE_HOST, port: env.PORT, publicUrl: env.SLUICE_PUBLIC_URL },
    enginePublicUrl: env.SLUICE_ENGINE_PUBLIC_URL ?? null,
    adminToken: env.SLUICE_ADMIN_TOKEN,
    version: readVersion(),
    stopping: stopSignal(),
  }
}

/** Next waits for open connections before it exits, and an open page holds one for its chart: those are ended by this. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
  return stop.signal
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8'))
  const version = (manifest as { version?: unknown }).version
  return typeof version === 'string' ? version : 'unknown'
}
