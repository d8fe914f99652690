import { checkPort } from '../../src/embedded/check-port.ts'
import { loadOrCreateSecretKey, lockDataFolder, prepareDataFolder } from '../../src/embedded/data-folder.ts'
import { loadOrCreateCredentials } from '../../src/embedded/object-store/credentials.ts'
import { SAMPLE_NAME } from '../../src/embedded/sample-bytes.ts'
import { Supervisor } from '../../src/embedded/supervisor.ts'
import { ConfigError, type Env, readEnv } from '../../src/server/config/env.ts'
import { removeRuntime, writeRuntime } from '../../src/server/config/runtime.ts'
import { createDb } from '../../src/server/db/client.ts'
import { databaseFailure } from '../../src/server/db/database-failure.ts'
import { migrate } from '../../src/server/db/migrate.ts'
import { TransferError } from '../../src/server/domain/failure.ts'
import { createSealer } from '../../src/server/secrets.ts'
import { createSampleTransfer, EMBEDDED_BUCKET, saveEmbeddedBucket } from './first-run.ts'
import { createParts } from './parts.ts'
import { Terminal } from './terminal.ts'

/** A Ctrl-C reaches us from the terminal and again from npm and bootstrap, which pass it on: those are one. */
const SAME_SIGNAL_MS = 500

const terminal = new Terminal()
const supervisor = new Supervisor((sentence) => terminal.say(sentence))
/** What is given back at the end, the last first. */
const givesBack: (() => void)[] = []

/**
 * Everything Sluice needs in one terminal: `npm start`, and with `development` the pages and the engine as they are being
 * written. Ctrl-C stops all of it, a second Ctrl-C at once. Known failures are one sentence and exit code 1.
 */
export async function runSluice(mode: 'production' | 'development'): Promise<void> {
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    const env = readEnv()
    if (process.argv.includes('--show-keys')) return showKeys(env)
    stopOnSignals()
    await start(env, mode)
  } catch (error) {
    const wasAsked = supervisor.isStopping
    await supervisor.stop()
    giveBack()
    if (!wasAsked) process.stderr.write(`\n${sentenceOf(error)}\n`)
    process.exit(wasAsked ? 0 : 1)
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof TransferError) return error.message
  return databaseFailure(error)?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))
}

async function start(env: Env, mode: 'production' | 'development'): Promise<void> {
  prepareDataFolder(env.dataDir)
  givesBack.push(lockDataFolder(env.dataDir))
  await checkPorts(env)
  const secretKey = env.SLUICE_SECRET_KEY ?? loadOrCreateSecretKey(env.dataDir)
  const credentials = storeCredentials(env)
  const parts = createParts(env, mode, (sentence) => terminal.say(sentence))
  givesBack.push(() => parts.closeLogs())
  terminal.say('Starting Sluice')

  let databasePort: number | undefined
  const startDatabase = async () => {
    if (env.DATABASE_URL) return env.DATABASE_URL
    const launch = async () => {
      const postgres = await parts.postgres(databasePort)
      databasePort = postgres.port
      return postgres
    }
    return (await terminal.step('database', () => supervisor.start({ name: 'The database', launch }))).url
  }
  const all = await settleAll([
    startDatabase(),
    terminal.step('object store', () => supervisor.start({ name: 'The object store', launch: parts.objectStore })),
    supervisor.start({ name: 'The sample origin', launch: parts.sampleOrigin }),
  ])
  const [databaseUrl, objectStore, sampleOrigin] = all
  await terminal.step('schema', () => migrate(databaseUrl))
  const fileUrl = `http://${sampleOrigin.host}:${sampleOrigin.port}/${SAMPLE_NAME}`
  writeRuntime(env.dataDir, {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    webUrl: env.SLUICE_PUBLIC_URL,
    databaseUrl,
    secretKey,
    objectStore: { host: objectStore.host, port: objectStore.port },
    sampleOrigin: { host: sampleOrigin.host, port: sampleOrigin.port, fileUrl },
  })
  givesBack.push(() => removeRuntime(env.dataDir))

  const sealer = createSealer(secretKey)
  const db = createDb(databaseUrl, 2)
  try {
    const bucket = await saveEmbeddedBucket(db, sealer, credentials)
    await settleAll([
      terminal.step('engine', () => supervisor.start({ name: 'The engine', launch: parts.engine })),
      terminal.step('pages', () => supervisor.start({ name: 'The web', launch: parts.web })),
    ])
    await createSampleTransfer(db, sealer, { dataDir: env.dataDir, bucketId: bucket.id, fileUrl })
  } finally {
    await db.$disconnect()
  }
  terminal.say(`\nSluice is ready after ${terminal.elapsed()}:  ${env.SLUICE_PUBLIC_URL}\n`)
  terminal.say(
    `Files arrive in the bucket "${EMBEDDED_BUCKET}" and everything is kept in ${env.dataDir}. Ctrl-C stops it.`,
  )
}

