import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../e2e/stack/test-database.ts'
import type { EngineStats } from '../domain/engine.ts'
import { createSealer } from '../secrets.ts'
import { saveBucket } from './buckets.ts'
import { type Claim, claimTransfers, releaseClaims } from './claims.ts'
import { findCompletable, finishTransfer, forgetUpload, takeCompletion, takeUnwantedUploads } from './completion.ts'
import { beat } from './engine-heartbeat.ts'
import { newId } from './new-id.ts'
import { applyAction } from './transfer-actions.ts'
import { type PlanFields, requeueTransfer, saveEnd, savePlan, startOver } from './transfer-steps.ts'

const LEASE_MS = 30_000
const VERIFIED = { verdict: 'verified' as const, evidence: [] }

describe('completing, cancelling and planning at the same moment', () => {
  let database: TestDatabase
  let bucketId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    const bucket = { name: 'b', bucket: 'b', endpoint: 'http://127.0.0.1:9', region: 'us-east-1', prefix: '' }
    const keys = { accessKeyId: 'testkey', secretAccessKey: 'testsecret', forcePathStyle: true }
    bucketId = (await saveBucket(database.db, createSealer('x'.repeat(32)), { ...bucket, ...keys })).id
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
})
