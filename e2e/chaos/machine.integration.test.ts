import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { startTcpProxy } from '../stack/tcp-proxy.ts'
import { until } from '../stack/until.ts'
import { type ChaosStack, LEASE_MS, LONG_LEASE, startChaosStack } from './chaos-stack.ts'
import { acknowledgedParts, assertInvariants } from './invariants.ts'
import { createMemoryCage, createNamespace, itNeeds, shiftedClock } from './privileges.ts'
import { expectStopBeforeLease, TELLS_STALLS } from './promises.ts'

const PART_BYTES = 6 * MIB
/** A part takes minutes. */
const HARDLY = MIB / 64

describe('a machine that is short of memory, has a wrong clock, or is cut off', () => {
  let stack: ChaosStack
  beforeAll(async () => {
    stack = await startChaosStack()
  })
  afterEach(() => stack.endEngines())
  afterAll(() => stack.close())

  itNeeds(
    'cgroup',
    'row 26: eight transfers of 64 MiB parts into a slow store fit 256 MiB, and no one is killed',
    async () => {
      const cage = createMemoryCage(256 * MIB)
      try {
        const engine = await stack.startEngine({ SLUICE_LEASE_MS: '60000' }, { command: cage.command })
        const first = await stack.begin({ sizeBytes: MIB, isWatched: false })
        await stack.waitFor(first.id, 'completed')
        // So slow that none is done before the last of them has begun.
        stack.gate.setBodyRate(MIB / 8)
        const input = { partSizeBytes: 64 * MIB, lanes: 2 }
        const cases = await Promise.all(
          Array.from({ length: 8 }, () => stack.begin({ sizeBytes: 66 * MIB, input, isWatched: false })),
        )
        await until('all of them to move', async () => {
          const moving = await stack.database.db.transfer.count({ where: { status: 'running', live: { not: {} } } })
          return moving >= 8
        })
        stack.gate.setBodyRate(8 * MIB)
        // The store takes 8 MiB/s a connection: the source could fill any buffer many times over meanwhile.
        await delay(5_000)
        stack.gate.setBodyRate(null)
        for (const one of cases) await stack.waitFor(one.id, 'completed', 'failed')
        console.log(`row 26: ${Math.round(engine.rssBytes() / MIB)} MiB resident at the end, ${cage.kills()} kills`)
        expect([cage.kills(), engine.isRunning]).toEqual([0, true])
        for (const one of cases) {
          const processes = [{ ...engine.measured, rssLimitBytes: 256 * MIB }]
          await assertInvariants(await one.facts({ status: 'completed', processes }))
        }
      } finally {
        await stack.endEngines()
        await until('the cage to be empty', () => {
          try {
            cage.remove()
            return true
          } catch {
            return false
          }
        })
      }
    },
  )

  it('row 26: a transfer whose engines die one after the other is given up, and can be retried', async () => {
    const { db } = stack.database
    const one = await stack.begin({ sizeBytes: 2 * PART_BYTES, isWatched: false })
    // Seven died before; whoever claims it next after one more finds it to be too much.
    await db.transfer.update({ where: { id: one.id }, data: { crashes: 7 } })
    const held = stack.gate.hold('create', 'before', one.key)
    const victim = await stack.startEngine(LONG_LEASE)
    await held.reached
    await victim.kill()
    held.drop()
    await stack.startEngine(LONG_LEASE)
    const failed = await stack.waitFor(one.id, 'failed', 'completed')
    expect(failed.failure).toMatchObject({ code: 'engines_died', retry: 'later' })
    await applyAction(db, 'retry', [one.id])
    await stack.waitFor(one.id, 'completed')
    await assertInvariants(await one.facts({ status: 'completed' }))
  })

  it('row 26: one whose engines die while they complete it is given up too, and a retry sends no part again', async () => {
    const { db } = stack.database
    const one = await stack.begin({ sizeBytes: 3 * PART_BYTES, isWatched: false })
    const held = stack.gate.hold('complete', 'before', one.key)
    const victim = await stack.startEngine(LONG_LEASE)
    await held.reached
    await db.transfer.update({ where: { id: one.id }, data: { crashes: 7 } })
    await victim.kill()
    held.drop()
    const acknowledged = await acknowledgedParts(db, one.id)
    one.mark()
    await stack.startEngine(LONG_LEASE)
    const failed = await stack.waitFor(one.id, 'failed', 'completed')
    expect(failed.failure).toMatchObject({ code: 'engines_died', retry: 'later' })
    await applyAction(db, 'retry', [one.id])
    await stack.waitFor(one.id, 'completed')
    await assertInvariants(await one.facts({ status: 'completed', acknowledged }))
  })

  for (const offset of ['+2h', '-2h'])
    itNeeds('faketime', `row 27: an engine whose clock is ${offset} off moves and completes a transfer`, async () => {
      const env = { ...shiftedClock(offset), ...LONG_LEASE, SLUICE_READ_LANES: '2' }
      const engine = await stack.startEngine(env)
      const one = await stack.begin({
        sizeBytes: 6 * PART_BYTES,
        bytesPerSecond: 4 * MIB,
        heldBytes: 3 * PART_BYTES,
        isWatched: false,
      })
      await stack.until(one.id, 'a part', ({ partsDone }) => partsDone >= 1)
      // Leases go by the database's clock: a neighbour with the right time finds none of them ended.
      const [lease] = await stack.database.db.$queryRaw<{ seconds: number }[]>`
        SELECT extract(epoch FROM max("leaseUntil") - now())::float8 AS seconds FROM "PartClaim"
        WHERE "transferId" = ${one.id}::uuid AND "engineId" = ${engine.id}::uuid`
      expect(Math.abs(lease?.seconds ?? 9999)).toBeLessThanOrEqual((2 * Number(LONG_LEASE.SLUICE_LEASE_MS)) / 1000)
      one.setRate(null)
      await stack.waitFor(one.id, 'completed', 'failed')
      await assertInvariants(await one.facts({ status: 'completed' }))
    })

  itNeeds('namespace', 'row 21: an engine in a network of its own loses the way to Postgres alone', async () => {
    const { db } = stack.database
    const space = createNamespace(1)
    const source = await startTcpProxy({ host: '127.0.0.1', port: stack.source.port }, space.othersHost)
    const gate = await startTcpProxy(
      { host: '127.0.0.1', port: Number(new URL(stack.gate.url).port) },
      space.othersHost,
    )
    const bucket = await db.bucket.findUniqueOrThrow({ where: { id: stack.bucketId } })
    await db.bucket.update({
      where: { id: bucket.id },
      data: { endpoint: `http://${space.othersHost}:${gate.port}` },
    })
    try {
      const env = { SLUICE_ALLOWED_PRIVATE_NETWORKS: `127.0.0.0/8,${space.cidr}`, SLUICE_READ_LANES: '2' }
      const firstEnv = { ...env, ...TELLS_STALLS, SLUICE_LEASE_MS: String(3 * LEASE_MS) }
      const first = await stack.startEngine(firstEnv, { command: space.command, proxyHost: space.databaseHost })
      const one = await stack.begin({
        sizeBytes: 12 * PART_BYTES,
        bytesPerSecond: MIB,
        heldBytes: 4 * PART_BYTES,
        input: { lanes: 2 },
        sourceOrigin: `http://${space.othersHost}:${source.port}`,
      })
      await stack.until(one.id, 'a part', ({ partsDone }) => partsDone >= 1)
      one.setRate(HARDLY)
      space.setDatabaseWay(false)
      await expectStopBeforeLease(db, first, one.id)
      const open = () => stack.source.requests(one.path).filter((request) => request.isOpen).length
      await until('it to stop by itself', () => open() === 0)
      const acknowledged = await acknowledgedParts(db, one.id)
      one.mark()
      one.setRate(null)
      await stack.startEngine({ ...env, ...LONG_LEASE })
      await stack.waitFor(one.id, 'completed', 'failed')
      space.setDatabaseWay(true)
      await delay(2_000)
      expect(first.isRunning).toBe(true)
      // It lost its lease and knew it in time: all of the ledger is judged.
      await assertInvariants(await one.facts({ status: 'completed', acknowledged, hasZombie: false }))
    } finally {
      await db.bucket.update({ where: { id: bucket.id }, data: { endpoint: bucket.endpoint } })
      await stack.endEngines()
      await Promise.all([source.close(), gate.close()])
      space.remove()
    }
  })
})
