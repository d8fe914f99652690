import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveTestBucket } from '../../../e2e/stack/test-bucket.ts'
import { createTestDatabase, type TestDatabase } from '../../../e2e/stack/test-database.ts'
import type { EngineStats } from '../domain/engine.ts'
import { type Claim, claimTransfers, countCrashes, releaseClaims } from './claims.ts'
import {
  beginComplete,
  findCompletable,
  finishTransfer,
  forgetUpload,
  takeCompletion,
  takeUnwantedUploads,
} from './completion.ts'
import { beat } from './engine-heartbeat.ts'
import { newId } from './new-id.ts'
import { applyAction } from './transfer-actions.ts'
import { failTransfer, type PlanFields, requeueTransfer, saveEnd, savePlan, startOver } from './transfer-steps.ts'

const LEASE_MS = 30_000
const VERIFIED = { verdict: 'verified' as const, evidence: [] }

describe('completing, cancelling and planning at the same moment', () => {
  let database: TestDatabase
  let bucketId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    bucketId = await saveTestBucket(database.db)
  })
  afterAll(() => database.close())

  const engine = newId()
  const other = newId()
  type Data = Partial<Parameters<typeof database.db.transfer.create>[0]['data']>
  const create = async (data: Data) => {
    const source = { sourceUrl: 'http://127.0.0.1/', sourceUrlSealed: 'x', sourceHost: '127.0.0.1', key: 'k' }
    const { id } = await database.db.transfer.create({ data: { ...source, bucketId, ...data } as never })
    return id
  }
  const allParts = { partsTotal: 2, partsDone: 2, uploadId: 'u1', writeToken: 't' }
  const row = (id: string) => database.db.transfer.findUniqueOrThrow({ where: { id }, include: { claims: true } })
  const heldClaim = async (id: string, firstPart: number, engineId = engine): Promise<Claim> => {
    const { id: claimId } = await database.db.partClaim.create({
      data: {
        transferId: id,
        firstPart,
        lastPart: firstPart,
        engineId,
        epoch: 1,
        leaseUntil: new Date(Date.now() + LEASE_MS),
      },
    })
    return { id: claimId, transferId: id, firstPart, lastPart: firstPart, epoch: 1 }
  }
  const plan: PlanFields = {
    sizeBytes: 10,
    etag: null,
    lastModified: null,
    acceptsRanges: true,
    contentType: null,
    partSizeBytes: 6,
    sliceSizeBytes: 1,
    partsTotal: 2,
    uploadId: 'u2',
    uploadDialect: {
      checksumHeaders: true,
      checksumTrailers: true,
      fullObjectChecksum: true,
      compositeChecksum: false,
    },
    writeToken: 't2',
    sourceDigests: [],
    warnings: [],
  }

  it('completes a transfer that was paused with all its parts in the bucket, and resumed', async () => {
    const id = await create({ ...allParts, status: 'running' })
    expect((await applyAction(database.db, 'pause', [id])).changed).toEqual([id])
    expect(await findCompletable(database.db)).not.toContain(id)
    await applyAction(database.db, 'resume', [id])
    expect(await findCompletable(database.db)).toContain(id)
    expect(await takeCompletion(database.db, engine, id, LEASE_MS)).toBe(1)
    expect((await row(id)).status).toBe('running')
  })

  const expecting = { ...allParts, status: 'running' as const, expectedChecksum: { algorithm: 'sha256', value: 'x' } }
  const isChanged = async (action: 'pause' | 'resume', id: string) =>
    (await applyAction(database.db, action, [id])).changed.length === 1

  it('is paused while the expected checksum is proven; then nothing may be sent under that right any more', async () => {
    const id = await create(expecting)
    const epoch = (await takeCompletion(database.db, engine, id, LEASE_MS)) ?? 0
    expect((await row(id)).completingSince).toBeNull()
    expect(await isChanged('pause', id)).toBe(true)
    expect(await beginComplete(database.db, id, epoch, {})).toBe(false)
    // Resumed before its engine has noticed: it is proven anew, under a right of its own.
    expect(await isChanged('resume', id)).toBe(true)
    expect(await beginComplete(database.db, id, epoch, {})).toBe(false)
    await releaseClaims(database.db, engine, id)
    const next = (await takeCompletion(database.db, other, id, LEASE_MS)) ?? 0
    expect(await beginComplete(database.db, id, epoch, {})).toBe(false)
    expect(await beginComplete(database.db, id, next, { sha256: 'y' })).toBe(true)
    expect((await row(id)).readDigests).toEqual({ sha256: 'y' })
  })

  it('is paused no more once Complete may have been sent, whatever became of it', async () => {
    const id = await create(expecting)
    const epoch = (await takeCompletion(database.db, engine, id, LEASE_MS)) ?? 0
    expect(await beginComplete(database.db, id, epoch, {})).toBe(true)
    expect(await isChanged('pause', id)).toBe(false)
    const since = (await row(id)).completingSince
    await requeueTransfer(database.db, engine, id, 0, 'the bucket did not answer')
    expect(await isChanged('pause', id)).toBe(false)
    expect(await takeCompletion(database.db, other, id, LEASE_MS)).toBe(epoch + 1)
    expect(await isChanged('pause', id)).toBe(false)
    expect((await row(id)).completingSince).toEqual(since)
    // Without a checksum to be proven, Complete may follow at once.
    const plain = await create({ ...allParts, status: 'running' })
    await takeCompletion(database.db, engine, plain, LEASE_MS)
    expect(await isChanged('pause', plain)).toBe(false)
  })

  it('is either paused or completed where both are wanted at one moment, never both', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        const id = await create(expecting)
        const epoch = (await takeCompletion(database.db, engine, id, LEASE_MS)) ?? 0
        const pause = () => isChanged('pause', id)
        const complete = () => beginComplete(database.db, id, epoch, {})
        const [first, second] = await Promise.all(index % 2 ? [pause(), complete()] : [complete(), pause()])
        return [first, second]
      }),
    )
    for (const outcome of outcomes) expect(outcome.filter(Boolean)).toHaveLength(1)
  })

  it('refuses to send Complete for what is being cancelled', async () => {
    const id = await create(expecting)
    const epoch = (await takeCompletion(database.db, engine, id, LEASE_MS)) ?? 0
    await applyAction(database.db, 'cancel', [id])
    expect(await beginComplete(database.db, id, epoch, {})).toBe(false)
  })

  it('is told to every engine with its heartbeat, once the engine that had the right to it lets its lease end', async () => {
    const id = await create({ ...allParts, status: 'running' })
    expect(await takeCompletion(database.db, engine, id, LEASE_MS)).toBe(1)
    const identity = { id: other, name: 'other', version: '0', pid: 1, url: 'http://127.0.0.1:1', machine: null }
    const isTold = async () =>
      (await beat(database.db, { ...identity, process: '1 1' }, {} as EngineStats)).hasAbandonedCompletion
    const leaseUntil = (ms: number | null) =>
      database.db.transfer.update({
        where: { id },
        data: { completionLeaseUntil: ms === null ? null : new Date(Date.now() + ms) },
      })
    expect(await isTold()).toBe(false)
    await leaseUntil(-LEASE_MS)
    expect(await isTold()).toBe(true)
    expect(await findCompletable(database.db)).toContain(id)
    expect(await takeCompletion(database.db, other, id, LEASE_MS)).toBe(2)
    expect(await isTold()).toBe(false)
    await applyAction(database.db, 'cancel', [id])
    await leaseUntil(-LEASE_MS)
    expect(await isTold()).toBe(false)
  })

  it('lets go of a wish to cancel that came too late, so that a verification is not taken for a cancellation', async () => {
    const id = await create({ ...allParts, status: 'running' })
    const epoch = await takeCompletion(database.db, engine, id, LEASE_MS)
    await applyAction(database.db, 'cancel', [id])
    expect(await finishTransfer(database.db, engine, id, epoch ?? 0, VERIFIED, 'done')).toBe(true)
    await applyAction(database.db, 'verify', [id])
    expect((await takeUnwantedUploads(database.db, engine, LEASE_MS, 24)).map((upload) => upload.id)).not.toContain(id)
    const options = { engineId: engine, leaseMs: LEASE_MS, limit: 10, activeIds: [] }
    expect((await claimTransfers(database.db, options)).map((claim) => claim.transferId)).toContain(id)
  })

  it('gives the right to complete back with the claims, so that a cancellation need not wait for the lease', async () => {
    const id = await create({ ...allParts, status: 'running' })
    await takeCompletion(database.db, engine, id, LEASE_MS)
    await applyAction(database.db, 'cancel', [id])
    await releaseClaims(database.db, engine, id)
    expect((await takeUnwantedUploads(database.db, other, LEASE_MS, 24)).map((upload) => upload.id)).toContain(id)
  })

  it('refuses a plan for a transfer that is being cancelled, so that its upload is aborted by who made it', async () => {
    const id = await create({ status: 'running' })
    const claim = await heldClaim(id, 0)
    await applyAction(database.db, 'cancel', [id])
    expect(await savePlan(database.db, engine, claim, plan, [{ firstPart: 1, lastPart: 2 }], [])).toBe(false)
    expect((await row(id)).uploadId).toBeNull()
  })

  it('does not forget an upload that came while another one, or none, was aborted', async () => {
    const id = await create({
      status: 'failed',
      uploadId: 'u1',
      failure: { code: 'key_exists', message: '', retry: 'never' },
    })
    const [upload] = (await takeUnwantedUploads(database.db, engine, LEASE_MS, 24)).filter((one) => one.id === id)
    if (!upload) throw new Error('it was not taken')
    // The user retries while the abort is under way, and another engine plans it anew.
    await applyAction(database.db, 'retry', [id])
    await database.db.transfer.update({ where: { id }, data: { uploadId: 'u2', status: 'running' } })
    expect(await forgetUpload(database.db, engine, upload)).toBe(false)
    const after = await row(id)
    expect(after).toMatchObject({ uploadId: 'u2', status: 'running', completionLeaseUntil: null })
    expect(after.claims).toHaveLength(1)
  })

  it('keeps an engine that has lost its claims from queueing, ending or starting over what another one works on', async () => {
    const id = await create({ status: 'running', uploadId: 'u1' })
    const claim = await heldClaim(id, 1, other)
    await requeueTransfer(database.db, engine, id, 0, 'late')
    expect(await startOver(database.db, engine, id, { code: 'started_over', message: '' })).toBe(false)
    const end = { sizeBytes: 5, partsTotal: 1, lengthVerified: true, digests: {} }
    expect(await saveEnd(database.db, engine, claim, end)).toBe(false)
    expect(await row(id)).toMatchObject({ status: 'running', attempts: 0, partsTotal: null })
    expect(await saveEnd(database.db, other, claim, end)).toBe(true)
    expect((await row(id)).partsTotal).toBe(1)
  })

  const engineRow = (id: string, silentMs: number) =>
    database.db.engine.create({
      data: {
        ...{ id, name: 'e', version: '0', pid: 1, url: 'http://127.0.0.1:1' },
        heartbeatAt: new Date(Date.now() - silentMs),
      },
    })
  const lapsed = new Date(Date.now() - 1_000)

  it('counts an engine that died while it completed, and not one that was only too slow to renew', async () => {
    const [dead, slow] = [newId(), newId()]
    await Promise.all([engineRow(dead, 60_000), engineRow(slow, 0)])
    const takenFrom = async (completionEngineId: string | null) => {
      const lease = { completionEngineId, completionLeaseUntil: completionEngineId === null ? null : lapsed }
      const id = await create({ ...allParts, status: 'running', ...lease })
      expect(await takeCompletion(database.db, engine, id, LEASE_MS)).not.toBeNull()
      return (await row(id)).crashes
    }
    expect(await takenFrom(dead)).toBe(1)
    expect(await takenFrom(slow)).toBe(0)
    expect(await takenFrom(engine)).toBe(0)
    expect(await takenFrom(null)).toBe(0)
  })

  it('counts an engine that died while it verified, and begins to count anew with each wish', async () => {
    const dead = newId()
    await engineRow(dead, 60_000)
    const id = await create({ ...allParts, status: 'completed', crashes: 5 })
    await applyAction(database.db, 'verify', [id])
    expect((await row(id)).crashes).toBe(0)
    await countCrashes(database.db, dead, { transferId: id, leaseMs: LEASE_MS })
    expect((await row(id)).crashes).toBe(1)
    await database.db.partClaim.updateMany({ where: { transferId: id }, data: { engineId: dead } })
    await countCrashes(database.db, dead)
    expect((await row(id)).crashes).toBe(2)
  })

  it('does not forget that Complete may have been sent, when it fails and when it is retried; a new upload does', async () => {
    const completing = { ...allParts, completingSince: new Date(), completionEngineId: engine }
    const id = await create({ ...completing, status: 'running' })
    const failure = { code: 'bucket_unreachable' as const, message: 'Away.', retry: 'later' as const }
    expect(await failTransfer(database.db, engine, id, failure)).toBe(true)
    await applyAction(database.db, 'retry', [id])
    expect(await row(id)).toMatchObject({ status: 'queued', completingSince: expect.any(Date) })
    const claimed = async () => {
      const [claim] = (await row(id)).claims
      const leaseUntil = new Date(Date.now() + LEASE_MS)
      await database.db.partClaim.update({ where: { id: claim?.id ?? '' }, data: { engineId: engine, leaseUntil } })
      return { id: claim?.id ?? '', transferId: id, firstPart: 0, lastPart: 0, epoch: claim?.epoch ?? 0 }
    }
    const part = { transferId: id, sizeBytes: 5n, etag: 'e', startedAt: new Date(), finishedAt: new Date() }
    await database.db.part.createMany({ data: [1, 2].map((number) => ({ ...part, number })) })
    expect(await savePlan(database.db, engine, await claimed(), plan, [], [1, 2])).toBe(true)
    expect((await row(id)).completingSince).not.toBeNull()
    await database.db.partClaim.create({ data: { transferId: id, firstPart: 0, lastPart: 0 } })
    const pieces = [{ firstPart: 2, lastPart: 2 }]
    expect(await savePlan(database.db, engine, await claimed(), plan, pieces, [1])).toBe(true)
    expect(await row(id)).toMatchObject({ completingSince: null, uploadDialect: plan.uploadDialect })
  })

  it('keeps the upload of a transfer that failed for what is mended in the settings, and lets others go', async () => {
    const failed = (code: string, finishedAt = new Date()) =>
      create({ ...allParts, status: 'failed', finishedAt, failure: { code, message: 'No.', retry: 'never' } })
    const [wrongKeys, old, changed] = await Promise.all([
      failed('bucket_unauthorized'),
      failed('bucket_unauthorized', new Date(Date.now() - 25 * 3_600_000)),
      failed('source_changed'),
    ])
    const unwanted = (await takeUnwantedUploads(database.db, engine, LEASE_MS, 24)).map((upload) => upload.id)
    expect(unwanted).toContain(old)
    expect(unwanted).toContain(changed)
    expect(unwanted).not.toContain(wrongKeys)
  })
})
