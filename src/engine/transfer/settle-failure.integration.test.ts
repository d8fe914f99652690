import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../e2e/stack/test-database.ts'
import { saveBucket } from '../../server/db/buckets.ts'
import { newId } from '../../server/db/new-id.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { createLog } from '../../server/log.ts'
import { createSealer } from '../../server/secrets.ts'
import { settleFailure } from './settle-failure.ts'
import type { WorkContext } from './work-context.ts'

const never = new AbortController().signal

describe('settleFailure of a source that is read in one stream', () => {
  let database: TestDatabase
  let bucketId: string
  let context: WorkContext
  const engineId = newId()
  const aborted: string[] = []
  beforeAll(async () => {
    database = await createTestDatabase()
    const bucket = { name: 'b', bucket: 'b', endpoint: 'http://127.0.0.1:9', region: 'us-east-1', prefix: '' }
    const keys = { accessKeyId: 'testkey', secretAccessKey: 'testsecret', forcePathStyle: true }
    bucketId = (await saveBucket(database.db, createSealer('x'.repeat(32)), { ...bucket, ...keys })).id
    const metrics = { transfersEnded: { inc: () => {} } }
    const store = {
      abortUpload: async (_key: string, uploadId: string) => {
        aborted.push(uploadId)
      },
      close: () => {},
    }
    const stores = { use: () => store }
    const log = createLog('engine', 'silent')
    context = { db: database.db, engineId, log, metrics, stores } as unknown as WorkContext
  })
  afterAll(() => database.close())

  const create = async (partsDone: number) => {
    const source = { sourceUrl: 'http://127.0.0.1/', sourceUrlSealed: 'x', sourceHost: '127.0.0.1', key: 'k' }
    const plan = { acceptsRanges: false, uploadId: 'u', partsTotal: 2, partsDone, completionEngineId: engineId }
    const { id } = await database.db.transfer.create({ data: { ...source, ...plan, bucketId, status: 'running' } })
    return id
  }
  const row = (id: string) => database.db.transfer.findUniqueOrThrow({ where: { id } })

  it('keeps its parts when only the completion has failed', async () => {
    const id = await create(2)
    await settleFailure(context, id, new TransferError('bucket_error', 'Busy.', { retry: 'now' }), never)
    expect(await row(id)).toMatchObject({ status: 'running', uploadId: 'u', partsDone: 2, attempts: 1 })
  })

  it('waits at the first contact where the source asks for patience, and ends where it does not', async () => {
    const first = async (error: TransferError) => {
      const id = await create(0)
      await database.db.transfer.update({
        where: { id },
        data: { uploadId: null, partsTotal: null, acceptsRanges: null },
      })
      await settleFailure(context, id, error, never)
      return row(id)
    }
    const busy = new TransferError('source_rate_limited', 'Busy.', { retry: 'later' })
    expect(await first(busy)).toMatchObject({ status: 'running', attempts: 1 })
    const told = new TransferError('source_error', 'Later.', { retry: 'later', retryAfterMs: 1_000 })
    expect(await first(told)).toMatchObject({ status: 'running', attempts: 1 })
    const broken = new TransferError('source_error', 'Broken.', { retry: 'later' })
    expect(await first(broken)).toMatchObject({ status: 'failed', failure: { retry: 'later' } })
  })

  it.each(['now', 'later'] as const)(
    'ends after five new beginnings, where trying again %s would begin anew',
    async (retry) => {
      const id = await create(1)
      const event = { transferId: id, code: 'started_over', message: 'Started over.' }
      await database.db.event.createMany({ data: Array.from({ length: 5 }, () => event) })
      await settleFailure(context, id, new TransferError('source_error', 'Broken.', { retry }), never)
      expect(await row(id)).toMatchObject({ status: 'failed', failure: { code: 'source_error', retry } })
    },
  )

  it('removes no upload of a transfer that another engine has taken over, whatever its own work failed of', async () => {
    const lost = new TransferError('upload_lost', 'Gone.', { retry: 'now' })
    const taken = async (holder: string) => {
      const id = await create(1)
      const data = { acceptsRanges: true, uploadId: `of ${holder}`, completionEngineId: null }
      await database.db.transfer.update({ where: { id }, data })
      const claim = { firstPart: 2, lastPart: 2, epoch: 2, leaseUntil: new Date(Date.now() + 600_000) }
      await database.db.partClaim.create({ data: { transferId: id, engineId: holder, ...claim } })
      await settleFailure(context, id, lost, never)
      return row(id)
    }
    const other = newId()
    expect(await taken(other)).toMatchObject({ status: 'running', uploadId: `of ${other}`, attempts: 0 })
    expect(aborted).toEqual([])
    expect(await taken(engineId)).toMatchObject({ status: 'running', uploadId: null, partsDone: 0 })
    expect(aborted).toEqual([`of ${engineId}`])
  })

  it('leaves a transfer as it is where the database was the trouble', async () => {
    const id = await create(1)
    await settleFailure(context, id, Object.assign(new Error('reset'), { code: 'ECONNRESET' }), never)
    expect(await row(id)).toMatchObject({ status: 'running', attempts: 0 })
  })
})
