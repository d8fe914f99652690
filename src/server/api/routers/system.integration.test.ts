import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ApiHarness, addEngine, bucketInput, failureOf, startApi } from '../../../../e2e/stack/api-harness.ts'
import { newId } from '../../db/new-id.ts'

let harness: ApiHarness
let api: ApiHarness['api']

beforeAll(async () => {
  harness = await startApi()
  api = harness.api
})
afterAll(() => harness.close())
beforeEach(async () => {
  await harness.db.engine.deleteMany()
  await harness.db.transfer.deleteMany()
})

async function addTransfer(data: object): Promise<string> {
  const { id: bucketId } = await api.buckets.save(bucketInput())
  const { id } = await api.transfers.create({ sourceUrl: 'https://example.org/x.bin', bucketId })
  await harness.db.transfer.update({ where: { id }, data })
  return id
}

async function addSample(transferId: string, at: Date, bucketBytes: bigint, engineId = newId()) {
  const rest = { sourceBytes: bucketBytes * 2n, bufferedBytes: 0n, readLanes: 1, uploadLanes: 1, retries: 0 }
  await harness.db.sample.create({ data: { transferId, engineId, at, durationMs: 1000, bucketBytes, ...rest } })
}

describe('engines.list', () => {
  it('shows the healthy first, then silent, then stopped ones, and none of days ago', async () => {
    const stopped = await addEngine(harness.db, { stopped: true })
    const silent = await addEngine(harness.db, { agoMs: 60_000 })
    const healthy = await addEngine(harness.db)
    await addEngine(harness.db, { agoMs: 2 * 86_400_000 })
    const list = await api.engines.list()
    expect(list.map((engine) => [engine.id, engine.state])).toEqual([
      [healthy, 'healthy'],
      [silent, 'silent'],
      [stopped, 'stopped'],
    ])
    expect(list[0]?.stats).toMatchObject({ bucketBytesPerSecond: 20 })
  })
})

describe('engines.setBandwidth', () => {
  it('limits an engine, shows it at once, and lifts it again', async () => {
    const id = await addEngine(harness.db)
    const limitOf = async () => (await api.engines.list())[0]?.bandwidthLimitBytesPerSecond
    expect(await limitOf()).toBeNull()
    expect(await api.engines.setBandwidth({ id, bytesPerSecond: 50_000 })).toEqual({ id })
    expect(await limitOf()).toBe(50_000)
    await api.engines.setBandwidth({ id, bytesPerSecond: null })
    expect(await limitOf()).toBeNull()
  })

  it('refuses what is no rate, and an engine that is not there', async () => {
    const id = await addEngine(harness.db)
    await expect(api.engines.setBandwidth({ id, bytesPerSecond: 10 })).rejects.toThrow('at least 1,024 bytes')
    const gone = '0190b6b0-0000-7000-8000-000000000000'
    await expect(api.engines.setBandwidth({ id: gone, bytesPerSecond: 5000 })).rejects.toThrow('no such engine')
  })
})

