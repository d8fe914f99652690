import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { applyAction, setBandwidth } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import type { TransferDetail } from '../../server/domain/transfer.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'
import { slowSecondRead } from '../testing/slow-second-read.ts'

const SIZE_BYTES = 27 * MIB
const PARTS = 5
const expectedChecksum = { algorithm: 'sha256' as const, value: patternSha256(SIZE_BYTES) }

/** Decision 049: for the user's own SHA-256 of a parallel read, the source is read once more before Complete. */
describe('the second read of the source', () => {
  let stack: EngineStack
  let count = 0
  beforeAll(async () => {
    stack = await startEngineStack()
  })
  afterEach(() => stack.stopEngines())
  afterAll(() => stack.close())

  /** The first read is as fast as it goes; the second begins slowly and then hardly moves, until it is let go. */
  async function begin(bytesPerSecond?: number) {
    const key = `again-${++count}.bin`
    const path = `/${key}`
    const second = slowSecondRead(SIZE_BYTES, () => stack.source.requests(path), bytesPerSecond)
    const sourceUrl = stack.source.serve(path, second.answer)
    const id = await stack.create({ sourceUrl, key, partSizeBytes: 6 * MIB, expectedChecksum })
    return { id, key, path, letGo: second.letGo }
  }
  const isReadingAgain = ({ readingAgain }: TransferDetail) => (readingAgain?.readBytes ?? 0) > 0
  const readingsOf = ({ events }: TransferDetail) => events.filter(({ code }) => code === 'reading_source_again').length
  const rowOf = (id: string) => stack.database.db.transfer.findUniqueOrThrow({ where: { id } })
  const open = (path: string) => stack.source.requests(path).filter(({ isOpen }) => isOpen).length

  /** It ended well, and no part was sent or written down again since `before`. */
  async function expectCompleted(id: string, key: string, before: TransferDetail) {
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.readingAgain).toBeNull()
    expect(done.verification?.evidence[0]).toMatchObject({ kind: 'expected-checksum', algorithm: 'SHA256' })
    expect(done.parts).toEqual(before.parts)
    expect(done.metrics.bucketBytes).toBe(SIZE_BYTES)
    expect(done.events.filter(({ code }) => code === 'completed')).toHaveLength(1)
    expect(await stack.objectSha256(key)).toBe(patternSha256(SIZE_BYTES))
    expect(await stack.openUploads()).toEqual([])
    return done
  }

  it('is seen: how much of the size, how fast, and how long still; and is gone when it is over', async () => {
    await stack.startEngine()
    const { id, key, letGo } = await begin()
    const first = await stack.until(id, isReadingAgain)
    expect(first).toMatchObject({
      status: 'running',
      partsDone: PARTS,
      transferredBytes: SIZE_BYTES,
      readingAgain: { algorithm: 'sha256' },
    })
    const later = await stack.until(
      id,
      ({ readingAgain }) => (readingAgain?.readBytes ?? 0) > (first.readingAgain?.readBytes ?? 0),
    )
    expect(later.bytesPerSecond).toBeGreaterThan(0)
    const leftBytes = SIZE_BYTES - (later.readingAgain?.readBytes ?? 0)
    expect(later.etaSeconds).toBe(Math.ceil(leftBytes / (later.bytesPerSecond ?? 0)))
    expect(later.readLanes).toBeGreaterThan(0)
    expect(later.uploadLanes).toBe(0)
    // Who follows the samples sees that the source is read, and that nothing goes to the bucket.
    const samples = await stack.database.db.sample.findMany({ where: { transferId: id }, orderBy: { id: 'desc' } })
    expect(samples.some(({ sourceBytes, bucketBytes }) => sourceBytes > 0n && bucketBytes === 0n)).toBe(true)
    // Nothing at the key, and nothing said of completing, before the checksum is met.
    await expect(stack.objectSha256(key)).rejects.toThrow()
    expect((await rowOf(id)).completingSince).toBeNull()
    letGo()
    await expectCompleted(id, key, later)
  })

  it('ends at once when it is paused; resumed, it begins anew and nothing is sent twice', async () => {
    const engine = await stack.startEngine()
    const { id, key, path, letGo } = await begin()
    await stack.until(id, isReadingAgain)
    expect((await applyAction(stack.database.db, 'pause', [id])).changed).toEqual([id])
    await expect.poll(() => open(path)).toBe(0)
    await expect.poll(async () => (await rowOf(id)).completionEngineId).toBeNull()
    const paused = await stack.waitFor(id, 'paused')
    expect(paused.readingAgain).toBeNull()
    expect(paused.partsDone).toBe(PARTS)
    expect(await stack.openUploads()).toEqual([key])
    await expect(stack.objectSha256(key)).rejects.toThrow()
    letGo()
    const asked = stack.source.requests(path).length
    await applyAction(stack.database.db, 'resume', [id])
    const done = await expectCompleted(id, key, paused)
    expect(readingsOf(done)).toBe(2)
    const again = stack.source.requests(path).slice(asked)
    expect(again.reduce((sum, { bytesSent }) => sum + bytesSent, 0)).toBeGreaterThanOrEqual(SIZE_BYTES)
    expect(new Set(done.parts.map((part) => part.engineId))).toEqual(new Set([engine.id]))
  })

  it('is cancelled also while it is paused, and nothing is left', async () => {
    await stack.startEngine()
    const { id, key } = await begin()
    await stack.until(id, isReadingAgain)
    await applyAction(stack.database.db, 'pause', [id])
    await stack.waitFor(id, 'paused')
    await applyAction(stack.database.db, 'cancel', [id])
    await stack.waitFor(id, 'cancelled')
    expect(await stack.openUploads()).toEqual([])
    await expect(stack.objectSha256(key)).rejects.toThrow()
  })

  it('keeps to the bandwidth limit as it is now', async () => {
    await stack.startEngine()
    const { id, key, letGo } = await begin(MIB)
    await stack.until(id, isReadingAgain)
    await setBandwidth(stack.database.db, [id], 200_000)
    // The source goes on giving five times as much: let go before the engine has heard of the limit, it would be read to its end. The
    // speed that is shown follows what is measured by and by.
    const slow = await stack.until(id, ({ bytesPerSecond }) => bytesPerSecond !== null && bytesPerSecond < 400_000)
    expect(slow.readingAgain).not.toBeNull()
    letGo()
    await setBandwidth(stack.database.db, [id], null)
    await expectCompleted(id, key, slow)
  })

  it('is handed back when its engine is stopped, and another one begins it at once', async () => {
    const first = await stack.startEngine()
    const { id, key, letGo } = await begin()
    const before = await stack.until(id, isReadingAgain)
    await first.stop()
    const left = await rowOf(id)
    expect(left).toMatchObject({ status: 'running', completionEngineId: null, completionLeaseUntil: null })
    expect(left.live).toEqual({})
    letGo()
    // The lease of the first is a minute: were it not handed back, this one would wait for its end.
    await stack.startEngine()
    const done = await expectCompleted(id, key, before)
    expect(readingsOf(done)).toBe(2)
  })
})
