import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { MIB } from '../../src/server/domain/bytes.ts'
import { type OwnPostgres, startOwnPostgres } from '../stack/own-postgres.ts'
import { until } from '../stack/until.ts'
import { type ChaosStack, LEASE_MS, LONG_LEASE, startChaosStack } from './chaos-stack.ts'
import { acknowledgedParts, assertInvariants } from './invariants.ts'
import { expectStopBeforeLease, TELLS_STALLS } from './promises.ts'

const PART_BYTES = 6 * MIB
const PACE = 2 * MIB
/** A part takes minutes. */
const HARDLY = MIB / 64
/** Never done before its rate is set, whatever is to happen meanwhile. */
const SLOW = { sizeBytes: 12 * PART_BYTES, bytesPerSecond: PACE, heldBytes: 4 * PART_BYTES, input: { lanes: 2 } }
const FEW_LANES = { SLUICE_READ_LANES: '2' }
/** It lost its lease and knew it in time: all of the ledger is judged. */
const KNEW = { hasZombie: false }
/** Of those nothing happens to: however slow the machine is, they lose nothing. */
const SURVIVOR = { ...FEW_LANES, ...LONG_LEASE }

describe('an engine and its database', () => {
  let postgres: OwnPostgres
  let stack: ChaosStack
  beforeAll(async () => {
    postgres = await startOwnPostgres()
    stack = await startChaosStack({ database: postgres.database })
  })
  afterEach(async () => {
    // A case that failed while it was down leaves it to the next.
    await postgres.restart()
    await stack.endEngines()
  })
  afterAll(async () => {
    await stack.close()
    await postgres.close()
  })

  const openReads = (path: string) => stack.source.requests(path).filter((request) => request.isOpen).length
  const sentParts = (key: string) => stack.gate.requests('part').filter((one) => one.path.endsWith(`/${key}`))
  const openSends = (key: string) => sentParts(key).filter((one) => one.isOpen).length

  it('row 20: a crash of Postgres for less than the lease costs nothing', async () => {
    await stack.startEngine({ ...FEW_LANES, SLUICE_LEASE_MS: '600000' })
    const one = await stack.begin(SLOW)
    await stack.until(one.id, 'a part', ({ partsDone }) => partsDone >= 1)
    // It must have something to go on with that cannot be over before the crash.
    one.setRate(HARDLY)
    await until('a read that lasts', () => openReads(one.path) > 0)
    // Before the crash: as soon as the database is back, what was sent meanwhile is acknowledged too.
    const acknowledged = await acknowledgedParts(stack.database.db, one.id)
    await postgres.crash()
    one.mark()
    const before = sentParts(one.key).length
    // The bytes flow on while nobody can write that they do.
    one.setRate(PACE)
    await until('a part to go on without a database', () => sentParts(one.key).length > before)
    await postgres.restart()
    one.setRate(null)
    const done = await stack.waitFor(one.id, 'completed', 'failed')
    const facts = await one.facts({ status: 'completed', acknowledged })
    await assertInvariants(facts)
    const numbers = sentParts(one.key).map((sent) => sent.partNumber)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(done.events.map((event) => event.code)).not.toContain('started_over')
  })

  it('row 20: for longer than the lease the engine stops by itself, and goes on when it is back', async () => {
    // Long enough that a busy machine can keep it when the database is back: with less it loses its work again and again.
    const leaseMs = 3 * LEASE_MS
    const engine = await stack.startEngine({ ...FEW_LANES, SLUICE_LEASE_MS: String(leaseMs) })
    const one = await stack.begin(SLOW)
    await stack.until(one.id, 'a part', ({ partsDone }) => partsDone >= 1)
    await postgres.crash()
    // Between two requests nothing is open either: that it has stopped it says itself.
    const hasStopped = () => engine.logs().includes('The lease could not be renewed in time')
    const isQuiet = () => hasStopped() && openReads(one.path) + openSends(one.key) === 0
    await until('every connection to source and bucket to end', isQuiet)
    const fenced = sentParts(one.key).length
    // It goes on looking for work, and begins nothing.
    await delay(LEASE_MS)
    expect(sentParts(one.key).length).toBe(fenced)
    one.mark()
    await postgres.restart()
    const acknowledged = await acknowledgedParts(stack.database.db, one.id)
    one.setRate(null)
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed', acknowledged, ...KNEW }))
    expect(engine.isRunning).toBe(true)
  })

  it('row 21: cut off from Postgres alone, it stops before its lease ends, and another goes on', async () => {
    const { db } = stack.database
    // What it keeps clear of the end of a lease grows with the lease: a busy machine must not eat it up.
    const env = { ...FEW_LANES, ...TELLS_STALLS, SLUICE_LEASE_MS: String(3 * LEASE_MS) }
    const first = await stack.startEngine(env)
    const one = await stack.begin({ ...SLOW, bytesPerSecond: MIB })
    await stack.until(one.id, 'a part', ({ partsDone }) => partsDone >= 1)
    // By themselves its requests would go on for minutes.
    one.setRate(HARDLY)
    first.postgres.freeze()
    await expectStopBeforeLease(db, first, one.id)
    // What it says it also does.
    const isOver = () => openReads(one.path) + openSends(one.key) === 0
    await until('every connection to source and bucket to end', isOver)
    const acknowledged = await acknowledgedParts(db, one.id)
    one.mark()
    one.setRate(null)
    const second = await stack.startEngine(SURVIVOR)
    await stack.waitFor(one.id, 'completed', 'failed')
    const wroteLast = await db.event.findFirstOrThrow({ where: { transferId: one.id }, orderBy: { id: 'desc' } })
    expect(wroteLast.engineId).toBe(second.id)
    const rows = () => db.part.findMany({ where: { transferId: one.id }, orderBy: { number: 'asc' } })
    const before = await rows()
    const mended = await db.engine.findUniqueOrThrow({ where: { id: first.id } })
    first.postgres.mend()
    // It has work again when it is healed: the old statements it still sends change nothing.
    const other = await stack.begin({ sizeBytes: PART_BYTES })
    await stack.waitFor(other.id, 'completed', 'failed')
    await until('the healed one to be heard of', async () => {
      const { heartbeatAt } = await db.engine.findUniqueOrThrow({ where: { id: first.id } })
      return heartbeatAt > mended.heartbeatAt
    })
    expect(await rows()).toEqual(before)
    await assertInvariants(await one.facts({ status: 'completed', acknowledged, ...KNEW }))
    await assertInvariants(await other.facts({ status: 'completed' }))
  })

  it('row 21: healed after its connections were lost without a word, it works again', async () => {
    const engine = await stack.startEngine(SURVIVOR)
    engine.postgres.freeze()
    const one = await stack.begin({ sizeBytes: PART_BYTES })
    // The old connections stay silent for ever; new ones get through.
    engine.postgres.letNewThrough()
    await stack.waitFor(one.id, 'completed', 'failed')
    await assertInvariants(await one.facts({ status: 'completed' }))
  })

  it('row 22: frozen for longer than its lease and thawed in the middle of a part, it does no harm', async () => {
    const { db } = stack.database
    const first = await stack.startEngine(FEW_LANES)
    const one = await stack.begin(SLOW)
    await stack.until(one.id, 'a part', ({ partsDone }) => partsDone >= 1)
    await until('a part under way', () => openSends(one.key) + openReads(one.path) > 0)
    first.freeze()
    const acknowledged = await acknowledgedParts(db, one.id)
    one.mark()
    one.setRate(null)
    const completing = stack.gate.hold('complete', 'before', one.key)
    const second = await stack.startEngine(SURVIVOR)
    const completes = () => stack.gate.requests('complete').filter((sent) => sent.path.endsWith(one.key)).length
    // All of its parts are the other's by then. Thawed before, it would find work again, and might rightly be the one that completes.
    await completing.reached
    first.thaw()
    await until('the thawed one to let go', () => openReads(one.path) + openSends(one.key) === 0)
    completing.release()
    await stack.waitFor(one.id, 'completed', 'failed')
    expect(completes()).toBe(1)
    const completed = await db.event.findFirstOrThrow({ where: { transferId: one.id, code: 'completed' } })
    expect(completed.engineId).toBe(second.id)
    expect(first.isRunning).toBe(true)
    await assertInvariants(await one.facts({ status: 'completed', acknowledged, hasZombie: true }))
  })
})
