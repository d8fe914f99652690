import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveTestBucket } from '../../../e2e/stack/test-bucket.ts'
import { createTestDatabase, type TestDatabase } from '../../../e2e/stack/test-database.ts'
import type { Db } from './client.ts'
import { type ClosedClaim, type FinishedPart, recordDue } from './ledger.ts'
import { newId } from './new-id.ts'

const recordParts = async (db: Db, engineId: string, parts: FinishedPart[], closed: ClosedClaim[]) =>
  (await recordDue(db, engineId, { parts, closed, progress: [], samples: [] })).taken

describe('recordDue', () => {
  let database: TestDatabase
  let bucketId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    bucketId = await saveTestBucket(database.db)
  })
  afterAll(() => database.close())

  const engine = newId()
  const setUp = async (inflightBytes = 0) => {
    const source = { sourceUrl: 'http://127.0.0.1/', sourceUrlSealed: 'x', sourceHost: '127.0.0.1', key: 'k' }
    const live = { [engine]: { at: new Date().toISOString(), inflightBytes } }
    const { id } = await database.db.transfer.create({
      data: { ...source, bucketId, status: 'running', partsTotal: 2, attempts: 2, live },
    })
    const claim = { transferId: id, firstPart: 1, lastPart: 2, engineId: engine, epoch: 4 }
    const { id: claimId } = await database.db.partClaim.create({ data: claim })
    const part = (number: number, epoch = 4): FinishedPart => ({
      transferId: id,
      number,
      sizeBytes: 10,
      etag: `"${number}"`,
      crc32c: null,
      retries: 0,
      startedAt: new Date(0),
      finishedAt: new Date(1),
      claimId,
      epoch,
    })
    const row = () => database.db.transfer.findUniqueOrThrow({ where: { id }, include: { claims: true, parts: true } })
    return { id, part, row, closed: [{ claimId, epoch: 4 }] }
  }

  it('takes parts under a claim that is held, and refuses those of an older epoch', async () => {
    const { id, part, row } = await setUp()
    expect(await recordParts(database.db, engine, [part(1), part(2, 3)], [])).toEqual(new Set([`${id}/1`]))
    expect(await row()).toMatchObject({ partsDone: 1, doneBytes: 10n, attempts: 0 })
    expect(await recordParts(database.db, newId(), [part(2)], [])).toEqual(new Set())
    expect((await row()).parts).toHaveLength(1)
  })

  it('may be repeated when its answer was lost, though the claim went with the first time', async () => {
    const { id, part, row, closed } = await setUp()
    const taken = new Set([`${id}/1`, `${id}/2`])
    expect(await recordParts(database.db, engine, [part(1), part(2)], closed)).toEqual(taken)
    expect((await row()).claims).toEqual([])
    expect(await recordParts(database.db, engine, [part(1), part(2)], closed)).toEqual(taken)
    expect(await row()).toMatchObject({ partsDone: 2, doneBytes: 20n })
  })

  it('takes what is done out of what moves, so that no reader counts it twice', async () => {
    const { part, row } = await setUp(14)
    await recordParts(database.db, engine, [part(1)], [])
    expect((await row()).live).toMatchObject({ [engine]: { inflightBytes: 4 } })
    await recordParts(database.db, engine, [part(2)], [])
    expect((await row()).live).toMatchObject({ [engine]: { inflightBytes: 0 } })
  })
})
