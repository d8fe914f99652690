import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import type { Claim } from '../../server/db/claims.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { createLog } from '../../server/log.ts'
import { ByteBudget } from '../part/byte-budget.ts'
import { Meter } from '../progress/meter.ts'
import { BufferPool } from '../slice/buffer-pool.ts'
import { Origin } from '../source/origin.ts'
import type { RangeRequest, ReadResult, Source } from '../source/source.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { BucketPace } from '../upload/bucket-pace.ts'
import type { ObjectStore, PartUpload } from '../upload/object-store.ts'
import { EngineBandwidth } from './engine-bandwidth.ts'
import { PartBoard } from './part-board.ts'
import { RateLimiter } from './rate-limiter.ts'
import { RemainingWork } from './remaining-work.ts'
import { runTransfer } from './run-transfer.ts'
import { Stop } from './stop.ts'
import type { RunLimits, TransferRun } from './transfer-run.ts'

const SLICE = 1024
const PART = 4 * SLICE

interface Fakes {
  readonly parts?: number
  readonly budgetBytes?: number
  readonly limits?: Partial<RunLimits>
  readonly readLanes?: number
  readonly work?: RemainingWork
  /** Called before a read; a rejection is the failure of the read. */
  readonly onRead?: (request: RangeRequest) => Promise<void> | void
  /** A source without ranges, of unknown length, in place of the one with ranges. */
  readonly readWhole?: Source['readWhole']
  readonly onUpload?: (part: PartUpload) => Promise<void> | void
}

const claimOf = (firstPart: number, lastPart: number): Claim => ({
  id: `claim-${firstPart}`,
  transferId: 't',
  firstPart,
  lastPart,
  epoch: 1,
})

function readRange(request: RangeRequest, before: Fakes['onRead']) {
  const done = (async (): Promise<ReadResult> => {
    await before?.(request)
    await turn()
    request.signal.throwIfAborted()
    request.sink(patternBytes(request.startByte, request.endByte))
    return { bytes: request.endByte - request.startByte, lengthVerified: true }
  })()
  return { done, resume: () => {} }
}

/** A run over fakes: a source that has the pattern's bytes, and a bucket that keeps what it is sent. */
function fakeRun(fakes: Fakes) {
  const parts = fakes.parts ?? 8
  const stop = new AbortController()
  const budget = new ByteBudget(fakes.budgetBytes ?? 100 * PART)
  const work = fakes.work ?? new RemainingWork(1, async () => [])
  if (!fakes.work) work.add(claimOf(1, parts), new Set())
  const stored = new Map<number, Buffer>()
  const store = {
    async uploadPart(part: PartUpload) {
      const chunks: Buffer[] = []
      await fakes.onUpload?.(part)
      for await (const slice of part.body.slices) {
        chunks.push(Buffer.from(slice))
        await turn()
        part.signal.throwIfAborted()
        part.onBytes(slice.length)
      }
      stored.set(part.number, Buffer.concat(chunks))
      return { number: part.number, sizeBytes: part.sizeBytes, etag: `"${part.number}"`, crc32c: null }
    },
  } as Partial<ObjectStore> as ObjectStore
  const limits: RunLimits = {
    uploadLanes: 2,
    spanBytes: SLICE,
    highWaterBytes: 3 * PART,
    lowWaterBytes: PART,
    shape: 'held',
    ...fakes.limits,
  }
  const { readWhole } = fakes
  const identity = { sizeBytes: parts * PART, etag: '"v1"', lastModified: null, acceptsRanges: !readWhole }
  const bandwidth = new EngineBandwidth()
  const run: TransferRun = {
    plan: {
      id: 't',
      target: { url: 'http://127.0.0.1/', headers: {} },
      identity,
      key: 'k',
      uploadId: 'u',
      sizeBytes: readWhole ? null : identity.sizeBytes,
      partSizeBytes: PART,
    },
    limits,
    source: { readRange: (request) => readRange(request, fakes.onRead), readWhole } as Partial<Source> as Source,
    origin: new Origin('http://127.0.0.1:80', { fixedLanes: fakes.readLanes ?? 4 }),
    store,
    pool: new BufferPool(SLICE),
    budget,
    meter: new Meter(),
    limiter: new RateLimiter(),
    bandwidth,
    share: bandwidth.share(),
    file: null,
    board: new PartBoard(),
    work,
    signal: stop.signal,
    log: createLog('engine', 'silent'),
    onPart: (part) => work.finished(part.task),
    opened: null,
    inOrder: null,
    linear: [],
    pace: new BucketPace(),
    onFirstBytes: () => {},
    onPushBack: () => {},
    onEnd: async () => {},
  }
  const object = () => Buffer.concat([...stored].sort(([a], [b]) => a - b).map(([, bytes]) => bytes))
  return { run, stop, budget, object, stored, size: parts * PART, done: runTransfer(run, stop) }
}

