import { join } from 'node:path'
import { ConfigError, readEnv } from '../server/config/env.ts'
import { createLog } from '../server/log.ts'
import { loadOrCreateCredentials } from './object-store/credentials.ts'
import { createObjectStoreServer } from './object-store/server.ts'

// The embedded object store as a process of its own: hashing and copying a gigabyte must not hold up the supervisor.

/** What the processes of the embedded parts tell their supervisor once. */
export type ReadyMessage = { ready: { host: string; port: number } } | { failure: string }

const HOST = '127.0.0.1'

try {
  const env = readEnv()
  const credentials = loadOrCreateCredentials({
    dataDir: env.dataDir,
    endpoint: `http://${HOST}:${env.SLUICE_EMBEDDED_S3_PORT}`,
    accessKeyId: env.SLUICE_EMBEDDED_S3_ACCESS_KEY,
    secretAccessKey: env.SLUICE_EMBEDDED_S3_SECRET_KEY,
  })
  const server = await createObjectStoreServer({
    dir: join(env.dataDir, 'object-store'),
    host: HOST,
    port: env.SLUICE_EMBEDDED_S3_PORT,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.secretAccessKey,
    region: 'us-east-1',
    log: createLog('start', env.SLUICE_LOG_LEVEL),
  })
  await server.ensureBucket('sluice')
  process.once('SIGTERM', () => {
    server.close().finally(() => process.exit(0))
  })
  process.send?.({ ready: { host: HOST, port: server.port } } satisfies ReadyMessage)
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.send?.({ failure: error.message } satisfies ReadyMessage, () => process.exit(1))
}
