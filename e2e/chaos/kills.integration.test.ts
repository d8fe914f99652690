import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { slowSecondRead } from '../../src/engine/testing/slow-second-read.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { until } from '../stack/until.ts'
import { type ChaosStack, LEASE_MS, LONG_LEASE, startChaosStack } from './chaos-stack.ts'
import type { EngineProcess } from './engine-process.ts'
import { acknowledgedParts, assertInvariants } from './invariants.ts'
import { expectWithin } from './promises.ts'
import type { S3Operation } from './s3-gate.ts'

const SIZE_BYTES = 27 * MIB
/** What the source gives each connection, until it is let go: a transfer takes some seconds. */
const SLOW = 2 * MIB
const SHAPE = { lanes: 2 }

describe('an engine is killed', () => {
  let stack: ChaosStack
  beforeAll(async () => {
    stack = await startChaosStack()
  })
  afterEach(() => stack.endEngines())
  afterAll(() => stack.close())

  /** The one that works on a claim of the transfer. */
  const claimedBy = (id: string, engine: EngineProcess) =>
    until(`a claim of ${engine.id}`, async () => {
      const claims = await stack.database.db.partClaim.findMany({ where: { transferId: id, engineId: engine.id } })
      return claims.length > 0
    })
  const takenFrom = (id: string, { id: engineId }: EngineProcess) =>
    until(
      `the claims of ${engineId} to be taken`,
      async () => (await stack.database.db.partClaim.count({ where: { transferId: id, engineId } })) === 0,
    )
  const codesOf = async (id: string) =>
    (await stack.database.db.event.findMany({ where: { transferId: id } })).map((event) => event.code)

  interface Row {
    readonly name: string
    readonly operation: S3Operation
    readonly when: 'before' | 'after'
    /** Requests to the store there are at the end, over both engines: those the store has carried out. */
    readonly creates: number
    /** At least; a store that takes a second Complete for the same upload answers that too. */
    readonly completes: number
  }
  const rows: readonly Row[] = [
    {
      name: '1: after the claim, before CreateMultipartUpload',
      operation: 'create',
      when: 'before',
      creates: 1,
      completes: 1,
    },
    {
      name: '2: after the reply of Create, before the upload is saved',
      operation: 'create',
      when: 'after',
      creates: 2,
      completes: 1,
    },
    {
      name: '5: when it is completing, before Complete is sent',
      operation: 'complete',
      when: 'before',
      creates: 1,
      completes: 1,
    },
    {
      name: '6: after Complete succeeded, before that is saved',
      operation: 'complete',
      when: 'after',
      creates: 1,
      completes: 1,
    },
  ]
  it.each(rows)('row $name', async ({ operation, when, creates, completes }) => {
    const first = await stack.startEngine(LONG_LEASE)
    const one = await stack.beginHeld(operation, when, { sizeBytes: SIZE_BYTES, input: SHAPE })
    await one.held.reached
    // Started only now, so that the first one had the claim; it has to wait for the lease.
    const second = await stack.startEngine(LONG_LEASE)
    const acknowledged = await acknowledgedParts(stack.database.db, one.id)
    one.mark()
    await stack.kill(first, LEASE_MS)
    one.held.drop()
    const killedMs = performance.now()
    // Once it is completing nobody holds a claim any more: then taking it over is completing it.
    await (operation === 'create' ? takenFrom(one.id, first) : stack.waitFor(one.id, 'completed', 'failed'))
    await expectWithin('reclaim', `row ${operation} ${when}: taken`, killedMs)
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed', acknowledged }))
    const succeeded = (name: S3Operation) =>
      stack.gate.requests(name).filter((seen) => seen.path.endsWith(one.key) && seen.status === 200).length
    expect(succeeded('create')).toBe(creates)
    expect(succeeded('complete')).toBeGreaterThanOrEqual(completes)
    expect(await codesOf(one.id)).not.toContain('started_over')
    expect(second.isRunning).toBe(true)
  })

  it('row 5: while the source is read again for a checksum', async () => {
    const first = await stack.startEngine(LONG_LEASE)
    const seed = 99
    const sha256 = patternSha256(SIZE_BYTES, seed)
    const expectedChecksum = { algorithm: 'sha256' as const, value: sha256 }
    let path = ''
    // It lasts until it is let go, whatever another engine takes to start.
    const second = slowSecondRead(SIZE_BYTES, () => stack.source.requests(path))
    const input = { ...SHAPE, expectedChecksum }
    const one = await stack.begin({
      sizeBytes: SIZE_BYTES,
      input,
      answer: (request) => ({ ...second.answer(request), seed }),
    })
    path = one.path
    await stack.until(one.id, 'the second read', ({ readingAgain }) => (readingAgain?.readBytes ?? 0) > 0)
    const acknowledged = await acknowledgedParts(stack.database.db, one.id)
    // It stands by before the kill: how long a process takes to start is no part of the promise.
    await stack.startEngine(LONG_LEASE)
    one.mark()
    await stack.kill(first, LEASE_MS)
    const killedMs = performance.now()
    const { db } = stack.database
    const taken = { transferId: one.id, code: 'reading_source_again', engineId: { not: first.id } }
    await until('another engine to read it again', async () => (await db.event.count({ where: taken })) === 1)
    await expectWithin('reclaim', 'row 5, second read: taken', killedMs)
    second.letGo()
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed', acknowledged, readsAgain: true, sha256 }))
    const completes = stack.gate.requests('complete').filter((seen) => seen.path.endsWith(one.key))
    expect(completes.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('row 3: with parts in the ledger and parts under way', async () => {
    const first = await stack.startEngine({ ...LONG_LEASE, SLUICE_READ_LANES: '4' })
    const heldBytes = SIZE_BYTES
    const one = await stack.begin({ sizeBytes: 4 * SIZE_BYTES, bytesPerSecond: SLOW, heldBytes, input: SHAPE })
    await stack.until(one.id, 'half of the parts', ({ partsDone, partsTotal }) => partsDone >= (partsTotal ?? 99) / 2)
    await stack.kill(first)
    const acknowledged = await acknowledgedParts(stack.database.db, one.id)
    expect(acknowledged.length).toBeGreaterThanOrEqual(9)
    one.mark()
    one.setRate(null)
    await stack.startEngine(LONG_LEASE)
    await stack.waitFor(one.id, 'completed', 'failed')
    const facts = await one.facts({ status: 'completed', acknowledged })
    await assertInvariants(facts)
    expect(new Set(facts.sentAfter).size).toBe(18 - acknowledged.length)
  })

  it('row 4: with parts that the bucket has and the ledger has not', async () => {
    const { db } = stack.database
    // Without those held back all parts could be there, and in the ledger, before anybody looks.
    const first = await stack.startEngine({ ...LONG_LEASE, SLUICE_READ_LANES: '2' })
    const heldBytes = SIZE_BYTES
    const one = await stack.begin({ sizeBytes: 2 * SIZE_BYTES, bytesPerSecond: 2 * SLOW, heldBytes, input: SHAPE })
    await stack.until(one.id, 'a part in the ledger', ({ partsDone }) => partsDone >= 1)
    first.postgres.freeze()
    // Long before its lease ends a part comes through.
    one.setRate(null)
    const sent = () => stack.gate.requests('part').filter((seen) => seen.path.endsWith(one.key) && seen.status === 200)
    await until('a part that only the bucket knows', async () => {
      const recorded = await db.part.count({ where: { transferId: one.id } })
      return sent().length > recorded
    })
    await stack.kill(first)
    const acknowledged = await acknowledgedParts(db, one.id)
    expect(sent().length).toBeGreaterThan(acknowledged.length)
    one.mark()
    await stack.startEngine(LONG_LEASE)
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed', acknowledged }))
  })

  it('and a neighbour that stands by takes over when the lease has ended, not before', async () => {
    const first = await stack.startEngine(LONG_LEASE)
    const one = await stack.beginHeld('create', 'before', { sizeBytes: SIZE_BYTES, input: SHAPE })
    await one.held.reached
    const second = await stack.startEngine(LONG_LEASE)
    // Nothing but the plan is there to be claimed before the neighbour can start an upload.
    const again = stack.gate.hold('create', 'before', one.key)
    const overAt = await stack.kill(first, LEASE_MS)
    one.held.drop()
    const killedMs = performance.now()
    await claimedBy(one.id, second)
    await expectWithin('reclaim', 'claimed again', killedMs)
    const where = { transferId: one.id, engineId: second.id }
    const taken = await stack.database.db.partClaim.findFirstOrThrow({ where })
    again.release()
    // When it was claimed, by the database's clock; renewals would only make it later.
    const takenAtMs = (taken.leaseUntil?.getTime() ?? 0) - Number(LONG_LEASE.SLUICE_LEASE_MS)
    expect(takenAtMs).toBeGreaterThanOrEqual(overAt?.getTime() ?? Number.POSITIVE_INFINITY)
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed' }))
  })
})