/** As Promise.all, but waits for all before it throws: what is still starting must be known before it can be stopped. */
async function settleAll<T extends readonly unknown[]>(
  work: {
    [K in keyof T]: Promise<T[K]>
  },
): Promise<T> {
  const settled = await Promise.allSettled(work)
  const failed = settled.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return settled.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T
}

async function checkPorts(env: Env): Promise<void> {
  const host = env.SLUICE_HOST.replace(/^\[|\]$/g, '')
  const ports = [
    { host, port: env.PORT, what: 'the dashboard', variable: 'PORT' },
    { host, port: env.ENGINE_PORT, what: 'the engine', variable: 'ENGINE_PORT' },
    {
      host: '127.0.0.1',
      port: env.SLUICE_EMBEDDED_S3_PORT,
      what: 'the embedded object store',
      variable: 'SLUICE_EMBEDDED_S3_PORT',
    },
  ]
  for (const [index, { port, what, variable }] of ports.entries()) {
    const other = ports.slice(0, index).find((earlier) => earlier.port === port)
    if (other)
      throw new ConfigError(
        `${other.what} and ${what} both have port ${port}. Give ${variable} another number than ${other.variable}.`,
      )
  }
  for (const { host, port, what, variable } of ports) await checkPort(host, port, what, variable)
}

function storeCredentials(env: Env) {
  return loadOrCreateCredentials({
    dataDir: env.dataDir,
    endpoint: `http://127.0.0.1:${env.SLUICE_EMBEDDED_S3_PORT}`,
    accessKeyId: env.SLUICE_EMBEDDED_S3_ACCESS_KEY,
    secretAccessKey: env.SLUICE_EMBEDDED_S3_SECRET_KEY,
  })
}

function showKeys(env: Env): void {
  prepareDataFolder(env.dataDir)
  const credentials = storeCredentials(env)
  terminal.say(`endpoint           ${credentials.endpoint}
region             ${credentials.region}
bucket             ${EMBEDDED_BUCKET}
access key ID      ${credentials.accessKeyId}
secret access key  ${credentials.secretAccessKey}`)
}

function stopOnSignals(): void {
  let askedAt: number | null = null
  const stop = (why: string) => {
    const now = performance.now()
    if (askedAt === null) {
      askedAt = now
      void stopAll()
    } else if (why === 'SIGINT' && now - askedAt > SAME_SIGNAL_MS) {
      supervisor.kill()
      giveBack()
      process.exit(130)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal))
  // Our channel to bootstrap closes when that was killed without a word: nobody is left to stop us.
  if (process.connected) process.on('disconnect', () => stop('disconnect'))
}

async function stopAll(): Promise<void> {
  terminal.say('\nStopping: running transfers go on from their finished parts at the next start.')
  await supervisor.stop()
  giveBack()
  terminal.say('Stopped.')
  process.exit(0)
}

function giveBack(): void {
  for (const give of givesBack.splice(0).toReversed()) give()
}
