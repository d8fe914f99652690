import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import type { HostileAnswer, HostileRequest } from '../../src/engine/testing/hostile-behaviour.ts'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { saveBucket } from '../../src/server/db/buckets.ts'
import { createTransfer } from '../../src/server/db/create-transfers.ts'
import { getTransfer } from '../../src/server/db/transfers.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import type { TransferDetail, TransferStatus } from '../../src/server/domain/transfer.ts'
import { type TransferInput, transferInputSchema } from '../../src/server/domain/transfer-input.ts'
import { createSealer } from '../../src/server/secrets.ts'
import type { TestStore } from '../stack/engine-stack.ts'
import { createTestDatabase, type TestDatabase } from '../stack/test-database.ts'
import { until } from '../stack/until.ts'
import { bareEnv, type EngineProcess, type EngineProcessOptions, startEngineProcess } from './engine-process.ts'
import { type ChaosFacts, type ProcessFacts, readObject } from './invariants.ts'
import { LedgerMoments } from './ledger-moments.ts'
import { type Hold, type S3Gate, type S3Operation, startS3Gate } from './s3-gate.ts'
import { watchTransfer } from './watch-transfer.ts'

const STORE = resolve(import.meta.dirname, '..', '..', 'src', 'embedded', 'object-store-process.ts')
export const SECRET_KEY = 'a sealing key for chaos, 32 characters and more'
/** Kept out of every log: the bucket's secret key, and one that each link carries. */
export const CANARIES = ['chaos-secret-key-canary', 'chaos-link-canary'] as const
const KEYS = { accessKeyId: 'chaoskey', secretAccessKey: CANARIES[0] }
export const BUCKET = 'sluice'
/** For what has to happen sometime, on a machine that may do much else. */
const WAIT_MS = 180_000
/** A part of 6 MiB takes minutes, and no connection is taken for a dead one. */
const HELD_BYTES_PER_SECOND = MIB / 64
/** Outages are scaled to it. */
export const LEASE_MS = 3_000
/** Of those that are not to lose their work before they are killed or cut off: no stall is as long. */
export const LONG_LEASE = { SLUICE_LEASE_MS: '60000' }

/** A file of the source and the transfer that moves it, with the facts the invariants are judged by. */
export interface ChaosCase {
  readonly id: string
  readonly path: string
  readonly key: string
  /** Of the bytes of its file (byte-pattern.ts). */
  readonly seed: number
  /** How fast each connection gets it from now on, those that are open too; null: as fast as it goes. `heldBytes` as for `begin`. */
  setRate(bytesPerSecond: number | null, heldBytes?: number): void
  /** Facts for assertInvariants; ends the watch. Requests before the last `mark` count as before the fault. */
  facts(more?: Partial<ChaosFacts>): Promise<ChaosFacts>
  /** From here on requests count as after the fault. */
  mark(): void
  /** What is in the ledger now must not move any more; where somebody watches that is looked at ten times a second anyway. */
  snapshot(): Promise<void>
}

/** What a case is about. */
export interface ChaosFile {
  readonly sizeBytes: number
  readonly bytesPerSecond?: number
  /** So many bytes at its end hardly move until `setRate` is called: however slow the machine is, it is not done before. */
  readonly heldBytes?: number
  readonly input?: Partial<TransferInput>
  /** What is at its key before; it is overwritten. */
  readonly old?: string
  /** How the source answers, beside size and rate. */
  readonly answer?: HostileAnswer | ((request: HostileRequest) => HostileAnswer)
  /** Another way to the source than straight. */
  readonly sourceOrigin?: string
  /** False: nobody looks at it on the way, which costs less where there are many. */
  readonly isWatched?: boolean
}

/** A database, a store in a process, a source, and engines in processes. */
export interface ChaosStack {
  readonly database: TestDatabase
  readonly source: HostileSource
  readonly gate: S3Gate
  /** Straight to the store, past the gate. */
  readonly s3: S3Client
  readonly bucketId: string
  readonly engines: readonly EngineProcess[]
  startEngine(env?: Record<string, string>, over?: Partial<EngineProcessOptions>): Promise<EngineProcess>
  /** One that counts as on a machine of its own: what it leaves when it is killed has to wait for its leases, whoever starts here. */
  startEngineElsewhere(env?: Record<string, string>): Promise<EngineProcess>
  /** Makes a file and a transfer of it, and begins to watch both. */
  begin(file: ChaosFile): Promise<ChaosCase>
  /** The same, with a hold on its first such request that is there before the transfer is: none can slip through. */
  beginHeld(operation: S3Operation, when: 'before' | 'after', file: ChaosFile): Promise<ChaosCase & { held: Hold }>
  /**
   * kill -9, and the end of its sessions: nothing it has sent moves the ledger after that. With `leaseMs` what it leaves is held for
   * so long still, whatever its lease was: so it may have one that no stall outlasts, and nobody has to wait for that. Resolves with the
   * time at which its claims are over; null where it had none, or no `leaseMs` was given.
   */
  kill(engine: EngineProcess | undefined, leaseMs?: number): Promise<Date | null>
  waitFor(id: string, ...statuses: TransferStatus[]): Promise<TransferDetail>
  until(id: string, what: string, condition: (transfer: TransferDetail) => boolean): Promise<TransferDetail>
  /** Facts for assertProcesses, of a case in which no transfer moves. */
  processFacts(): ProcessFacts
  /** Ends all engines there are, for the next case. */
  endEngines(): Promise<void>
  close(): Promise<void>
}

