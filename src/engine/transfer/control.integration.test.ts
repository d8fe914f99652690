import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { saveBucket } from '../../server/db/buckets.ts'
import { applyAction, setBandwidth } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'

const SIZE_BYTES = 144 * MIB
/** Of those that something is done to while they run: the first parts come at a pace, the later ones hardly until they are let go. */
const PACED_BYTES = 72 * MIB
const HELD_FROM_BYTE = 30 * MIB
const SHAPE = { partSizeBytes: 6 * MIB, lanes: 3 }
const EIGHT_LANES = { SLUICE_READ_LANES: '8' }

describe('a running transfer', () => {
  let stack: EngineStack
  beforeEach(async () => {
    stack = await startEngineStack()
  })
  afterEach(() => stack.close())

  /** However slow the machine is, it is not done before it is let go, and the last parts have not come. */
  const startPaced = async (path: string, heldFromByte = HELD_FROM_BYTE) => {
    let isHeld = true
    const sourceUrl = stack.source.serve(path, ({ range }) => ({
      sizeBytes: PACED_BYTES,
      bytesPerSecond: () => (isHeld && (range?.startByte ?? 0) >= heldFromByte ? MIB / 64 : 6 * MIB),
    }))
    const id = await stack.create({ sourceUrl, ...SHAPE })
    const letGo = () => {
      isHeld = false
    }
    return { id, letGo }
  }
  const startPacedWithAPart = async (path: string) => {
    const started = await startPaced(path)
    await stack.until(started.id, (transfer) => transfer.partsDone >= 1)
    return started
  }

  it('correctness 31: stops when it is paused, keeps its parts, and goes on from them', async () => {
    await stack.startEngine(EIGHT_LANES)
    const { id } = await startPacedWithAPart('/paused.bin')
    expect((await applyAction(stack.database.db, 'pause', [id])).changed).toEqual([id])
    const claims = () => stack.database.db.partClaim.count({ where: { transferId: id, engineId: { not: null } } })
    await stack.until(id, (transfer) => transfer.readLanes === 0 && transfer.uploadLanes === 0)
    await expect.poll(claims).toBe(0)
    const paused = await stack.waitFor(id, 'paused')
    expect(paused.partsDone).toBeGreaterThanOrEqual(1)
    stack.source.serve('/paused.bin', { sizeBytes: PACED_BYTES })
    await applyAction(stack.database.db, 'resume', [id])
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.partSizeBytes).toBe(paused.partSizeBytes)
    // Parts finish in any order, so those that were kept are found by their numbers.
    const finished = new Map(done.parts.map((part) => [part.number, part.finishedAt.getTime()]))
    for (const part of paused.parts) expect(finished.get(part.number)).toBe(part.finishedAt.getTime())
    expect(await stack.objectSha256('paused.bin')).toBe(patternSha256(PACED_BYTES))
  })

  it('correctness 41: leaves no upload behind when it is cancelled', async () => {
    await stack.startEngine(EIGHT_LANES)
    const { id } = await startPacedWithAPart('/cancelled.bin')
    expect(await stack.openUploads()).toEqual(['cancelled.bin'])
    await applyAction(stack.database.db, 'cancel', [id])
    await stack.waitFor(id, 'cancelled')
    expect(await stack.openUploads()).toEqual([])
    await expect(stack.objectSha256('cancelled.bin')).rejects.toThrow()
  })

  it('is taken over at once by another engine when its own is stopped', async () => {
    const first = await stack.startEngine(EIGHT_LANES)
    const { id, letGo } = await startPacedWithAPart('/handed-over.bin')
    const stopped = first.stop()
    letGo()
    await stopped
    const before = await stack.until(id, () => true)
    expect(before.partsDone).toBeGreaterThanOrEqual(1)
    stack.source.serve('/handed-over.bin', { sizeBytes: PACED_BYTES })
    await stack.startEngine(EIGHT_LANES)
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(new Set(done.parts.map((part) => part.engineId)).size).toBe(2)
    expect(await stack.objectSha256('handed-over.bin')).toBe(patternSha256(PACED_BYTES))
  })

  it('is shared by two engines, and each part is moved once', async () => {
    const [one, two] = await Promise.all([stack.startEngine(EIGHT_LANES), stack.startEngine(EIGHT_LANES)])
    const { id, letGo } = await startPaced('/shared.bin', 0)
    const held = { transferId: id, engineId: { not: null } }
    const holders = () => stack.database.db.partClaim.groupBy({ by: ['engineId'], where: held })
    await expect.poll(async () => (await holders()).length).toBe(2)
    letGo()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(new Set(done.parts.map((part) => part.engineId))).toEqual(new Set([one.id, two.id]))
    expect(done.metrics.bucketBytes).toBe(PACED_BYTES)
    expect(await stack.objectSha256('shared.bin')).toBe(patternSha256(PACED_BYTES))
  })

  it('keeps to a bandwidth limit, which can be lifted while it runs', async () => {
    await stack.startEngine(EIGHT_LANES)
    const sourceUrl = stack.source.serve('/limited.bin', { sizeBytes: SIZE_BYTES })
    const limitBytesPerSecond = 4 * MIB
    const id = await stack.create({ sourceUrl, bandwidthLimitBytesPerSecond: limitBytesPerSecond })
    const { metrics } = await stack.until(id, (transfer) => transfer.metrics.activeMs > 2500)
    // What a lane has read already is taken before it is told to wait: one read buffer of a MiB for each lane.
    const allowedBytes = (metrics.activeMs / 1000) * limitBytesPerSecond + 8 * MIB + limitBytesPerSecond / 10
    expect(metrics.sourceBytes).toBeLessThan(allowedBytes)
    expect(allowedBytes).toBeLessThan(SIZE_BYTES)
    await setBandwidth(stack.database.db, [id], null)
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(await stack.objectSha256('limited.bin')).toBe(patternSha256(SIZE_BYTES))
  })

  it('fails and leaves nothing when the source changes under it', async () => {
    // Seven parts are held. With a lane for each of them, all could be on their way when it changes, and nothing be asked for any more.
    await stack.startEngine({ SLUICE_READ_LANES: '2' })
    const { id, letGo } = await startPacedWithAPart('/changing.bin')
    stack.source.serve('/changing.bin', { sizeBytes: PACED_BYTES, etag: '"v2"', seed: 2 })
    letGo()
    const failed = await stack.waitFor(id, 'failed', 'completed')
    expect(failed.failure).toMatchObject({ code: 'source_changed', retry: 'never' })
    await expect.poll(() => stack.openUploads()).toEqual([])
  })

  it('goes on after resets, from the byte that was reached', async () => {
    await stack.startEngine(EIGHT_LANES)
    const sourceUrl = stack.source.serve('/resets.bin', (request) => ({
      sizeBytes: SIZE_BYTES,
      ...(request.index % 3 === 1 && { breakAfterBytes: MIB, breakBy: 'reset' as const }),
    }))
    const id = await stack.create({ sourceUrl })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.sourceRetries).toBeGreaterThan(0)
    // A broken read begun anew would copy its bytes twice, 25 MiB in all; a race for a last slice copies less than a slice.
    expect(done.metrics.bytesCopied).toBeLessThan(SIZE_BYTES + 8 * MIB)
    expect(await stack.objectSha256('resets.bin')).toBe(patternSha256(SIZE_BYTES))
  })

  it('fails with a sentence when the bucket cannot be reached, instead of trying for ever', async () => {
    await stack.startEngine(EIGHT_LANES)
    const bucket = { endpoint: 'http://127.0.0.1:9', region: 'us-east-1', bucket: 'gone', forcePathStyle: true }
    const keys = { accessKeyId: 'anykey', secretAccessKey: 'anysecret' }
    const { id: bucketId } = await saveBucket(stack.database.db, stack.sealer, { name: 'gone', ...bucket, ...keys })
    const sourceUrl = stack.source.serve('/no-bucket.bin', { sizeBytes: 1000 })
    const id = await stack.create({ sourceUrl, bucketId })
    const failed = await stack.waitFor(id, 'failed')
    expect(failed.failure?.code).toBe('bucket_unreachable')
    expect(failed.events.filter((event) => event.code === 'waiting').length).toBeLessThanOrEqual(4)
  })

  it('finds its way back when its claims are gone although parts are missing', async () => {
    const first = await stack.startEngine(EIGHT_LANES)
    const { id, letGo } = await startPacedWithAPart('/stranded.bin')
    const stopped = first.stop()
    letGo()
    await stopped
    await stack.database.db.partClaim.deleteMany({ where: { transferId: id } })
    stack.source.serve('/stranded.bin', { sizeBytes: PACED_BYTES })
    await stack.startEngine(EIGHT_LANES)
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(await stack.objectSha256('stranded.bin')).toBe(patternSha256(PACED_BYTES))
  })

  it('verifies a completed object again when asked, and says when it is gone', async () => {
    await stack.startEngine(EIGHT_LANES)
    const id = await stack.create({ sourceUrl: stack.source.serve('/again.bin', { sizeBytes: 9 * MIB }) })
    await stack.waitFor(id, 'completed')
    await applyAction(stack.database.db, 'verify', [id])
    const verified = await stack.until(
      id,
      (t) => t.status === 'completed' && t.events.some((e) => e.code === 'verified'),
    )
    expect(verified.verification?.verdict).toBe('verified')
    await stack.s3.send(new DeleteObjectCommand({ Bucket: 'test', Key: 'again.bin' }))
    await applyAction(stack.database.db, 'verify', [id])
    const gone = await stack.until(id, (t) => t.status === 'completed' && t.verification?.verdict === 'mismatch')
    expect(gone.verification?.evidence[0]?.actual).toBe('no object at the key')
  })
})
