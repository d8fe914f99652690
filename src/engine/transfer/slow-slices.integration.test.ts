import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { createObjectStoreServer, type ObjectStoreServer } from '../../embedded/object-store/server.ts'
import { setBandwidth } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { createLog } from '../../server/log.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'

// A store that ends a request which says nothing for so long, and a slice that takes longer than that.
const STORE_IDLE_MS = 7_500
const LIMIT = 250 * 1024
const SIZE_BYTES = 6 * MIB

let stack: EngineStack
let store: ObjectStoreServer
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-slow-'))
  const keys = { region: 'us-east-1', accessKeyId: 'slowkey', secretAccessKey: 'slowsecret' } as const
  const log = createLog('engine', 'silent')
  store = await createObjectStoreServer({ dir, host: '127.0.0.1', port: 0, idleTimeoutMs: STORE_IDLE_MS, log, ...keys })
  stack = await startEngineStack({ endpoint: store.url, ...keys })
})
afterEach(async () => {
  await stack.close()
  await store.close()
  await rm(dir, { recursive: true })
})

it('sends parts whose slices take longer than the store waits, without sending any of them again', async () => {
  await stack.startEngine({ SLUICE_PROFILE: 'high-throughput', SLUICE_MEMORY_BUDGET: '24MiB', SLUICE_READ_LANES: '1' })
  const sourceUrl = stack.source.serve('/slow.bin', { sizeBytes: SIZE_BYTES })
  const slow = { key: 'slow.bin', partSizeBytes: SIZE_BYTES, bandwidthLimitBytesPerSecond: LIMIT }
  const id = await stack.create({ sourceUrl, ...slow })
  // The second slice is over; it took more than eight seconds.
  await stack.until(id, ({ metrics }) => metrics.sourceBytes > 4.1 * MIB)
  await setBandwidth(stack.database.db, [id], null)
  const { parts, failure } = await stack.waitFor(id, 'completed', 'failed')
  expect(failure).toBeNull()
  expect(parts.map(({ retries }) => retries)).toEqual([0])
  expect(await stack.objectSha256('slow.bin')).toBe(patternSha256(SIZE_BYTES))
})
