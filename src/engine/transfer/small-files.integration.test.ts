import { createHash, hash } from 'node:crypto'
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startCeph } from '../../../e2e/stack/ceph.ts'
import { type EngineStack, startEngineStack, type TestStore } from '../../../e2e/stack/engine-stack.ts'
import { createTransfers } from '../../server/db/create-transfers.ts'
import { sampleWindow } from '../../server/db/samples.ts'
import { applyAction, setBandwidth } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { transferInputSchema } from '../../server/domain/transfer-input.ts'
import { HTTP_CLIENTS } from '../source/http-client.ts'
import { patternBytes, patternSha256 } from '../testing/byte-pattern.ts'
import { WRITE_TOKEN_KEY } from '../upload/object-store.ts'

const ceph = await startCeph()
const STORES: [string, TestStore | undefined][] = [['the embedded store', undefined]]
if (!('unavailable' in ceph)) STORES.push(['a real Ceph', ceph])

afterAll(async () => {
  if (!('unavailable' in ceph)) await ceph.stop()
})

describe.each(STORES)('small files into %s', (name, store) => {
  let stack: EngineStack
  beforeAll(async () => {
    stack = await startEngineStack(store)
  })
  afterEach(() => stack.stopEngines())
  afterAll(() => stack.close())

  const head = (Key: string) => stack.s3.send(new HeadObjectCommand({ Bucket: 'test', Key }))
  const put = (Key: string, Body: string, token?: string) =>
    stack.s3.send(
      new PutObjectCommand({ Bucket: 'test', Key, Body, ...(token && { Metadata: { [WRITE_TOKEN_KEY]: token } }) }),
    )

  it.each(HTTP_CLIENTS)('are each read with one request and proven, over %s', async (httpClient) => {
    await stack.startEngine({ SLUICE_HTTP_CLIENT: httpClient })
    const sizes = [1, 1000, 1_000_000, MIB, 2 * MIB]
    for (const sizeBytes of sizes) {
      const path = `/${httpClient}/one-${sizeBytes}.bin`
      const sourceUrl = stack.source.serve(path, { sizeBytes })
      const done = await stack.waitFor(await stack.create({ sourceUrl, key: path.slice(1) }), 'completed', 'failed')
      expect(done.failure).toBeNull()
      expect(done).toMatchObject({ sizeBytes, transferredBytes: sizeBytes, partsDone: 1, partsTotal: 1 })
      expect(done.verification?.verdict).toBe('verified')
      expect(done.metrics).toMatchObject({ sourceRequests: 1, bucketRequests: 1, sourceBytes: sizeBytes })
      expect(done.metrics.bucketBytes).toBe(sizeBytes)
      expect(done.parts).toMatchObject([{ number: 1, sizeBytes }])
      expect(done.events.map(({ code }) => code).reverse()).toEqual(['created', 'planned', 'completed'])
      expect(stack.source.requests(path)).toHaveLength(1)
      expect(await stack.objectSha256(path.slice(1))).toBe(patternSha256(sizeBytes))
      const { samples } = await sampleWindow(stack.database.db, done.id)
      expect(samples.reduce((sum, sample) => sum + sample.bucketBytes, 0)).toBe(sizeBytes)
    }
  })

  it('are taken by the hundred, shared by two engines, each moved once', async () => {
    await Promise.all([stack.startEngine(), stack.startEngine()])
    const inputs = Array.from({ length: 60 }, (_, index) =>
      transferInputSchema.parse({
        bucketId: stack.bucketId,
        sourceUrl: stack.source.serve(`/many/${index}.bin`, { sizeBytes: 10_000 + index, seed: index }),
        key: `many/${index}.bin`,
      }),
    )
    const results = await createTransfers(stack.database.db, stack.sealer, inputs)
    for (const [index, result] of results.entries()) {
      const done = await stack.waitFor('id' in result ? result.id : '', 'completed', 'failed')
      expect(done.failure).toBeNull()
      expect(stack.source.requests(`/many/${index}.bin`)).toHaveLength(1)
      expect(await stack.objectSha256(`many/${index}.bin`)).toBe(patternSha256(10_000 + index, index))
    }
    expect(await stack.database.db.partClaim.count()).toBe(0)
  })

  it('are read without ranges too, also where the source says nothing of ranges', async () => {
    await stack.startEngine()
    const sourceUrl = stack.source.serve('/ignored.bin', { sizeBytes: 70_000, ranges: 'ignored' })
    const done = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(done).toMatchObject({ failure: null, warnings: [], sizeBytes: 70_000 })
    expect(stack.source.requests('/ignored.bin')).toHaveLength(1)
    expect(await stack.objectSha256('ignored.bin')).toBe(patternSha256(70_000))
  })

  it('begin anew after a reset, and never mix two answers', async () => {
    await stack.startEngine()
    const sourceUrl = stack.source.serve('/broken.bin', ({ index }) =>
      index === 0
        ? { sizeBytes: MIB, seed: 1, etag: '"one"', breakAfterBytes: 300_000, breakBy: 'reset' }
        : { sizeBytes: MIB, seed: 2, etag: '"two"' },
    )
    const done = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.sourceRetries).toBe(1)
    expect(await stack.objectSha256('broken.bin')).toBe(patternSha256(MIB, 2))
  })

  it('wait for a source that takes few requests at once', async () => {
    await stack.startEngine()
    const sourceUrl = stack.source.serve('/few.bin', ({ index }) =>
      index < 3 ? { status: 429, headers: { 'retry-after': '0' } } : { sizeBytes: 5000 },
    )
    const done = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.sourceRetries).toBe(3)
  })

  it('leave an object alone that is there already', async () => {
    await stack.startEngine()
    const sourceUrl = stack.source.serve('/taken.bin', { sizeBytes: 5000 })
    await put('taken.bin', 'mine')
    const failed = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(failed.failure).toMatchObject({ code: 'key_exists', retry: 'never' })
    const skipped = await stack.waitFor(await stack.create({ sourceUrl, ifExists: 'skip' }), 'completed', 'failed')
    expect(skipped.warnings.map(({ code }) => code)).toContain('skipped_existing')
    expect((await head('taken.bin')).ContentLength).toBe(4)
    const over = await stack.waitFor(await stack.create({ sourceUrl, ifExists: 'overwrite' }), 'completed', 'failed')
    expect(over.failure).toBeNull()
    expect(await stack.objectSha256('taken.bin')).toBe(patternSha256(5000))
  })

  it.each(['fail', 'skip', 'overwrite'] as const)(
    'are recognised after a kill between the write and its record, and not written again (%s)',
    async (ifExists) => {
      const sizeBytes = 30_000
      const key = `killed-${ifExists}.bin`
      const sourceUrl = stack.source.serve(`/${key}`, { sizeBytes })
      const id = await stack.create({ sourceUrl, ifExists })
      await stack.s3.send(
        new PutObjectCommand({
          ...{ Bucket: 'test', Key: key, Body: patternBytes(0, sizeBytes) },
          Metadata: { [WRITE_TOKEN_KEY]: id, mark: 'of the first' },
          ChecksumAlgorithm: 'CRC32C',
        }),
      )
      await stack.startEngine()
      const done = await stack.waitFor(id, 'completed', 'failed')
      expect(done.failure).toBeNull()
      expect((await head(key)).Metadata).toMatchObject({ mark: 'of the first' })
    },
  )

  it('replace what a killed engine wrote of an older version of the source', async () => {
    const sourceUrl = stack.source.serve('/newer.bin', { sizeBytes: 30_000, seed: 2 })
    const id = await stack.create({ sourceUrl })
    await put('newer.bin', 'of an older version', id)
    await stack.startEngine()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.verification?.verdict).toBe('verified')
    expect(await stack.objectSha256('newer.bin')).toBe(patternSha256(30_000, 2))
  })

  it('are compared with the expected checksum before anything is written', async () => {
    await stack.startEngine()
    const sizeBytes = 50_000
    const sourceUrl = stack.source.serve('/expected.bin', { sizeBytes })
    const right = hash('sha256', patternBytes(0, sizeBytes), 'hex')
    const wrong = await stack.create({ sourceUrl, expectedChecksum: { algorithm: 'sha256', value: '0'.repeat(64) } })
    expect((await stack.waitFor(wrong, 'completed', 'failed')).failure?.code).toBe('checksum_mismatch')
    await expect(head('expected.bin')).rejects.toMatchObject({ name: 'NotFound' })
    const id = await stack.create({ sourceUrl, expectedChecksum: { algorithm: 'sha256', value: right } })
    const done = await stack.waitFor(id, 'completed', 'failed')
    const actual = createHash('sha256').update(patternBytes(0, sizeBytes)).digest('base64')
    expect(done.verification?.evidence[0]).toMatchObject({ kind: 'expected-checksum', algorithm: 'SHA256', actual })
  })

  it('stop when they are paused or cancelled while they are read, and go on when asked', async () => {
    // An hour: what stands still is not read anew by itself.
    await stack.startEngine({ SLUICE_IDLE_TIMEOUT_MS: '3600000' })
    // A part of it comes, and the rest never does.
    const slow = { sizeBytes: 400_000, breakAfterBytes: 100_000, breakBy: 'stall' } as const
    const paused = await stack.create({ sourceUrl: stack.source.serve('/paused.bin', slow) })
    const cancelled = await stack.create({ sourceUrl: stack.source.serve('/cancelled.bin', slow) })
    for (const id of [paused, cancelled]) await stack.until(id, (transfer) => transfer.metrics.sourceBytes > 0)
    await applyAction(stack.database.db, 'pause', [paused])
    await applyAction(stack.database.db, 'cancel', [cancelled])
    await stack.waitFor(cancelled, 'cancelled')
    await expect.poll(() => stack.source.requests('/paused.bin').some(({ isOpen }) => isOpen)).toBe(false)
    await expect(head('paused.bin')).rejects.toMatchObject({ name: 'NotFound' })
    await expect(head('cancelled.bin')).rejects.toMatchObject({ name: 'NotFound' })
    stack.source.serve('/paused.bin', { sizeBytes: 400_000 })
    await applyAction(stack.database.db, 'resume', [paused])
    const done = await stack.waitFor(paused, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(await stack.objectSha256('paused.bin')).toBe(patternSha256(400_000))
  })

  it('keep to a bandwidth limit, and show what moves meanwhile', async () => {
    await stack.startEngine()
    const sizeBytes = 2 * MIB
    const sourceUrl = stack.source.serve('/limited.bin', { sizeBytes })
    // At this limit it would take half a minute.
    const id = await stack.create({ sourceUrl, bandwidthLimitBytesPerSecond: 64 * 1024 })
    const seen = await stack.until(id, (transfer) => transfer.metrics.activeMs > 2000)
    expect(seen).toMatchObject({ status: 'running', movingParts: [1], readLanes: 1 })
    await setBandwidth(stack.database.db, [id], null)
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect((await sampleWindow(stack.database.db, id)).samples.length).toBeGreaterThan(1)
  })

  it('are verified again on demand, and found missing when they are', async () => {
    await stack.startEngine()
    const id = await stack.create({ sourceUrl: stack.source.serve('/again.bin', { sizeBytes: 4000 }) })
    await stack.waitFor(id, 'completed')
    await applyAction(stack.database.db, 'verify', [id])
    const again = await stack.until(id, (t) => t.status === 'completed' && t.events.some((e) => e.code === 'verified'))
    expect(again.verification?.verdict).toBe('verified')
    await stack.s3.send(new DeleteObjectCommand({ Bucket: 'test', Key: 'again.bin' }))
    await applyAction(stack.database.db, 'verify', [id])
    await stack.until(id, (t) => t.status === 'completed' && t.verification?.verdict === 'mismatch')
  })

  it(`says how ${name} was told apart from others`, async () => {
    const bucket = await stack.database.db.bucket.findUniqueOrThrow({ where: { id: stack.bucketId } })
    expect(bucket.capabilities).toMatchObject({ conditionalWrites: true, checksumHeaders: true, metadata: true })
  })
})
