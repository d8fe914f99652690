import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ApiHarness, bucketInput, failureOf, startApi } from '../../../../e2e/stack/api-harness.ts'
import { newId } from '../../db/new-id.ts'
import { notify } from '../../db/notifications.ts'
import { stepFor } from '../../db/samples.ts'
import type { Sample } from '../../domain/sample.ts'
import type { Services } from '../context.ts'

let harness: ApiHarness
let transferId: string
const engineId = newId()
const START = Date.parse('2026-11-21T12:00:00Z')

beforeAll(async () => {
  harness = await startApi()
})
afterAll(() => harness.close())
beforeEach(async () => {
  const { id: bucketId } = await harness.api.buckets.save(bucketInput())
  transferId = (await harness.api.transfers.create({ sourceUrl: 'https://example.org/x', bucketId })).id
  await harness.db.transfer.update({ where: { id: transferId }, data: { status: 'running' } })
})

async function record(second: number, more: { engineId?: string; bucketBytes?: bigint; readLanes?: number } = {}) {
  await harness.db.sample.create({
    data: {
      transferId,
      engineId,
      at: new Date(START + second * 1000),
      durationMs: 1000,
      sourceBytes: 10n,
      bucketBytes: 5n,
      bufferedBytes: 100n,
      readLanes: second,
      uploadLanes: 1,
      retries: 1,
      ...more,
    },
  })
  await notify(harness.db, 'sluice_progress', transferId)
}
const end = () => harness.db.transfer.update({ where: { id: transferId }, data: { status: 'completed' } })

type Tracked = readonly [id: string, sample: Sample, ...rest: unknown[]]
async function follow(lastEventId?: string, signal?: AbortSignal, more: Partial<Services> = {}) {
  const { appRouter } = await import('../root.ts')
  const { createCallerFactory } = await import('../trpc.ts')
  const call = createCallerFactory(appRouter)
  const context = {
    services: { ...harness.services, ...more },
    method: 'GET',
    headers: new Headers({ host: 'localhost:3000' }),
  }
  const stream = await call(context, { signal }).progress.onSample({ transferId, lastEventId })
  return stream[Symbol.asyncIterator]() as unknown as AsyncIterator<Tracked>
}
async function take(stream: AsyncIterator<Tracked>, count: number): Promise<Tracked[]> {
  const taken: Tracked[] = []
  while (taken.length < count) {
    const next = await stream.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

describe('progress.onSample', () => {
  it('replays what is recorded, goes on live, and ends with the transfer', async () => {
    await record(1)
    await record(2)
    const stream = await follow()
    expect((await take(stream, 2)).map(([, sample]) => sample.readLanes)).toEqual([1, 2])
    const live = stream.next()
    await record(3)
    expect((await live).value[1]).toMatchObject({
      at: new Date(START + 3000),
      sourceBytes: 10,
      bucketBytes: 5,
      cacheBytes: 0,
      bufferedBytes: 100,
      readLanes: 3,
      uploadLanes: 1,
      retries: 1,
    })
    await record(4)
    await end()
    expect(await take(stream, 9)).toHaveLength(1)
    expect(await stream.next()).toMatchObject({ done: true })
  })

  it('goes on after the last event a client has seen, without gap or repeat', async () => {
    for (let second = 1; second <= 5; second++) await record(second)
    const first = await follow()
    const seen = await take(first, 2)
    await first.return?.()
    await end()
    const again = await take(await follow(seen.at(-1)?.[0]), 9)
    expect(again.map(([, sample]) => sample.readLanes)).toEqual([3, 4, 5])
  })

  it('goes on by looking at the rows while the connection that listens is lost', async () => {
    const stream = await follow()
    const client = new pg.Client({ connectionString: harness.databaseUrl })
    await client.connect()
    const waiting = stream.next()
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice listen' AND datname = current_database()`,
    )
    await client.end()
    await record(1)
    expect((await waiting).value[1]).toMatchObject({ readLanes: 1 })
    await end()
    expect(await take(stream, 9)).toEqual([])
  })

  it('stops at once when the client goes away', async () => {
    const leave = new AbortController()
    const stream = await follow(undefined, leave.signal)
    const waiting = stream.next()
    leave.abort()
    expect(await waiting).toMatchObject({ done: true })
  })

  it('has the client connect again when this process stops, instead of taking it for the end of the transfer', async () => {
    const stop = new AbortController()
    const stream = await follow(undefined, undefined, { stopping: stop.signal })
    const waiting = stream.next()
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  })

  it('says that a transfer does not exist', async () => {
    transferId = newId()
    const stream = await follow()
    await expect(stream.next()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('progress.window', () => {
  it('gives every second of a short run', async () => {
    await record(1)
    await record(2)
    await record(4)
    const window = await harness.api.progress.window({ transferId })
    expect(window.stepMs).toBe(1000)
    expect(window.samples.map((sample) => [(sample.at.getTime() - START) / 1000, sample.bucketBytes])).toEqual([
      [1, 5],
      [2, 5],
      [4, 5],
    ])
    await end()
    expect(await take(await follow(window.lastEventId ?? undefined), 9)).toEqual([])
  })

  it('adds bytes up over steps and engines, and takes lanes as they were at the end of a step', async () => {
    const other = newId()
    for (let second = 0; second < 40; second++) await record(second)
    await record(38, { engineId: other, bucketBytes: 1000n, readLanes: 7 })
    const { samples, stepMs } = await harness.api.progress.window({ transferId, points: 4 })
    expect(stepMs).toBe(15_000)
    expect(samples).toMatchObject([
      { at: new Date(START), sourceBytes: 150, bucketBytes: 75, readLanes: 14, retries: 15 },
      { at: new Date(START + 15_000), bucketBytes: 75, readLanes: 29, bufferedBytes: 100 },
      { at: new Date(START + 30_000), bucketBytes: 1050, readLanes: 46, bufferedBytes: 200, uploadLanes: 2 },
    ])
  })

  it('is empty where nothing was recorded', async () => {
    expect(await harness.api.progress.window({ transferId })).toEqual({ samples: [], stepMs: 1000, lastEventId: null })
    expect(await failureOf(harness.api.progress.window({ transferId, points: 1 }))).toMatchObject({
      message: 'At least 2 points.',
    })
  })

  it.each([
    [0, 300, 1000],
    [298_000, 300, 1000],
    [299_000, 300, 2000],
    [86_400_000, 300, 300_000],
    [400 * 86_400_000, 300, 2 * 86_400_000],
  ])('covers %d ms in %d points with steps of %d ms', (spanMs, points, stepMs) => {
    expect(stepFor(spanMs, points)).toBe(stepMs)
    expect(spanMs / stepMs).toBeLessThanOrEqual(points)
  })
})
