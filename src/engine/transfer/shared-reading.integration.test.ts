import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { createTransfers } from '../../server/db/create-transfers.ts'
import { applyAction } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { transferInputSchema } from '../../server/domain/transfer-input.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'
import { SMALL_BYTES } from './one-request.ts'

const SIZE = 24 * MIB
/** The first contact asks for what a small file has, and hangs up; kernels on both sides may have taken all of that. */
const PROBE_BYTES = SMALL_BYTES
/** An hour: nothing that is shared is taken for a source that went silent, however slow the machine is. */
const PATIENT = { SLUICE_IDLE_TIMEOUT_MS: '3600000' }

describe('transfers of one file', () => {
  let stack: EngineStack
  const buckets: string[] = []
  beforeAll(async () => {
    stack = await startEngineStack()
    buckets.push(await stack.addBucket('one'), await stack.addBucket('two'), await stack.addBucket('three'))
  })
  afterEach(() => stack.stopEngines())
  afterAll(() => stack.close())

  const createAll = async (sourceUrl: string, key: string, more: object = {}) => {
    const inputs = buckets.map((bucketId) => transferInputSchema.parse({ bucketId, sourceUrl, key, ...more }))
    const results = await createTransfers(stack.database.db, stack.sealer, inputs)
    return results.map((result) => ('id' in result ? result.id : ''))
  }

  it.each([
    ['held parts', {}, {}],
    ['streamed parts', { SLUICE_MEMORY_BUDGET: '32MiB' }, { partSizeBytes: 16 * MIB }],
    // Room for all of it: how far one is ahead of another is the machine's doing.
    ['small slices', { SLUICE_PROFILE: 'low-memory', SLUICE_CACHE_MEMORY: '128MiB' }, { partSizeBytes: 6 * MIB }],
  ])('into three buckets read the source once, with %s', async (name, env, more) => {
    const path = `/${name.replaceAll(' ', '-')}.bin`
    const sourceUrl = stack.source.serve(path, { sizeBytes: SIZE })
    const ids = await createAll(sourceUrl, path.slice(1), more)
    await stack.startEngine({ ...PATIENT, ...env })
    const done = await Promise.all(ids.map((id) => stack.waitFor(id, 'completed', 'failed')))
    for (const [index, transfer] of done.entries()) {
      expect(transfer.failure).toBeNull()
      expect(transfer.verification?.verdict).toBe('verified')
      expect(await stack.objectSha256(path.slice(1), ['one', 'two', 'three'][index])).toBe(patternSha256(SIZE))
    }
    expect(stack.source.bytesSent(path)).toBeLessThanOrEqual(SIZE + 3 * PROBE_BYTES)
    const sourceBytes = done.reduce((sum, { metrics }) => sum + metrics.sourceBytes, 0)
    const cacheBytes = done.reduce((sum, { metrics }) => sum + metrics.cacheBytes, 0)
    // Each byte is on one account alone: that of the transfer whose request brought it.
    expect([sourceBytes, cacheBytes]).toEqual([SIZE, 2 * SIZE])
  })

  it('go on when the one that asked first is cancelled', async () => {
    const path = '/cancelled.bin'
    // The second half hardly comes before the first is gone: it cannot be done.
    let isHeld = true
    const sourceUrl = stack.source.serve(path, ({ range }) => ({
      sizeBytes: SIZE,
      bytesPerSecond: () => (isHeld && (range?.startByte ?? 0) >= SIZE / 2 ? MIB / 64 : 2 * MIB),
    }))
    await stack.startEngine(PATIENT)
    const [first = '', second = '', third = ''] = await createAll(sourceUrl, 'cancelled.bin')
    await stack.until(first, ({ metrics }) => metrics.sourceBytes + metrics.cacheBytes > 4 * MIB)
    await applyAction(stack.database.db, 'cancel', [first])
    expect((await stack.waitFor(first, 'cancelled', 'completed')).status).toBe('cancelled')
    isHeld = false
    for (const id of [second, third]) expect((await stack.waitFor(id, 'completed', 'failed')).failure).toBeNull()
    expect(await stack.objectSha256('cancelled.bin', 'two')).toBe(patternSha256(SIZE))
    expect(await stack.objectSha256('cancelled.bin', 'three')).toBe(patternSha256(SIZE))
    // Not more is read twice than what the first alone had wanted when it went.
    expect(stack.source.bytesSent(path)).toBeLessThan(SIZE * 1.5)
  })
})
