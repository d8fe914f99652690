import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { createObjectStoreServer } from '../../src/embedded/object-store/server.ts'
import { type Engine, startEngine } from '../../src/engine/engine.ts'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { readEnv } from '../../src/server/config/env.ts'
import { saveBucket } from '../../src/server/db/buckets.ts'
import { createTransfer } from '../../src/server/db/create-transfers.ts'
import { getTransfer } from '../../src/server/db/transfers.ts'
import type { TransferDetail, TransferStatus } from '../../src/server/domain/transfer.ts'
import { type TransferInput, transferInputSchema } from '../../src/server/domain/transfer-input.ts'
import { createLog } from '../../src/server/log.ts'
import { createSealer, type Sealer } from '../../src/server/secrets.ts'
import { createTestDatabase, type TestDatabase } from './test-database.ts'

const SECRET_KEY = 'a sealing key for tests, 32 characters and more'
const KEYS = { accessKeyId: 'testkey', secretAccessKey: 'testsecret-canary' }
/** For what has to happen sometime, on a machine that may do much else. */
const WAIT_MS = 180_000

/** No engine of this process dies, so none needs to lose its parts, however slow the machine is. */
const LONG_LEASE_MS = '60000'

/** An S3 to test against: the embedded store, or one that the caller started. */
export interface TestStore {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A database, a store, a source and as many engines as a test wants, all in this process, on ports of their own. */
export interface EngineStack {
  readonly database: TestDatabase
  readonly source: HostileSource
  readonly bucketId: string
  readonly sealer: Sealer
  readonly s3: S3Client
  /** An engine of this process; `databaseUrl` is another way to the same database. */
  startEngine(env?: Record<string, string>, databaseUrl?: string): Promise<Engine>
  /** Stops all that were started. */
  stopEngines(): Promise<void>
  create(input: Omit<Partial<TransferInput>, 'sourceUrl'> & { sourceUrl: string }): Promise<string>
  /** The transfer once it is in one of the states; fails with its state and events when that takes too long. */
  waitFor(id: string, ...statuses: TransferStatus[]): Promise<TransferDetail>
  until(id: string, condition: (transfer: TransferDetail) => boolean): Promise<TransferDetail>
  /** Another bucket in the same store; returns its id. */
  addBucket(name: string): Promise<string>
  objectSha256(key: string, bucket?: string): Promise<string>
  /** What the engines wrote so far, one JSON object a line, at level debug. */
  logs(): string
  /** Multipart uploads that are open in the bucket. */
  openUploads(): Promise<string[]>
  close(): Promise<void>
}

/** Starts one with a bucket named `test`; engines are started by the test. */
export async function startEngineStack(store?: TestStore): Promise<EngineStack> {
  const database = await createTestDatabase()
  const source = await createHostileSource()
  const dir = await mkdtemp(join(tmpdir(), 'sluice-stack-'))
  const lines: string[] = []
  const shown = process.env.SLUICE_TEST_LOG
  const log = shown
    ? createLog('engine', shown)
    : createLog('engine', 'debug', { write: (line) => void lines.push(line) })
  const embedded = store
    ? null
    : await createObjectStoreServer({ dir, host: '127.0.0.1', port: 0, region: 'us-east-1', log, ...KEYS })
  const connection = store ?? { endpoint: embedded?.url ?? '', region: 'us-east-1', ...KEYS }
  const s3 = new S3Client({
    endpoint: connection.endpoint,
    region: connection.region,
    credentials: connection,
    forcePathStyle: true,
  })
  const sealer = createSealer(SECRET_KEY)
  const addBucket = async (name: string) => {
    if (embedded) await embedded.ensureBucket(name)
    else await s3.send(new CreateBucketCommand({ Bucket: name }))
    const bucket = { name, bucket: name, forcePathStyle: true, prefix: '', ...connection }
    return (await saveBucket(database.db, sealer, bucket)).id
  }
  const bucketId = await addBucket('test')
  const engines: Engine[] = []

  const until: EngineStack['until'] = async (id, condition) => {
    const deadline = performance.now() + WAIT_MS
    for (;;) {
      const transfer = await getTransfer(database.db, id)
      if (condition(transfer)) return transfer
      if (performance.now() > deadline) {
        const story = transfer.events.map((event) => event.message).reverse()
        const claims = await database.db.partClaim.findMany({ where: { transferId: id } })
        story.push(
          `${transfer.partsDone} of ${transfer.partsTotal} parts counted, ${transfer.parts.length} in the ledger`,
        )
        story.push(`claims ${JSON.stringify(claims)}`, `moving ${transfer.movingParts.join(', ')}`)
        throw new Error(
          `The transfer is ${transfer.status} with ${transfer.transferredBytes} bytes: ${story.join(' | ')}`,
        )
      }
      await delay(50)
    }
  }
  const stopEngines = async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()))
  }
  return {
    database,
    source,
    bucketId,
    sealer,
    s3,
    until,
    waitFor: (id, ...statuses) => until(id, (transfer) => statuses.includes(transfer.status)),
    async startEngine(env = {}, databaseUrl = database.url) {
      const settings = { SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8', SLUICE_LEASE_MS: LONG_LEASE_MS, ...env }
      const connections = { databaseUrl, secretKey: SECRET_KEY, exemptListeners: [], sampleFileUrl: null }
      const engine = await startEngine(readEnv(settings), connections, log)
      engines.push(engine)
      return engine
    },
    stopEngines,
    async create(input) {
      const parsed = transferInputSchema.parse({ bucketId, ...input })
      return (await createTransfer(database.db, sealer, parsed)).id
    },
    addBucket,
    async objectSha256(key, bucket = 'test') {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      const hash = createHash('sha256')
      for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk)
      return hash.digest('hex')
    },
    logs: () => lines.join(''),
    async openUploads() {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: 'test' }))
      return Uploads.map((upload) => upload.Key ?? '')
    },
    async close() {
      await stopEngines()
      s3.destroy()
      await source.close()
      await embedded?.close()
      await database.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
