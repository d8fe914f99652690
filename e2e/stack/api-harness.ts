import { randomUUID } from 'node:crypto'
import type { ApiContext, Services } from '../../src/server/api/context.ts'
import { createCaller } from '../../src/server/api/root.ts'
import type { Db } from '../../src/server/db/client.ts'
import { newId } from '../../src/server/db/new-id.ts'
import { listenForNotifications } from '../../src/server/db/notifications.ts'
import { createLog } from '../../src/server/log.ts'
import { createSealer } from '../../src/server/secrets.ts'
import { createTestDatabase } from './test-database.ts'

export const ADMIN_TOKEN = 'admin-token-for-tests-only'
export const SEALING_KEY = 'a key for tests that is long enough'
const SITE = { host: '127.0.0.1', port: 3000, publicUrl: 'https://sluice.example.org' }

/** The API over a database of its own, without a web server: procedures are called in this process. */
export interface ApiHarness {
  databaseUrl: string
  db: Db
  services: Services
  /** The API as a page of our own calls it. */
  api: ReturnType<typeof createCaller>
  /** The same with other headers or another method. */
  callWith(request: {
    headers?: Record<string, string>
    method?: string
    services?: Services
  }): ReturnType<typeof createCaller>
  close(): Promise<void>
}

export async function startApi(): Promise<ApiHarness> {
  const database = await createTestDatabase()
  const log = createLog('web', 'silent')
  const notifications = listenForNotifications(database.url, log)
  await notifications.ready
  const services: Services = {
    db: database.db,
    sealer: createSealer(SEALING_KEY),
    notifications,
    log,
    site: SITE,
    enginePublicUrl: null,
    adminToken: ADMIN_TOKEN,
    version: '0.0.0-test',
    stopping: new AbortController().signal,
  }
  const callWith: ApiHarness['callWith'] = ({ headers = {}, method = 'GET', services: given = services }) => {
    const context: ApiContext = {
      services: given,
      method,
      headers: new Headers({ host: 'localhost:3000', ...headers }),
    }
    return createCaller(context)
  }
  return {
    databaseUrl: database.url,
    db: database.db,
    services,
    api: callWith({}),
    callWith,
    async close() {
      await notifications.close()
      await database.close()
    },
  }
}

/** A bucket as a person would add it. */
export function bucketInput(name = `bucket-${randomUUID().slice(0, 8)}`) {
  return {
    name,
    endpoint: 'https://s3.example.org',
    region: 'eu-central-1',
    bucket: 'data',
    accessKeyId: 'AKIDEXAMPLE1234',
    secretAccessKey: 'secret-of-the-bucket',
    forcePathStyle: true,
  }
}

/** Makes an engine row that beats, for an hour without being asked to, or did `agoMs` ago. */
export async function addEngine(db: Db, options: { agoMs?: number; stopped?: boolean } = {}): Promise<string> {
  const id = newId()
  const heartbeatAt = new Date(Date.now() - (options.agoMs ?? -3_600_000))
  await db.engine.create({
    data: {
      id,
      name: `engine-${id.slice(-4)}`,
      version: '0.0.0-test',
      pid: 1,
      url: 'http://127.0.0.1:3001',
      heartbeatAt,
      stoppedAt: options.stopped ? heartbeatAt : null,
      stats: {
        sourceBytesPerSecond: 10,
        bucketBytesPerSecond: 20,
        transfers: 1,
        readLanes: 1,
        uploadLanes: 1,
        bufferedBytes: 0,
        memoryBudgetBytes: 1,
        rssBytes: 1,
        cpuPercent: 1,
      },
    },
  })
  return id
}

/** The failure an API error carries, or a test failure where the call did not fail. */
export async function failureOf(call: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await call
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause ?? error
    const { toErrorData } = await import('../../src/server/api/errors.ts')
    return toErrorData(cause).failure
  }
  throw new Error('The call was expected to fail, but did not.')
}
