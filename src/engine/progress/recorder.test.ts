import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Db } from '../../server/db/client.ts'
import type { FinishedPart, TransferProgress, Wishes } from '../../server/db/ledger.ts'
import { createLog } from '../../server/log.ts'
import { Meter } from './meter.ts'
import { createMetrics } from './metrics.ts'
import { type RecordedRun, Recorder } from './recorder.ts'

/** The flushes as the recorder sends them, in a database that answers when the test says so. */
function fakeDatabase() {
  const flushes: {
    parts: FinishedPart[]
    progress: TransferProgress[]
    samples: { at: string }[]
    closed: { claimId: string }[]
  }[] = []
  const state = {
    gate: null as Promise<void> | null,
    isAway: false,
    refused: new Set<number>(),
    wishes: { status: 'running' } as Partial<Wishes>,
  }
  const run = async (_strings: TemplateStringsArray, ...values: unknown[]) => {
    const [parts, progress, samples, closed] = values
      .filter((value) => String(value).startsWith('['))
      .map((value) => JSON.parse(String(value)))
    await state.gate
    if (state.isAway) throw new Error('the database is away')
    flushes.push({ parts, progress, samples, closed })
    const taken = (parts as FinishedPart[]).filter((part) => !state.refused.has(part.number))
    const wishes = (progress as TransferProgress[]).map(({ id }) => ({
      id,
      cancelRequestedAt: null,
      bandwidthLimitBytesPerSecond: null,
      ...state.wishes,
    }))
    return [{ taken: taken.map(({ transferId, number }) => `${transferId}/${number}`), wishes }]
  }
  return {
    db: { $queryRaw: run } as unknown as Db,
    state,
    flushes,
    partNumbers: () =>
      flushes.filter(({ parts }) => parts.length > 0).map(({ parts }) => parts.map((part) => part.number)),
    closedClaims: () => flushes.flatMap(({ closed }) => closed),
    progress: () => flushes.map(({ progress }) => progress).filter((progress) => progress.length > 0),
  }
}

function fakeRun(id: string, over: Partial<RecordedRun> = {}): RecordedRun {
  return {
    id,
    runId: `run-${id}`,
    meter: new Meter(),
    sentBytes: () => 0,
    bufferedBytes: () => 0,
    isBucketBehind: () => false,
    movingParts: () => [],
    takeClosedClaims: () => [],
    onWishes: () => {},
    onRefused: () => {},
    ...over,
  }
}

const partOf = (transferId: string, number: number): FinishedPart => ({
  transferId,
  number,
  sizeBytes: 10,
  etag: `"${number}"`,
  crc32c: null,
  retries: 0,
  startedAt: new Date(0),
  finishedAt: new Date(1),
  claimId: `claim-${transferId}`,
  epoch: 1,
})

describe('Recorder', () => {
  let fake: ReturnType<typeof fakeDatabase>
  let recorder: Recorder
  beforeEach(() => {
    fake = fakeDatabase()
    const none = () => 0
    const metrics = createMetrics(1, { transfers: none, readLanes: none, uploadLanes: none, bufferedBytes: none })
    recorder = new Recorder({ db: fake.db, engineId: 'engine', log: createLog('engine', 'silent'), metrics })
  })
  afterEach(() => {
    recorder.stop()
    vi.useRealTimers()
  })

  it('keeps what could not be written, and writes it with the next flush', async () => {
    recorder.add(fakeRun('a'))
    recorder.addPart(partOf('a', 1))
    fake.state.isAway = true
    await expect(recorder.flush()).rejects.toThrow('away')
    fake.state.isAway = false
    recorder.addPart(partOf('a', 2))
    await recorder.flush()
    await recorder.flush()
    expect(fake.partNumbers()).toEqual([[1, 2]])
  })

  it('loses no part of one transfer when another is forgotten while a flush is under way', async () => {
    const lost = fakeRun('lost')
    recorder.add(lost)
    recorder.add(fakeRun('kept'))
    recorder.addPart(partOf('lost', 1))
    recorder.addPart(partOf('lost', 2))
    const gate = Promise.withResolvers<void>()
    fake.state.gate = gate.promise
    const flushing = recorder.flush()
    recorder.addPart(partOf('kept', 3))
    recorder.addPart(partOf('kept', 4))
    recorder.forget(lost)
    gate.resolve()
    await flushing
    await recorder.flush()
    expect(fake.partNumbers()).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('closes no claim whose parts it has forgotten', async () => {
    let closed = [{ claimId: 'claim-a', epoch: 1 }]
    const run = fakeRun('a', { takeClosedClaims: () => closed.splice(0) })
    recorder.add(run)
    recorder.addPart(partOf('a', 1))
    fake.state.isAway = true
    await expect(recorder.flush()).rejects.toThrow('away')
    recorder.forget(run)
    fake.state.isAway = false
    closed = []
    recorder.add(fakeRun('b'))
    recorder.addPart(partOf('b', 2))
    await recorder.flush()
    expect(fake.partNumbers()).toEqual([[2]])
    expect(fake.closedClaims()).toEqual([])
  })

  it('tells a run whose part was refused, and the wishes of its user', async () => {
    const onRefused = vi.fn()
    const onWishes = vi.fn()
    recorder.add(fakeRun('a', { onRefused, onWishes }))
    recorder.addPart(partOf('a', 1))
    recorder.addPart(partOf('a', 2))
    fake.state.refused.add(2)
    fake.state.wishes = { status: 'paused' }
    await recorder.flush()
    expect(onRefused).toHaveBeenCalledTimes(1)
    expect(onWishes).toHaveBeenCalledWith(expect.objectContaining({ status: 'paused' }))
  })

  it('counts parts that finish while the ledger is written as moving, so that progress never steps back', async () => {
    let sentBytes = 10
    recorder.add(fakeRun('a', { sentBytes: () => sentBytes }))
    recorder.addPart(partOf('a', 1))
    const gate = Promise.withResolvers<void>()
    fake.state.gate = gate.promise
    const flushing = recorder.flush()
    sentBytes = 0
    recorder.addPart(partOf('a', 2))
    gate.resolve()
    await flushing
    expect(fake.progress()[0]?.[0]?.live?.inflightBytes).toBe(10)
    await recorder.flush()
    expect(fake.progress()[1]?.[0]?.live?.inflightBytes).toBe(0)
  })

  it('takes the live numbers of an ended run away with its last flush, for good', async () => {
    const run = fakeRun('a')
    recorder.add(run)
    await recorder.flush()
    const gate = Promise.withResolvers<void>()
    fake.state.gate = gate.promise
    const finishing = recorder.finish(run)
    const beside = recorder.flush()
    gate.resolve()
    await Promise.all([finishing, beside])
    await recorder.flush()
    const live = fake.progress().map(([entry]) => entry?.live)
    expect(live[0]).not.toBeNull()
    expect(live.slice(1).every((entry) => entry === null)).toBe(true)
  })

  it('takes one sample a second on whole seconds, and one at the end, however often that has to be written', async () => {
    vi.useFakeTimers({ now: 1_000_400 })
    const run = fakeRun('a')
    recorder.add(run)
    recorder.start()
    await vi.advanceTimersByTimeAsync(2_000)
    fake.state.isAway = true
    for (let attempt = 0; attempt < 5; attempt++) await recorder.finish(run).catch(() => {})
    await vi.advanceTimersByTimeAsync(3_000)
    fake.state.isAway = false
    await recorder.finish(run)
    const times = fake.flushes.at(-1)?.samples.map((sample) => Date.parse(sample.at))
    expect(times).toEqual([1_003_000])
  })
})
