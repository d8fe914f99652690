import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { until } from '../../../e2e/stack/until.ts'
import { findFreePort } from '../../embedded/free-port.ts'
import { createTransfers } from '../../server/db/create-transfers.ts'
import { setEngineBandwidth } from '../../server/db/engine-settings.ts'
import { listEngines } from '../../server/db/engines.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { transferInputSchema } from '../../server/domain/transfer-input.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'
import { createHostileSource } from '../testing/hostile-source.ts'

const SIZE_BYTES = 64 * MIB
const LANES = 4
/** Of what is compared, so much has to have moved. */
const COMPARED_BYTES = 12 * MIB

describe('the bandwidth limit of an engine', () => {
  let stack: EngineStack
  beforeEach(async () => {
    stack = await startEngineStack()
  })
  afterEach(() => stack.close())

  const limitOf = async (id: string) => (await listEngines(stack.database.db)).find((engine) => engine.id === id)

  it('holds over all transfers together and shares it between them, until it is lifted while they run', async () => {
    const limit = 4 * MIB
    const settings = { SLUICE_BANDWIDTH_LIMIT: '4MiB', SLUICE_READ_LANES: String(LANES) }
    const engine = await stack.startEngine(settings)
    expect(await limitOf(engine.id)).toMatchObject({ bandwidthLimitBytesPerSecond: limit })
    const startedMs = performance.now()
    const keys = ['one.bin', 'two.bin']
    // Of two hosts, so that they do not share lanes.
    const other = await createHostileSource()
    // Until both read, they hardly do: neither has a start over the other.
    let isHeld = true
    const bytesPerSecond = () => (isHeld ? MIB / 64 : null)
    const inputs = [stack.source, other].map((source, index) => {
      const sourceUrl = source.serve(`/${keys[index]}`, { sizeBytes: SIZE_BYTES, bytesPerSecond })
      return transferInputSchema.parse({ sourceUrl, bucketId: stack.bucketId })
    })
    // In one step, so that both begin at once.
    const results = await createTransfers(stack.database.db, stack.sealer, inputs)
    const ids = results.flatMap((result) => ('id' in result ? [result.id] : []))
    expect(ids).toHaveLength(2)
    for (const id of ids) await stack.until(id, ({ readLanes }) => readLanes > 0)
    isHeld = false
    const bytesOf = async () => {
      const moved = await Promise.all(ids.map((id) => stack.until(id, () => true)))
      return moved.map(({ metrics }) => metrics.sourceBytes)
    }
    const sumOf = (bytes: readonly number[]) => bytes.reduce((sum, each) => sum + each, 0)
    const moved = await until('enough to compare', async () => {
      const bytes = await bytesOf()
      return sumOf(bytes) >= COMPARED_BYTES ? bytes : null
    })
    // All that was allowed since the start, and a read buffer of a MiB for each lane, read before it was told.
    const allowedBytes = ((performance.now() - startedMs) / 1000) * limit + 2 * LANES * MIB + limit / 10
    const sum = sumOf(moved)
    expect(sum).toBeLessThan(allowedBytes)
    for (const bytes of moved) expect(bytes).toBeGreaterThan(sum / 5)
    await setEngineBandwidth(stack.database.db, engine.id, null)
    expect(await limitOf(engine.id)).toMatchObject({ bandwidthLimitBytesPerSecond: null })
    for (const [index, id] of ids.entries()) {
      expect((await stack.waitFor(id, 'completed', 'failed')).failure).toBeNull()
      expect(await stack.objectSha256(keys[index] ?? '')).toBe(patternSha256(SIZE_BYTES))
    }
    await other.close()
  })

  it('is kept by the name of the engine, over a restart, and counts more than the environment', async () => {
    // Of its own: the usual one is taken by whichever test next door starts an engine between the two.
    const port = String(await findFreePort())
    const engine = await stack.startEngine({ ENGINE_PORT: port })
    await setEngineBandwidth(stack.database.db, engine.id, 3 * MIB)
    await engine.stop()
    const again = await stack.startEngine({ ENGINE_PORT: port, SLUICE_BANDWIDTH_LIMIT: '1MiB' })
    const inForce = async () => (await limitOf(again.id))?.stats?.bandwidthLimitBytesPerSecond
    await expect.poll(inForce).toBe(3 * MIB)
    await setEngineBandwidth(stack.database.db, again.id, null)
    await expect.poll(inForce).toBeNull()
  })

  it('is refused for an engine that is not there', async () => {
    const id = '0190b6b0-0000-7000-8000-000000000000'
    await expect(setEngineBandwidth(stack.database.db, id, 4096)).rejects.toMatchObject({ code: 'not_found' })
  })
})