describe('system.health', () => {
  it.each([
    ['down', [], 'No engine is running'],
    ['down', [{ agoMs: 60_000 }], '1 engine stopped answering'],
    ['degraded', [{}, { agoMs: 60_000 }], '1 engine working; 1 engine stopped answering'],
    ['ok', [{}, {}, { stopped: true }], '2 engines working.'],
  ] as const)('is %s with engines %j', async (state, engines, message) => {
    for (const engine of engines) await addEngine(harness.db, engine)
    expect(await api.system.health()).toMatchObject({ state, message: expect.stringContaining(message) })
  })

  it('counts states, what moved today, and how much of it succeeded', async () => {
    await addEngine(harness.db)
    await addEngine(harness.db)
    const now = new Date()
    const id = await addTransfer({ status: 'running' })
    await addTransfer({ status: 'completed', finishedAt: now })
    await addTransfer({ status: 'completed', finishedAt: now })
    await addTransfer({ status: 'failed', finishedAt: now })
    await addTransfer({ status: 'completed', finishedAt: new Date(now.getTime() - 2 * 86_400_000) })
    await addTransfer({})
    await addSample(id, new Date(now.getTime() - 50 * 60_000), 0n)
    await addSample(id, now, 7n)
    await addSample(id, now, 5n)
    await addSample(id, new Date(now.getTime() - 2 * 86_400_000), 1000n)
    const health = await harness.callWith({ services: { ...harness.services } }).system.health()
    expect(health).toMatchObject({
      version: '0.0.0-test',
      enginesHealthy: 2,
      enginesTotal: 2,
      running: 1,
      queued: 1,
      failed: 1,
      bytesPerSecond: 40,
      movedTodayBytes: 12,
      lastHourStepMs: 30_000,
    })
    expect(health.successRateToday).toBeCloseTo(2 / 3)
    expect(health.lastHour.length).toBeGreaterThanOrEqual(100)
    expect(health.lastHour.reduce((sum, step) => sum + step.bucketBytes, 0)).toBe(12)
    expect(health.lastHour.filter((step) => step.bucketBytes > 0)).toMatchObject([{ bucketBytes: 12, sourceBytes: 24 }])
    for (const [index, step] of health.lastHour.slice(1).entries())
      expect(step.at.getTime() - (health.lastHour[index]?.at.getTime() ?? 0)).toBe(30_000)
  })

  it('draws a first transfer in steps of two seconds, whole ones only', async () => {
    const id = await addTransfer({ status: 'running' })
    const now = Date.now()
    for (let secondsAgo = 20; secondsAgo > 0; secondsAgo--) await addSample(id, new Date(now - secondsAgo * 1000), 10n)
    const { lastHour, lastHourStepMs } = await harness.callWith({ services: { ...harness.services } }).system.health()
    expect(lastHourStepMs).toBe(2000)
    expect(lastHour.length).toBeGreaterThanOrEqual(26)
    expect(lastHour.length).toBeLessThanOrEqual(34)
    expect(lastHour.filter((step) => step.bucketBytes === 20).length).toBeGreaterThanOrEqual(7)
    expect(lastHour.at(-1)?.at.getTime()).toBeLessThanOrEqual(Date.now() - 2000)
  })

  it('adds the samples up once for all pages that ask within five seconds', async () => {
    const services = { ...harness.services }
    const ask = () => harness.callWith({ services }).system.health()
    const id = await addTransfer({ status: 'running' })
    // The clock stands still, however long the machine takes, and goes on when it is told to.
    const startMs = performance.now()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(startMs)
    try {
      expect(await ask()).toMatchObject({ movedTodayBytes: 0, running: 1 })
      await addSample(id, new Date(), 7n)
      await harness.db.transfer.update({ where: { id }, data: { status: 'paused' } })
      clock.mockReturnValue(startMs + 4_999)
      expect(await ask()).toMatchObject({ movedTodayBytes: 0, running: 0 })
      clock.mockReturnValue(startMs + 5_000)
      expect(await ask()).toMatchObject({ movedTodayBytes: 7 })
    } finally {
      clock.mockRestore()
    }
  })

  it('has no success rate before anything has ended', async () => {
    expect(await api.system.health()).toMatchObject({ successRateToday: null })
  })
})