/** Starts all but the engines. `database`: instead of one on the server of the tests; the caller closes it. */
export async function startChaosStack(
  options: { readonly store?: TestStore; readonly database?: TestDatabase } = {},
): Promise<ChaosStack> {
  const database = options.database ?? (await createTestDatabase())
  const source = await createHostileSource()
  const dir = await mkdtemp(join(tmpdir(), 'sluice-chaos-'))
  const store = options.store ? null : await startStore(dir)
  const connection = options.store ?? { endpoint: store?.endpoint ?? '', region: 'us-east-1', ...KEYS }
  const gate = await startS3Gate(connection.endpoint)
  const s3 = new S3Client({ ...connection, credentials: connection, forcePathStyle: true })
  if (options.store) await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
  const sealer = createSealer(SECRET_KEY)
  const bucket = {
    name: `chaos ${randomUUID()}`,
    bucket: BUCKET,
    forcePathStyle: true,
    prefix: '',
    ...connection,
    endpoint: gate.url,
  }
  const { id: bucketId } = await saveBucket(database.db, sealer, bucket)
  const engines: EngineProcess[] = []
  /** A stall of theirs may rightly lose a lease; of a lease of a minute it may not. */
  const withShortLease = new WeakSet<EngineProcess>()
  let files = 0
  const keyOf = (file: number) => `file-${file}.bin`

  const untilTransfer: ChaosStack['until'] = (id, what, condition) =>
    until(
      `${what} (transfer ${id})`,
      async () => {
        const transfer = await getTransfer(database.db, id).catch(() => null)
        return transfer && condition(transfer) ? transfer : null
      },
      WAIT_MS,
    ).catch(async (error) => {
      const { status, failure, events, partsDone, partsTotal } = await getTransfer(database.db, id)
      const claims = await database.db.partClaim.findMany({ where: { transferId: id } })
      const story = events.map((event) => event.message).reverse()
      throw new Error(
        `${error}\n${JSON.stringify({ status, failure, partsDone, partsTotal, claims, story }, null, 1)}\n${engines.map((one) => one.logs().slice(-3000)).join('\n--\n')}`,
      )
    })
  const stack: ChaosStack = {
    database,
    source,
    gate,
    s3,
    bucketId,
    engines,
    until: untilTransfer,
    waitFor: (id, ...statuses) => untilTransfer(id, statuses.join(' or '), ({ status }) => statuses.includes(status)),
    async startEngine(env = {}, over = {}) {
      const settings = {
        SLUICE_SECRET_KEY: SECRET_KEY,
        SLUICE_DATA_DIR: dir,
        SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
        SLUICE_LEASE_MS: String(LEASE_MS),
        // What a test holds may stand for as long as another engine takes to start.
        SLUICE_IDLE_TIMEOUT_MS: '600000',
        SLUICE_LOG_LEVEL: 'debug',
        ENGINE_PORT: String(await findFreePort()),
        ...env,
      }
      const engine = await startEngineProcess({ databaseUrl: database.url, env: settings, ...over })
      engines.push(engine)
      if (Number(settings.SLUICE_LEASE_MS) <= LEASE_MS) withShortLease.add(engine)
      return engine
    },
    async startEngineElsewhere(env = {}) {
      const engine = await stack.startEngine(env)
      await database.db.engine.update({ where: { id: engine.id }, data: { machine: `of ${engine.id}` } })
      return engine
    },
    async begin({
      sizeBytes,
      bytesPerSecond,
      heldBytes = 0,
      input = {},
      old,
      answer = {},
      sourceOrigin = source.origin,
      isWatched = true,
    }) {
      const seed = ++files
      const path = `/file-${seed}.bin?signature=${CANARIES[1]}`
      let rate = bytesPerSecond ?? null
      let heldFromByte = sizeBytes - heldBytes
      const serve = () =>
        source.serve(path, (request) => ({
          sizeBytes,
          seed,
          bytesPerSecond: () => ((request.range?.startByte ?? 0) < heldFromByte ? rate : HELD_BYTES_PER_SECOND),
          ...(typeof answer === 'function' ? answer(request) : answer),
        }))
      serve()
      const setRate = (wanted: number | null, held = 0) => {
        rate = wanted
        heldFromByte = held > 0 ? sizeBytes - held : Number.POSITIVE_INFINITY
        // Also where the test has put something else in its place meanwhile.
        serve()
      }
      const key = keyOf(seed)
      const sourceUrl = `${sourceOrigin}${path}`
      if (old !== undefined) await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: old }))
      const previous = old === undefined ? null : await readObject(s3, BUCKET, key)
      const overwrite = previous && { ifExists: 'overwrite' }
      const wanted = { bucketId, sourceUrl, key, partSizeBytes: 6 * MIB, ...overwrite, ...input }
      const parsed = transferInputSchema.parse(wanted)
      const { id } = await createTransfer(database.db, sealer, parsed)
      const at = { db: database.db, s3, bucket: BUCKET, transferId: id }
      const partsOf = () => gate.requests('part').filter((one) => one.path.endsWith(`/${key}`))
      const traffic = { asked: () => source.requests(path), sent: partsOf }
      const moments = new LedgerMoments(database.db, id, traffic)
      const watch = isWatched ? watchTransfer({ ...at, moments }) : null
      let asked = 0
      let sent = 0
      return {
        id,
        path,
        key,
        seed,
        setRate,
        snapshot: () => moments.take(),
        mark() {
          asked = source.requests(path).length
          sent = partsOf().length
        },
        facts: async (more) => ({
          ...at,
          ...stack.processFacts(),
          sha256: patternSha256(sizeBytes, seed),
          previous,
          seen: (await watch?.stop()) ?? [],
          moments: moments.all(),
          hasZombie: engines.some((one) => withShortLease.has(one) && hasLostLease(one, id)),
          openRequests: () =>
            [...source.requests(path), ...gate.requests().filter((one) => one.path.endsWith(`/${key}`))].filter(
              ({ isOpen }) => isOpen,
            ).length,
          ...moments.since(asked, sent),
          ...more,
        }),
      }
    },
    async beginHeld(operation, when, file) {
      const held = gate.hold(operation, when, keyOf(files + 1))
      return { ...(await stack.begin(file)), held }
    },
    async kill(engine, leaseMs) {
      if (!engine) return null
      await engine.kill()
      await until(`the sessions of ${engine.id} to end`, async () => {
        const sessions = await database.db.$queryRaw<unknown[]>`
          SELECT pid FROM pg_stat_activity WHERE application_name = ${engine.sessionName}`
        return sessions.length === 0
      })
      if (leaseMs === undefined) return null
      const id = engine.id
      await database.db.$executeRaw`
        UPDATE "Transfer" SET "completionLeaseUntil" = now() + ${leaseMs} * interval '1 millisecond'
        WHERE "completionEngineId" = ${id}::uuid`
      const [left] = await database.db.$queryRaw<{ leaseUntil: Date }[]>`
        UPDATE "PartClaim" SET "leaseUntil" = now() + ${leaseMs} * interval '1 millisecond'
        WHERE "engineId" = ${id}::uuid RETURNING "leaseUntil"`
      return left?.leaseUntil ?? null
    },
    processFacts: () => ({
      logs: engines.map((one) => one.logs()).join('\n'),
      canaries: CANARIES,
      processes: engines.filter(({ isRunning }) => isRunning).map(({ measured }) => measured),
      openRequests: () => [...source.requests(), ...gate.requests()].filter(({ isOpen }) => isOpen).length,
    }),
    async endEngines() {
      await Promise.all(engines.map((engine) => engine.kill()))
      engines.length = 0
      // What a failed case left behind is not to be moved by the engines of the next.
      await database.db.partClaim.deleteMany({})
      await database.db.transfer.updateMany({
        where: { status: { in: ['queued', 'running'] } },
        data: { status: 'paused' },
      })
    },
    async close() {
      await stack.endEngines()
      s3.destroy()
      await gate.close()
      await source.close()
      await store?.stop()
      if (!options.database) await database.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
  return stack
}

