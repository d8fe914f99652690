import { getEventListeners } from 'node:events'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../e2e/stack/test-database.ts'
import { newId } from './new-id.ts'
import { listenForNotifications, type Notifications, notify, notifyIds } from './notifications.ts'

/** Whoever is not woken by a hint fails, however slow the machine is. */
const FAR_LONGER_THAN_A_TEST_MS = 3_600_000

let database: TestDatabase
let notifications: Notifications
const warnings: unknown[] = []

beforeEach(async () => {
  warnings.length = 0
  database = await createTestDatabase()
  notifications = listenForNotifications(database.url, { warn: (...line: unknown[]) => warnings.push(line) })
  await notifications.ready
})
afterEach(async () => {
  await notifications.close()
  await database.close()
})

async function killListener() {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice listen' AND datname = current_database()`,
  )
  await client.end()
}

it('brings each hint to the listeners of its channel until they leave', async () => {
  const heard: string[] = []
  const leave = notifications.subscribe('sluice_transfers', (payload) => heard.push(payload))
  const hints = notifications.hints('sluice_transfers')
  await notify(database.db, 'sluice_inspections', 'elsewhere')
  await notify(database.db, 'sluice_transfers', 'one')
  await hints.next(FAR_LONGER_THAN_A_TEST_MS)
  expect(heard).toEqual(['one'])
  leave()
  await notify(database.db, 'sluice_transfers', 'two')
  await hints.next(FAR_LONGER_THAN_A_TEST_MS)
  expect(heard).toEqual(['one'])
})

it('sends a hint with the commit of its transaction, and none when that is undone', async () => {
  const heard: string[] = []
  notifications.subscribe('sluice_transfers', (payload) => heard.push(payload))
  const undone = database.db.$transaction(async (tx) => {
    await notify(tx, 'sluice_transfers', 'undone')
    throw new Error('undo')
  })
  await expect(undone).rejects.toThrow('undo')
  const hints = notifications.hints('sluice_transfers')
  await notify(database.db, 'sluice_transfers', 'done')
  await hints.next(FAR_LONGER_THAN_A_TEST_MS)
  expect(heard).toEqual(['done'])
})

it('keeps a hint that comes while nobody waits, and wakes only for its subject', async () => {
  const [mine, other] = [newId(), newId()]
  const hints = notifications.hints('sluice_progress', mine)
  const all = notifications.hints('sluice_progress')
  await notifyIds(database.db, 'sluice_progress', [other, mine])
  await all.next(FAR_LONGER_THAN_A_TEST_MS)
  await hints.next(FAR_LONGER_THAN_A_TEST_MS)
  await notify(database.db, 'sluice_progress', other)
  await all.next(FAR_LONGER_THAN_A_TEST_MS)
  const waited = performance.now()
  await hints.next(100)
  expect(performance.now() - waited).toBeGreaterThan(90)
})

it('stops waiting when asked to, and leaves nothing on the signal', async () => {
  const hints = notifications.hints('sluice_progress')
  const stop = new AbortController()
  for (let turn = 0; turn < 3; turn++) await hints.next(1, stop.signal)
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  const waiting = hints.next(60_000, stop.signal)
  stop.abort()
  await waiting
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
})

it('can be closed while it connects, and leaves no connection behind', async () => {
  const hasty = listenForNotifications(database.url, { warn: () => {} })
  await hasty.close()
  const count = () =>
    database.db.$queryRaw<{ n: number }[]>`
      SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'sluice listen' AND datname = current_database()`
  await expect.poll(async () => (await count())[0]?.n).toBe(1)
})

it('tells a thousand ids in messages Postgres takes', async () => {
  const ids = Array.from({ length: 1000 }, () => newId())
  const heard = new Set<string>()
  const done = Promise.withResolvers<void>()
  notifications.subscribe('sluice_transfers', (payload) => {
    for (const id of payload.split(',')) heard.add(id)
    if (heard.size === ids.length) done.resolve()
  })
  await notifyIds(database.db, 'sluice_transfers', ids)
  await done.promise
  expect(ids.every((id) => heard.has(id))).toBe(true)
})

it('reconnects when its connection is lost, says so once, and has everyone look again', async () => {
  const again = Promise.withResolvers<string>()
  notifications.subscribe('sluice_transfers', (payload) => again.resolve(payload))
  await killListener()
  expect(await again.promise).toBe('')
  expect(warnings).toHaveLength(1)
  const hints = notifications.hints('sluice_transfers')
  await notify(database.db, 'sluice_transfers', 'heard again')
  await hints.next(FAR_LONGER_THAN_A_TEST_MS)
})