const gone = () => new TransferError('source_not_found', 'The file is gone.')

describe('runTransfer', { timeout: 5_000 }, () => {
  it.each(['held', 'streamed'] as const)('moves %s parts through a budget of two parts', async (shape) => {
    const { run, done, object, size, budget } = fakeRun({ parts: 40, budgetBytes: 2 * PART, limits: { shape } })
    await done
    expect(object()).toEqual(patternBytes(0, size))
    expect([budget.usedBytes, budget.peakBytes <= 2 * PART]).toEqual([0, true])
    expect(run.meter.sourceRetries).toBe(0)
  })

  it.each(['held', 'streamed'] as const)(
    'fails with the cause when the source is gone while %s parts wait for the budget',
    async (shape) => {
      const { done, budget } = fakeRun({
        budgetBytes: 2 * PART,
        readLanes: 64,
        limits: { shape, spanBytes: PART },
        // The failure comes when the loop already waits for room that nobody will make.
        onRead: async () => {
          for (let turns = 0; turns < 5; turns++) await turn()
          throw gone()
        },
      })
      await expect(done).rejects.toThrow('The file is gone.')
      expect(budget.usedBytes).toBe(0)
    },
  )

  it('fails with the cause when the source is gone while reading is paused at the high-water mark', async () => {
    let reads = 0
    const { done, budget } = fakeRun({
      limits: { shape: 'streamed', spanBytes: SLICE, highWaterBytes: SLICE, lowWaterBytes: 0 },
      onRead: async () => {
        if (++reads > 1) return
        for (let turns = 0; turns < 20; turns++) await turn()
        throw gone()
      },
    })
    await expect(done).rejects.toThrow('The file is gone.')
    expect(budget.usedBytes).toBe(0)
  })

  it('asks a bucket for nothing before there are bytes for it: a connection without a request is closed by its store', async () => {
    const wait = Promise.withResolvers<void>()
    const asked: number[] = []
    const { done, object, size } = fakeRun({
      limits: { shape: 'streamed' },
      onRead: () => wait.promise,
      onUpload: ({ number }) => void asked.push(number),
    })
    for (let turns = 0; turns < 20; turns++) await turn()
    expect(asked).toEqual([])
    wait.resolve()
    await done
    expect(asked).toHaveLength(8)
    expect(object()).toEqual(patternBytes(0, size))
  })

  it('survives a question for more parts that fails while it has parts in hand', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    let asked = 0
    const work = new RemainingWork(20, async () => {
      if (++asked === 1) throw new Error('the database is away')
      return []
    })
    work.add(claimOf(1, 8), new Set())
    const { done, object, size } = fakeRun({ work })
    await done
    await turn()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    expect(object()).toEqual(patternBytes(0, size))
  })

  it('asks again when all parts it was given are in the ledger already', async () => {
    const answers = [
      [{ claim: claimOf(1, 2), recorded: new Set([1, 2]) }],
      [{ claim: claimOf(3, 4), recorded: new Set<number>() }],
    ]
    const work = new RemainingWork(4, async () => answers.shift() ?? [])
    const { done, stored } = fakeRun({ work, parts: 4 })
    await done
    expect([...stored.keys()]).toEqual([3, 4])
  })

  it('goes on with open parts when the last question for more takes longer than all that was read ahead', async () => {
    const answer = Promise.withResolvers<[]>()
    const work = new RemainingWork(1, () => answer.promise)
    work.add(claimOf(1, 1), new Set())
    const parts = 1
    const { done, object, size, run } = fakeRun({ work, parts, limits: { shape: 'streamed', uploadLanes: 2 } })
    // Everything that was asked for is with the bucket, and the loop still waits for the answer.
    while (run.board.bufferedBytes > SLICE || run.meter.bucketBytes === 0) await turn()
    for (let turns = 0; turns < 20; turns++) await turn()
    answer.resolve([])
    await done
    expect(object()).toEqual(patternBytes(0, size))
  })

  it('splits the long spans of few lanes when there are more lanes than parts', async () => {
    const answer = Promise.withResolvers<void>()
    const starts: number[] = []
    const { done, run, object, size } = fakeRun({
      parts: 2,
      readLanes: 6,
      limits: { shape: 'streamed', spanBytes: 2 * PART },
      onRead: (request) => {
        starts.push(request.startByte)
        return answer.promise
      },
    })
    const lanes = vi.spyOn(run.origin, 'lanes', 'get').mockReturnValue(2)
    while (starts.length < 2) await turn()
    // Both parts are asked for to their ends; a read has to stand still for a moment before it is worth a split.
    lanes.mockReturnValue(6)
    await vi.waitFor(
      () => {
        run.board.notify()
        expect(starts.sort((a, b) => a - b)).toEqual([0, 1, 2, 4, 5, 6].map((slice) => slice * SLICE))
      },
      { timeout: 4_500 },
    )
    answer.resolve()
    await done
    expect(object()).toEqual(patternBytes(0, size))
  })

  it('counts no retry for reads that end because the run is stopped', async () => {
    const { done, stop, run, budget } = fakeRun({
      onRead: (request) =>
        new Promise((_, reject) =>
          request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true }),
        ),
    })
    while (run.meter.readLanes === 0) await turn()
    stop.abort(new Stop('user'))
    await expect(done).rejects.toBeInstanceOf(Stop)
    expect(run.meter.sourceRetries).toBe(0)
    expect(budget.usedBytes).toBe(0)
  })

  it('returns only after every upload lane has let go', async () => {
    let inside = 0
    const { done } = fakeRun({
      limits: { uploadLanes: 2 },
      onUpload: async (part) => {
        inside++
        if (part.number === 1) {
          inside--
          throw new TransferError('bucket_unauthorized', 'The keys are wrong.')
        }
        for (let turns = 0; turns < 50; turns++) await turn()
        inside--
      },
    })
    await expect(done).rejects.toThrow('The keys are wrong.')
    expect(inside).toBe(0)
  })

  it('ends with the failure where one stream brings more than there are parts for', async () => {
    let isResumed: () => void = () => {}
    const resumed = new Promise<void>((resolve) => {
      isResumed = resolve
    })
    const readWhole: Source['readWhole'] = ({ sink }) => {
      const done = (async () => {
        for (let part = 0; part < 2; part++) sink(patternBytes(part * PART, (part + 1) * PART + (part === 1 ? 1 : 0)))
        // The last byte has no part: nothing comes until the read is taken up again.
        await resumed
        sink(patternBytes(0, 1))
        return { bytes: 2 * PART + 2, lengthVerified: false }
      })()
      return { done, resume: isResumed }
    }
    const { done, budget } = fakeRun({ parts: 2, readWhole })
    await expect(done).rejects.toThrow('more bytes than it had announced')
    expect(budget.usedBytes).toBe(0)
  })

  it('counts the time it waits for the budget as a pause', async () => {
    const { done, run } = fakeRun({ budgetBytes: PART })
    await done
    expect(run.meter.pauses).toBeGreaterThan(0)
    expect(run.meter.resumes).toBe(run.meter.pauses)
  })
})