/**
 * Whether an engine says that it lost its lease on a transfer. One that stood still for so long, for whatever reason, may have sent late
 * what another had sent meanwhile.
 */
function hasLostLease(engine: EngineProcess, transferId: string): boolean {
  return engine
    .logs()
    .split('\n')
    .some((line) => line.includes('"why":"lease-lost"') && line.includes(transferId))
}

/** The embedded store in a process of its own, as `npm start` runs it. */
async function startStore(dir: string): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const child = fork(STORE, [], {
    env: {
      ...bareEnv(),
      SLUICE_DATA_DIR: dir,
      SLUICE_EMBEDDED_S3_PORT: String(await findFreePort()),
      SLUICE_EMBEDDED_S3_ACCESS_KEY: KEYS.accessKeyId,
      SLUICE_EMBEDDED_S3_SECRET_KEY: KEYS.secretAccessKey,
      SLUICE_LOG_LEVEL: 'warn',
    },
  })
  const message = await new Promise<{ ready?: { host: string; port: number }; failure?: string }>((settle, fail) => {
    child.once('message', settle)
    child.once('exit', () => fail(new Error('The store ended before it was ready.')))
  })
  if (!message.ready) throw new Error(message.failure ?? 'The store did not start.')
  return {
    endpoint: `http://${message.ready.host}:${message.ready.port}`,
    stop: () =>
      new Promise((done) => {
        child.once('exit', () => done())
        child.kill('SIGTERM')
      }),
  }
}
