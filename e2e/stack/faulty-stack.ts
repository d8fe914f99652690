import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { createObjectStoreServer } from '../../src/embedded/object-store/server.ts'
import { createFaultyObjectStore, type FaultyObjectStore } from '../../src/engine/testing/faulty-object-store.ts'
import { createLog } from '../../src/server/log.ts'
import { type EngineStack, startEngineStack, type TestStore } from './engine-stack.ts'

/** Kept out of every log. */
export const STORE_SECRET = 'faulty-store-secret-canary'
const KEYS = { accessKeyId: 'testkey', secretAccessKey: STORE_SECRET }

/** An engine stack whose bucket lies behind a faulty store; `direct` goes past it, for what a test does itself. */
export interface FaultyStack {
  readonly stack: EngineStack
  readonly faulty: FaultyObjectStore
  readonly direct: S3Client
  close(): Promise<void>
}

/** Starts one before the embedded store, or before a store that the caller started. */
export async function startFaultyStack(store?: TestStore): Promise<FaultyStack> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-faulty-'))
  const log = createLog('engine', 'silent')
  const embedded = store
    ? null
    : await createObjectStoreServer({ dir, host: '127.0.0.1', port: 0, region: 'us-east-1', log, ...KEYS })
  const real = store ?? { endpoint: embedded?.url ?? '', region: 'us-east-1', ...KEYS }
  const faulty = await createFaultyObjectStore(real.endpoint)
  const stack = await startEngineStack({ ...real, endpoint: faulty.endpoint })
  const direct = new S3Client({
    endpoint: real.endpoint,
    region: real.region,
    credentials: { accessKeyId: real.accessKeyId, secretAccessKey: real.secretAccessKey },
    forcePathStyle: true,
  })
  return {
    stack,
    faulty,
    direct,
    async close() {
      faulty.behave(null)
      await stack.close()
      direct.destroy()
      await faulty.close()
      await embedded?.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
