import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveTestBucket } from '../../../e2e/stack/test-bucket.ts'
import { createTestDatabase, type TestDatabase } from '../../../e2e/stack/test-database.ts'
import { type Claim, claimParts, claimTransfers, recordedParts } from './claims.ts'
import { createDb, type Db } from './client.ts'
import { newId } from './new-id.ts'
import { beginTransfers } from './transfer-steps.ts'

const MANY = 2_000
const LEASE_MS = 600_000

describe('row 23: six engines and two thousand transfers, by the statements alone', () => {
  let database: TestDatabase
  const clients: Db[] = []
  beforeAll(async () => {
    database = await createTestDatabase()
    const bucketId = await saveTestBucket(database.db)
    const source = { sourceUrl: 'http://127.0.0.1/', sourceUrlSealed: 'x', sourceHost: '127.0.0.1', bucketId }
    const ids = Array.from({ length: MANY }, () => newId())
    await database.db.transfer.createMany({ data: ids.map((id) => ({ ...source, id, key: id })) })
    await database.db.partClaim.createMany({ data: ids.map((id) => ({ transferId: id, firstPart: 0, lastPart: 0 })) })
    for (let engine = 0; engine < 6; engine++) clients.push(createDb(database.url, 1, LEASE_MS))
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.$disconnect()))
    await database.close()
  })

  /**
   * Claims until there is nothing left, and ends each transfer it got as its engine would. Once it has its first, it goes on after
   * `others`: a machine that lets one of six wait for long would leave nothing for it.
   */
  async function work(
    db: Db,
    engineId: string,
    over: { readonly diesAfter?: number; readonly others?: Promise<unknown>; readonly onFirst?: () => void } = {},
  ): Promise<Claim[]> {
    const claimed: Claim[] = []
    for (;;) {
      if (claimed.length > 0) {
        over.onFirst?.()
        await over.others
      }
      const claims = await claimTransfers(db, { engineId, leaseMs: LEASE_MS, limit: 24, activeIds: [] })
      claimed.push(...claims)
      // None although some are free: the first of them were being claimed by the others just then.
      if (claims.length === 0 && (await db.partClaim.count({ where: { engineId: null } })) > 0) continue
      if (claims.length === 0 || claimed.length >= (over.diesAfter ?? Number.POSITIVE_INFINITY)) return claimed
      const ids = claims.map((claim) => claim.transferId)
      const rows = await beginTransfers(db, ids)
      expect(rows.map((row) => row.status)).toEqual(ids.map(() => 'running'))
      await db.transfer.updateMany({ where: { id: { in: ids } }, data: { status: 'completed' } })
      await db.partClaim.deleteMany({ where: { transferId: { in: ids }, engineId } })
    }
  }

  it('claim each of them once; those of one that dies are claimed once more, when its leases are over', async () => {
    const [dead = '', ...others] = clients.map(() => newId())
    const [first, ...rest] = clients
    // All are connected before the first of them begins.
    await Promise.all(clients.map((client) => client.$queryRaw`SELECT 1`))
    const begun = clients.map(() => Promise.withResolvers<void>())
    const haveAllBegun = Promise.all(begun.map(({ promise }) => promise))
    const dying = work(first as Db, dead, { diesAfter: 48, others: haveAllBegun, onFirst: begun[0]?.resolve })
    const living = rest.map((client, index) =>
      work(client, others[index] ?? '', {
        others: Promise.all([haveAllBegun, dying]),
        onFirst: begun[index + 1]?.resolve,
      }),
    )
    const all = await Promise.all([dying, ...living])
    const claimed = all.flat()
    expect(new Set(claimed.map((claim) => claim.transferId)).size).toBe(MANY)
    expect(claimed).toHaveLength(MANY)
    expect(claimed.every((claim) => claim.epoch === 1 && claim.lostBy === null)).toBe(true)
    // Every one of the living had its share.
    expect(all.every((claims) => claims.length > 0)).toBe(true)
    const held = await database.db.partClaim.findMany({ where: { engineId: dead } })
    expect(held.length).toBeGreaterThan(0)
    await database.db.partClaim.updateMany({
      where: { engineId: dead },
      data: { leaseUntil: new Date(Date.now() - 1_000) },
    })
    const again = (await Promise.all(rest.map((client, index) => work(client, others[index] ?? '')))).flat()
    expect(again.map((claim) => claim.transferId).sort()).toEqual(held.map((claim) => claim.transferId).sort())
    expect(again.every((claim) => claim.epoch === 2 && claim.lostBy === dead)).toBe(true)
    expect(await database.db.partClaim.count()).toBe(0)
    expect(await database.db.transfer.count({ where: { status: { not: 'completed' } } })).toBe(0)
  })
})

describe('pieces of one transfer', () => {
  let database: TestDatabase
  let bucketId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    bucketId = await saveTestBucket(database.db)
  })
  afterAll(() => database.close())

  async function withPieces(count: number): Promise<string> {
    const id = newId()
    const source = { sourceUrl: 'http://127.0.0.1/', sourceUrlSealed: 'x', sourceHost: '127.0.0.1', bucketId }
    await database.db.transfer.create({ data: { ...source, id, key: id, status: 'running' } })
    const pieces = Array.from({ length: count }, (_, index) => ({ firstPart: index + 1, lastPart: index + 1 }))
    await database.db.partClaim.createMany({ data: pieces.map((piece) => ({ transferId: id, ...piece })) })
    return id
  }
  const claim = (id: string, engineId: string, isOfDead = false) =>
    claimParts(database.db, id, { engineId, leaseMs: LEASE_MS, limit: 2, isOfDead })

  it('are taken many at once while there are many, and few at the end, so that two engines share them', async () => {
    const id = await withPieces(64)
    const engines = [newId(), newId()]
    const taken: number[][] = [[], []]
    for (let turn = 0; ; turn++) {
      const claims = await claim(id, engines[turn % 2] ?? '')
      if (claims.length === 0) break
      taken[turn % 2]?.push(claims.length)
    }
    const [one = [], other = []] = taken
    const sum = (counts: readonly number[]) => counts.reduce((all, each) => all + each, 0)
    expect(sum(one) + sum(other)).toBe(64)
    expect(Math.abs(sum(one) - sum(other))).toBeLessThanOrEqual(8)
    expect(one[0]).toBe(8)
    // Two at a time it would be 32 questions.
    expect(one.length + other.length).toBeLessThan(24)
    expect(Math.max(one.at(-1) ?? 0, other.at(-1) ?? 0)).toBe(2)
  })

  it('are never more than sixteen at once, however many there are', async () => {
    expect(await claim(await withPieces(1_000), newId())).toHaveLength(16)
  })

  it('are asked about only where somebody held them before, whose finished parts are not moved again', async () => {
    const id = await withPieces(2)
    const fresh = await claim(id, newId())
    const finished = { transferId: id, number: 2, sizeBytes: 1n, etag: '"e"', retries: 0, engineId: newId() }
    await database.db.part.create({ data: { ...finished, startedAt: new Date(), finishedAt: new Date() } })
    const unasked = await recordedParts(database.db, fresh)
    expect(fresh.flatMap((one) => [...unasked(one)])).toEqual([])
    await database.db.partClaim.updateMany({ where: { transferId: id }, data: { leaseUntil: new Date(0) } })
    const again = await claim(id, newId(), true)
    const recorded = await recordedParts(database.db, again)
    expect(again.map((one) => [one.epoch, ...recorded(one)])).toEqual([[2], [2, 2]])
  })
})
