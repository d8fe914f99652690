import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createObjectStoreServer } from '../../src/embedded/object-store/server.ts'
import { startEngine } from '../../src/engine/engine.ts'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { readEnv } from '../../src/server/config/env.ts'
import type { TransferDetail } from '../../src/server/domain/transfer.ts'
import { createLog } from '../../src/server/log.ts'
import { type ApiHarness, SEALING_KEY, startApi } from './api-harness.ts'
import { until } from './until.ts'

const KEYS = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }

/** The API as a page calls it, with an engine that does what is asked, a store with a bucket `test`, and a source. */
export interface ApiWithEngine {
  readonly api: ApiHarness['api']
  readonly engineUrl: string
  readonly source: HostileSource
  readonly storeUrl: string
  /** A bucket to save, good unless something is put over it. */
  bucketDraft(over?: Partial<Record<'name' | 'endpoint' | 'bucket' | 'accessKeyId' | 'secretAccessKey', string>>): {
    name: string
    endpoint: string
    region: string
    bucket: string
    accessKeyId: string
    secretAccessKey: string
    forcePathStyle: boolean
  }
  /** The transfer once it has ended, or its story says something of this. */
  story(id: string, says?: RegExp): Promise<TransferDetail>
  close(): Promise<void>
}

/** Starts all of it in this process. `exemptSource`: the source may be reached although it is on loopback, by address and port. */
export async function startApiWithEngine(
  options: { env?: Record<string, string>; exemptSource?: boolean } = {},
): Promise<ApiWithEngine> {
  const harness = await startApi()
  const source = await createHostileSource()
  const dir = await mkdtemp(join(tmpdir(), 'sluice-api-'))
  const log = createLog('engine', process.env.SLUICE_TEST_LOG ?? 'silent')
  const store = await createObjectStoreServer({ dir, host: '127.0.0.1', port: 0, region: 'us-east-1', log, ...KEYS })
  await store.ensureBucket('test')
  const exemptListeners = [
    { host: '127.0.0.1', port: store.port },
    ...(options.exemptSource ? [{ host: '127.0.0.1', port: source.port }] : []),
  ]
  const connections = { databaseUrl: harness.databaseUrl, secretKey: SEALING_KEY, exemptListeners, sampleFileUrl: null }
  const env = readEnv({ SLUICE_LEASE_MS: '60000', ...options.env })
  const engine = await startEngine(env, connections, log)
  harness.services.enginePublicUrl = env.SLUICE_ENGINE_PUBLIC_URL ?? null
  return {
    api: harness.api,
    engineUrl: engine.url,
    source,
    storeUrl: store.url,
    bucketDraft: (over = {}) => ({
      name: 'test',
      endpoint: store.url,
      region: 'us-east-1',
      bucket: 'test',
      forcePathStyle: true,
      ...KEYS,
      ...over,
    }),
    story: (id, says) =>
      until(`the story of ${id}${says ? ` to say ${says}` : ''}`, async () => {
        const transfer = await harness.api.transfers.byId({ id })
        const hasEnded = transfer.status === 'completed' || transfer.status === 'failed'
        const isSaid = says !== undefined && transfer.events.some(({ message }) => says.test(message))
        return hasEnded || isSaid ? transfer : null
      }),
    async close() {
      await engine.stop()
      await source.close()
      await store.close()
      await harness.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
