import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { applyAction, setBandwidth } from '../../src/server/db/transfer-actions.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { until } from '../stack/until.ts'
import { type ChaosCase, type ChaosStack, LEASE_MS, LONG_LEASE, startChaosStack } from './chaos-stack.ts'
import type { EngineProcess } from './engine-process.ts'
import { acknowledgedParts, assertInvariants } from './invariants.ts'
import { expectWithin } from './promises.ts'

const PART_BYTES = 6 * MIB
/** A part takes minutes. */
const HARDLY = MIB / 64

describe('several engines', () => {
  let stack: ChaosStack
  beforeAll(async () => {
    stack = await startChaosStack()
  })
  afterEach(() => stack.endEngines())
  afterAll(() => stack.close())

  const partsBy = async (id: string) => {
    const parts = await stack.database.db.part.groupBy({ by: ['engineId'], where: { transferId: id }, _count: true })
    return new Map(parts.map((row) => [row.engineId, row._count]))
  }
  /** Both have claims of it: until then it hardly moves, so that neither can be too late. */
  const bothClaim = async (one: ChaosCase) => {
    one.setRate(HARDLY)
    await until(`two engines to claim parts of ${one.id}`, async () => {
      const held = { transferId: one.id, engineId: { not: null } }
      return (await stack.database.db.partClaim.groupBy({ by: ['engineId'], where: held })).length >= 2
    })
  }
  /** Both have finished parts of it, at this rate, and what is held is not done. */
  const bothWork = async (one: ChaosCase, bytesPerSecond: number | null, heldBytes = 0) => {
    await bothClaim(one)
    one.setRate(bytesPerSecond, heldBytes)
    await until(`two engines to finish parts of ${one.id}`, async () => (await partsBy(one.id)).size >= 2)
  }

  it('row 23: race for one transfer, and each part is moved once', async () => {
    await Promise.all([stack.startEngine(LONG_LEASE), stack.startEngine(LONG_LEASE)])
    const one = await stack.begin({ sizeBytes: 20 * PART_BYTES, bytesPerSecond: 8 * MIB, input: { lanes: 1 } })
    const done = await stack.waitFor(one.id, 'completed', 'failed')
    const facts = await one.facts({ status: 'completed' })
    await assertInvariants(facts)
    expect(done.parts).toHaveLength(20)
    expect(facts.sentAfter?.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('row 23: six on many transfers claim each of them once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => stack.startEngine(LONG_LEASE)))
    // The first transfer finds out what the store can do; the others need not, all at once.
    const first = await stack.begin({ sizeBytes: MIB })
    await stack.waitFor(first.id, 'completed')
    await assertInvariants(await first.facts({ status: 'completed' }))
    const cases = await Promise.all(
      Array.from({ length: 24 }, () => stack.begin({ sizeBytes: 7 * MIB, input: { lanes: 1 }, isWatched: false })),
    )
    for (const one of cases) await stack.waitFor(one.id, 'completed', 'failed')
    const all = await Promise.all(cases.map((one) => one.facts({ status: 'completed' })))
    for (const facts of all) {
      await assertInvariants(facts)
      expect(facts.sentAfter?.toSorted()).toEqual([1, 2])
    }
    const probes = await stack.database.db.event.groupBy({
      by: ['transferId'],
      where: { code: 'planned', transferId: { in: cases.map((one) => one.id) } },
      _count: true,
    })
    expect(probes.every((row) => row._count === 1)).toBe(true)
  })

  it('share what one of them has claimed already, as soon as another joins', async () => {
    const first = await stack.startEngine({ ...LONG_LEASE, SLUICE_READ_LANES: '2' })
    const heldBytes = 8 * PART_BYTES
    const one = await stack.begin({
      sizeBytes: 2 * heldBytes,
      bytesPerSecond: 3 * MIB,
      heldBytes,
      input: { lanes: 10 },
    })
    await stack.until(one.id, 'the first part', ({ partsDone }) => partsDone >= 1)
    // The first one has all of them: there is nothing free to be claimed.
    const free = await stack.database.db.partClaim.count({ where: { transferId: one.id, engineId: null } })
    expect(free).toBe(0)
    // As long as the second one takes to start, the first must not be done.
    one.setRate(HARDLY)
    const second = await stack.startEngine({ ...LONG_LEASE, SLUICE_READ_LANES: '2' })
    const joinedMs = performance.now()
    await bothWork(one, 3 * MIB)
    await expectWithin('join', 'the second engine had a part', joinedMs)
    one.setRate(null)
    await stack.waitFor(one.id, 'completed', 'failed')
    const facts = await one.facts({ status: 'completed' })
    await assertInvariants(facts)
    const by = await partsBy(one.id)
    expect([...by.keys()].sort()).toEqual([first.id, second.id].sort())
    expect(new Set(facts.sentAfter).size).toBe(facts.sentAfter?.length)
  })

  it('lose at most the unfinished parts of the one that dies', async () => {
    const env = { ...LONG_LEASE, SLUICE_READ_LANES: '2' }
    const [first] = await Promise.all([stack.startEngine(env), stack.startEngine(env)])
    const one = await stack.begin({ sizeBytes: 16 * PART_BYTES, bytesPerSecond: HARDLY, input: { lanes: 2 } })
    await bothWork(one, 4 * MIB, 4 * PART_BYTES)
    one.setRate(HARDLY)
    await stack.kill(first, LEASE_MS)
    const acknowledged = await acknowledgedParts(stack.database.db, one.id)
    one.mark()
    one.setRate(null)
    await stack.waitFor(one.id, 'completed', 'failed')
    // What was under way on the other one goes on: only its requests after the kill count, and those are of unfinished parts.
    await assertInvariants(await one.facts({ status: 'completed', acknowledged }))
  })

  it('take the parts of one that dies at once, although they have plenty of their own', async () => {
    const env = { ...LONG_LEASE, SLUICE_READ_LANES: '1' }
    const [first, second] = await Promise.all([stack.startEngine(env), stack.startEngine(env)])
    const one = await stack.begin({ sizeBytes: 24 * PART_BYTES, bytesPerSecond: HARDLY, input: { lanes: 2 } })
    await bothWork(one, 3 * MIB, 12 * PART_BYTES)
    // From here on it would take the survivor an hour to run low by itself.
    one.setRate(HARDLY)
    const { db } = stack.database
    const heldBy = async (engine?: EngineProcess) => {
      const where = { transferId: one.id, engineId: engine?.id ?? '' }
      return (await db.partClaim.findMany({ where, select: { id: true } })).map(({ id }) => id)
    }
    // What was finished before the rate was low is closed, and others are claimed instead.
    const spare = async () => ({ dead: await heldBy(first), own: await heldBy(second) })
    await until('both to hold more than they move', async () => {
      const { dead, own } = await spare()
      return dead.length > 1 && own.length > 1
    })
    await stack.kill(first, LEASE_MS)
    const left = await spare()
    const acknowledged = await acknowledgedParts(db, one.id)
    one.mark()
    const killedMs = performance.now()
    await until('the claims of the dead one to be taken', async () => (await heldBy(first)).length === 0)
    await expectWithin('reclaim', 'a busy neighbour had the claims', killedMs)
    expect(await heldBy(second)).toEqual(expect.arrayContaining(left.dead))
    one.setRate(null)
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed', acknowledged }))
  })

  it('hold the bandwidth limit together, and a changed one too', async () => {
    // With two lanes each what comes at once is little beside the limit.
    const env = { ...LONG_LEASE, SLUICE_READ_LANES: '2' }
    await Promise.all([stack.startEngine(env), stack.startEngine(env)])
    const limit = MIB
    const input = { lanes: 2, bandwidthLimitBytesPerSecond: limit }
    // At the limit it lasts two and a half minutes, which is many times what the samples take; nobody waits for a part.
    const one = await stack.begin({ sizeBytes: 25 * PART_BYTES, bytesPerSecond: HARDLY, input })
    await bothClaim(one)
    await until('each of them to have said that it works on it', async () => {
      const { live } = await stack.database.db.transfer.findUniqueOrThrow({ where: { id: one.id } })
      return Object.keys(live as object).length === 2
    })
    one.setRate(null)
    const samples = { transferId: one.id }
    const newest = async () =>
      (await stack.database.db.sample.aggregate({ where: samples, _max: { id: true } }))._max.id
    /** What both say they read, once each has written so many samples after that one. */
    const readAfter = (id: bigint | null, count: number) =>
      until(`${count} samples of both`, async () => {
        const where = { ...samples, id: { gt: id ?? 0n } }
        const sums = { _sum: { sourceBytes: true, durationMs: true }, _count: true } as const
        const rows = await stack.database.db.sample.groupBy({ by: ['engineId'], where, ...sums })
        return rows.length === 2 && rows.every((row) => row._count >= count) ? rows : null
      })
    // With its next sample each of them has read that, and knows of the other.
    await readAfter(await newest(), 1)
    const read = await readAfter(await newest(), 4)
    const rates = read.map(({ _sum }) => Number(_sum.sourceBytes) / (Number(_sum.durationMs) / 1000))
    // Each with the whole limit would be twice this; a slow machine can only make it less. Bytes that the source has sent would not
    // show it: whole parts wait in the buffers of sockets.
    expect(rates.reduce((sum, rate) => sum + rate)).toBeLessThan(limit * 1.5)
    expect(Math.max(...rates)).toBeLessThan(limit * 0.75)
    await setBandwidth(stack.database.db, [one.id], null)
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed' }))
  })

  it('all stop for a pause and for a cancellation, and go on after the pause', async () => {
    const env = { ...LONG_LEASE, SLUICE_READ_LANES: '2' }
    await Promise.all([stack.startEngine(env), stack.startEngine(env)])
    const one = await stack.begin({ sizeBytes: 20 * PART_BYTES, bytesPerSecond: HARDLY, input: { lanes: 2 } })
    await bothWork(one, 3 * MIB, 8 * PART_BYTES)
    one.setRate(HARDLY)
    const stillAsks = () => stack.source.requests(one.path).some((request) => request.isOpen)
    await applyAction(stack.database.db, 'pause', [one.id])
    await until('every engine to let go', async () => {
      const held = await stack.database.db.partClaim.count({ where: { transferId: one.id, engineId: { not: null } } })
      return held === 0 && !stillAsks()
    })
    const acknowledged = await acknowledgedParts(stack.database.db, one.id)
    one.mark()
    await applyAction(stack.database.db, 'resume', [one.id])
    one.setRate(3 * MIB, 4 * PART_BYTES)
    await stack.until(one.id, 'two more parts', ({ partsDone }) => partsDone >= acknowledged.length + 2)
    one.setRate(HARDLY)
    const askedMs = performance.now()
    await applyAction(stack.database.db, 'cancel', [one.id])
    await stack.waitFor(one.id, 'cancelled')
    await expectWithin('cancel', 'cancelled over two engines', askedMs)
    await until('every engine to let go', () => !stillAsks())
    await assertInvariants(await one.facts({ status: 'cancelled', acknowledged }))
  })
})
