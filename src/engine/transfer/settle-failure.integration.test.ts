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
  beforeAll(async () => {
    database = await createTestDatabase()
    const bucket = { name: 'b', bucket: 'b', endpoint: 'http://127.0.0.1:9', region: 'us-east-1', prefix: '' }
    const keys = { accessKeyId: 'testkey', secretAccessKey: 'testsecret', forcePathStyle: true }
    bucketId = (await saveBucket(database.db, createSealer('x'.repeat(32)), { ...bucket, ...keys })).id
    const metrics = { transfersEnded: { inc: () => {} } }
    context = { db: database.db, engineId, log: createLog('engine', 'silent'), metrics } as unknown as WorkContext
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

  it('leaves a transfer as it is where the database was the trouble', async () => {
    const id = await create(1)
    await settleFailure(context, id, Object.assign(new Error('reset'), { code: 'ECONNRESET' }), never)
    expect(await row(id)).toMatchObject({ status: 'running', attempts: 0 })
  })
})