describe('reports', () => {
  const start = new Date('2026-11-21T12:00:00Z')
  const later = (seconds: number) => new Date(start.getTime() + seconds * 1000)

  async function finished(): Promise<string> {
    const id = await addTransfer({
      status: 'completed',
      sizeBytes: 100n,
      doneBytes: 100n,
      startedAt: start,
      finishedAt: later(10),
    })
    await addSample(id, later(1), 30n)
    await addSample(id, later(2), 70n)
    for (const [number, seconds] of [
      [1, 1],
      [2, 3],
    ] as const)
      await harness.db.part.create({
        data: {
          transferId: id,
          number,
          sizeBytes: 50n,
          etag: 'e',
          retries: 1,
          startedAt: start,
          finishedAt: later(seconds),
        },
      })
    return id
  }

  it('hold what was recorded of a run', async () => {
    const report = await api.reports.byTransfer({ transferId: await finished() })
    expect(report).toMatchObject({
      transfer: { status: 'completed', transferredBytes: 100 },
      figures: {
        durationSeconds: 10,
        averageBytesPerSecond: 10,
        peakBytesPerSecond: 70,
        averagePartSeconds: 2,
        slowestPartSeconds: 3,
        partRetries: 2,
      },
      stepMs: 1000,
      events: [{ code: 'created' }],
    })
    expect([report.samples.length, report.parts.length]).toEqual([2, 2])
  })

  it('are small for a page, and name the engines and what the run went by', async () => {
    const id = await finished()
    const engineId = await addEngine(harness.db)
    const run = {
      uploadLanes: 7,
      readLanes: null,
      sliceSizeBytes: 1,
      memoryBudgetBytes: 2,
      highWaterBytes: 3,
      lowWaterBytes: 1,
      shape: 'held',
      httpClient: 'lean',
      profile: 'balanced',
    }
    const metrics = { a1: { settings: { ...run, uploadLanes: 5 } }, b2: { settings: run }, c3: { other: true } }
    await harness.db.transfer.update({ where: { id }, data: { metrics, wantedLanes: 7 } })
    await harness.db.part.updateMany({ where: { transferId: id }, data: { engineId } })
    const view = await api.reports.view({ transferId: id })
    expect(view).not.toHaveProperty('parts')
    expect(view.timeline).toMatchObject({ parts: 2, lanes: [{ engineId }, { engineId }] })
    expect(view.slowestParts.map((part) => part.number)).toEqual([2, 1])
    expect(view.engines).toEqual([{ id: engineId, name: `engine-${engineId.slice(-4)}` }])
    expect(view.settings).toMatchObject({ run, wantedUploadLanes: 7, ifExists: 'fail' })
    expect(view.sentences[0]).toBe('100 B in 10.0 s, 10 B/s on average.')
    expect(await failureOf(api.reports.view({ transferId: newId() }))).toMatchObject({ code: 'not_found' })
  })

  it('say null where nothing was measured', async () => {
    const report = await api.reports.byTransfer({ transferId: await addTransfer({}) })
    expect(report.figures).toEqual({
      durationSeconds: null,
      averageBytesPerSecond: null,
      peakBytesPerSecond: null,
      peakSourceBytesPerSecond: null,
      averagePartSeconds: null,
      medianPartSeconds: null,
      slowestPartSeconds: null,
      partRetries: 0,
    })
    expect(report).toMatchObject({ sentences: ['It has not begun yet.'], advice: [], timeSplit: { totalMs: 0 } })
  })

  it('put runs side by side in the order asked for', async () => {
    const [first, second] = [await finished(), await addTransfer({})]
    const { runs } = await api.reports.compare({ transferIds: [second, first] })
    expect(runs.map((run) => run.transfer.id)).toEqual([second, first])
    expect(runs[1]?.figures).toMatchObject({ peakBytesPerSecond: 70 })
    expect(runs[1]?.figures).toMatchObject({ medianPartSeconds: 1, slowestPartSeconds: 3, averagePartSeconds: 2 })
    expect(runs[1]?.curve).toEqual([
      [1, 60, 30],
      [2, 140, 70],
    ])
    expect(runs[0]).toMatchObject({ curve: [], figures: { medianPartSeconds: null, partRetries: 0 } })
    const missing = api.reports.compare({ transferIds: [first, newId()] })
    expect(await failureOf(missing)).toMatchObject({ code: 'not_found' })
  })

  it('are exported as JSON and CSV', async () => {
    const transferId = await finished()
    const json = await api.reports.export({ transferId, format: 'json' })
    expect(json).toMatchObject({ fileName: `sluice-${transferId}.json`, contentType: 'application/json' })
    expect(JSON.parse(json.content)).toMatchObject({ transfer: { id: transferId }, figures: { durationSeconds: 10 } })
    const csv = await api.reports.export({ transferId, format: 'csv' })
    expect(csv.content.split('\r\n')).toEqual([
      'at,stepMs,sourceBytes,bucketBytes,cacheBytes,bufferedBytes,readLanes,uploadLanes,retries,bucketLimitMs,memoryLimitMs,processorLimitMs,rateLimitMs,measuredMs',
      '2026-11-21T12:00:01.000Z,1000,60,30,0,0,1,1,0,,,,,1000',
      '2026-11-21T12:00:02.000Z,1000,140,70,0,0,1,1,0,,,,,1000',
      '',
    ])
  })
})
