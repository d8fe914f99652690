import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { createLog } from '../../server/log.ts'
import { appendCrc32c } from '../cache/append-crc32c.ts'
import { MemoryTier } from '../cache/memory.ts'
import { ObjectIndex } from '../cache/object-index.ts'
import { ByteBudget } from '../part/byte-budget.ts'
import { Meter } from '../progress/meter.ts'
import { BufferPool } from '../slice/buffer-pool.ts'
import { Origin } from '../source/origin.ts'
import type { RangeRequest, ReadResult, Source, SourceIdentity, SourceTarget } from '../source/source.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { BucketPace } from '../upload/bucket-pace.ts'
import { crc32cOf, encodeCrc32c } from '../upload/crc32c.ts'
import type { ObjectStore, PartUpload } from '../upload/object-store.ts'
import { EngineBandwidth } from './engine-bandwidth.ts'
import { KeptSlices } from './kept-slices.ts'
import { PartBoard } from './part-board.ts'
import { RateLimiter } from './rate-limiter.ts'
import { RemainingWork } from './remaining-work.ts'
import { runTransfer } from './run-transfer.ts'
import { SharedFiles } from './shared-files.ts'
import { Stop } from './stop.ts'
import type { RunLimits, TransferRun } from './transfer-run.ts'

const SLICE = 1024
const PART = 4 * SLICE
const PARTS = 8
const SIZE = PARTS * PART - 100
const URL_OF_FILE = 'http://files.test/big.iso'

interface EngineFakes {
  readonly isOn?: boolean
  readonly budgetBytes?: number
  readonly memoryBytes?: number
  readonly waitLimitMs?: number
  readonly bandwidth?: EngineBandwidth
  /** Called before a request is answered; a rejection is its failure. `isPooled`: it is for all, not for one transfer. */
  readonly onRead?: (request: RangeRequest, isPooled: boolean) => Promise<void> | void
}

interface TransferFakes {
  readonly target?: SourceTarget
  readonly identity?: Partial<SourceIdentity>
  readonly partSizeBytes?: number
  readonly limits?: Partial<RunLimits>
  readonly limiter?: RateLimiter
  readonly onUpload?: (part: PartUpload) => Promise<void> | void
}

/** An engine whose transfers read from a source that has the pattern's bytes, and write into buckets that keep what they are sent. */
function fakeEngine(fakes: EngineFakes = {}) {
  const requests: (RangeRequest & { readonly isPooled: boolean })[] = []
  let sentBytes = 0
  const readRange = (request: RangeRequest) => {
    // What is read for one transfer alone is read right to its place.
    const isPooled = request.place === undefined
    requests.push({ ...request, isPooled })
    const done = (async (): Promise<ReadResult> => {
      await fakes.onRead?.(request, isPooled)
      for (let byte = request.startByte; byte < request.endByte; byte += SLICE) {
        await turn()
        request.signal.throwIfAborted()
        const endByte = Math.min(byte + SLICE, request.endByte)
        sentBytes += endByte - byte
        request.sink(patternBytes(byte, endByte))
      }
      return { bytes: request.endByte - request.startByte, lengthVerified: true }
    })()
    return { done, resume: () => {} }
  }
  const source = { readRange } as Partial<Source> as Source
  const memory = new MemoryTier({ maxBytes: fakes.memoryBytes ?? 1_000_000, ttlMs: 60_000, index: new ObjectIndex() })
  const kept = new KeptSlices(memory)
  const files = new SharedFiles({
    source,
    kept,
    isOn: fakes.isOn ?? true,
    settings: {
      sliceSizeBytes: SLICE,
      maxSpansPerFile: 4,
      maxSlicesPerSpan: 8,
      sliceRetries: 1,
      waitLimitMs: fakes.waitLimitMs ?? 10_000,
    },
  })
  const budget = new ByteBudget(fakes.budgetBytes ?? 100 * PART)
  const pool = new BufferPool(SLICE)
  const origin = new Origin('http://files.test:80', { fixedLanes: 4 })
  const bandwidth = fakes.bandwidth ?? new EngineBandwidth()

  /** A transfer that has begun, and is planned and run by `start`. */
  const begin = (more: TransferFakes = {}) => {
    const target = more.target ?? { url: URL_OF_FILE, headers: {} }
    const partSizeBytes = more.partSizeBytes ?? PART
    const identity = { sizeBytes: SIZE, etag: '"v1"', lastModified: null, acceptsRanges: true, ...more.identity }
    const expected = files.expect(URL_OF_FILE)
    const stored = new Map<number, Buffer>()
    const stop = new AbortController()
    const work = new RemainingWork(1, async () => [])
    const crcs = new Map<number, string | null>()
    const lastPart = Math.ceil(SIZE / partSizeBytes)
    work.add({ id: 'claim', transferId: 't', firstPart: 1, lastPart, epoch: 1 }, new Set())
    const store = {
      async uploadPart(part: PartUpload) {
        await more.onUpload?.(part)
        const { body } = part
        const slices: Buffer[] = []
        let crc = 0
        for await (const slice of body.slices) {
          slices.push(Buffer.from(slice))
          if (body.kind === 'streamed') crc = appendCrc32c(crc, body.sliceCrc32c?.() ?? 0, slice.length)
          await turn()
          part.signal.throwIfAborted()
          part.onBytes(slice.length)
        }
        const bytes = Buffer.concat(slices)
        stored.set(part.number, bytes)
        crcs.set(part.number, body.kind === 'held' ? body.crc32c : encodeCrc32c(crc))
        return { number: part.number, sizeBytes: part.sizeBytes, etag: `"${part.number}"`, crc32c: null }
      },
    } as Partial<ObjectStore> as ObjectStore
    const meter = new Meter()
    const start = () => {
      const board = new PartBoard()
      const run: TransferRun = {
        plan: { id: 't', target, identity, key: 'k', uploadId: 'u', sizeBytes: SIZE, partSizeBytes },
        limits: {
          ...{ uploadLanes: 2, spanBytes: 2 * SLICE, highWaterBytes: 3 * PART, lowWaterBytes: PART, shape: 'held' },
          ...more.limits,
        },
        ...{ source, origin, store, pool, budget, meter, bandwidth, board, work },
        limiter: more.limiter ?? new RateLimiter(),
        share: bandwidth.share(),
        file: expected.join({ target, identity, origin, meter, onCompany: board.notify }),
        signal: stop.signal,
        log: createLog('engine', 'silent'),
        onPart: (part) => work.finished(part.task),
        ...{ opened: null, inOrder: null, pace: new BucketPace() },
        onFirstBytes: () => {},
        onPushBack: () => {},
        onEnd: async () => {},
      }
      const done = runTransfer(run, stop).finally(() => expected.end())
      return { run, done }
    }
    const parts = () => [...stored].sort(([a], [b]) => a - b)
    return { start, stop, expected, meter, crcs, parts, object: () => Buffer.concat(parts().map(([, bytes]) => bytes)) }
  }
  return { begin, requests, budget, kept, files, sentBytes: () => sentBytes }
}

/** Runs transfers that have all begun before the first of them reads. */
function three(engine: ReturnType<typeof fakeEngine>, fakes: readonly TransferFakes[] = [{}, {}, {}]) {
  const begun = fakes.map((more) => engine.begin(more))
  return begun.map((transfer) => ({ ...transfer, ...transfer.start() }))
}

const FILE = patternBytes(0, SIZE)

describe('transfers of one file', { timeout: 15_000 }, () => {
  it.each([
    ['held parts', {}, {}],
    ['streamed parts', { limits: { shape: 'streamed' } }, {}],
    ['parts that are no whole slices', { partSizeBytes: 3 * SLICE + 500 }, {}],
    ['streamed parts that are no whole slices', { partSizeBytes: 3 * SLICE + 500, limits: { shape: 'streamed' } }, {}],
    ['a budget of two parts for all of them', { limits: { shape: 'streamed' } }, { budgetBytes: 2 * PART }],
    ['a budget of one held part', {}, { budgetBytes: PART }],
  ] satisfies [string, TransferFakes, EngineFakes][])('read the source once, with %s', async (_, more, fakes) => {
    const engine = fakeEngine(fakes)
    const transfers = three(engine, [more, more, more])
    await Promise.all(transfers.map(({ done }) => done))
    for (const { object, parts, crcs } of transfers) {
      expect(object()).toEqual(FILE)
      for (const [number, bytes] of parts()) expect(crcs.get(number)).toBe(crc32cOf([bytes]))
    }
    expect(engine.sentBytes()).toBe(SIZE)
    expect([engine.budget.usedBytes, engine.kept.bytes]).toEqual([0, 0])
    const sum = (of: (meter: Meter) => number) => transfers.reduce((all, { meter }) => all + of(meter), 0)
    expect(sum((meter) => meter.sourceBytes)).toBe(SIZE)
    expect(sum((meter) => meter.cacheBytes)).toBe(2 * SIZE)
    expect(sum((meter) => meter.sourceRequests)).toBe(engine.requests.length)
    expect(sum((meter) => meter.readLanes + meter.pooledReads)).toBe(0)
  })

  it('read the source once although their parts differ', async () => {
    const engine = fakeEngine()
    const transfers = three(engine, [{}, { partSizeBytes: 6 * SLICE, limits: { shape: 'streamed' } }])
    await Promise.all(transfers.map(({ done }) => done))
    for (const { object } of transfers) expect(object()).toEqual(FILE)
    expect(engine.sentBytes()).toBe(SIZE)
  })

  it('cost a lone one nothing: its bytes go right to their place, and nothing is kept', async () => {
    const engine = fakeEngine()
    const [alone] = three(engine, [{}])
    await alone?.done
    expect(alone?.object()).toEqual(FILE)
    expect(engine.requests.some(({ isPooled }) => isPooled)).toBe(false)
    expect(alone?.meter.cacheBytes).toBe(0)
  })

  const unlike: [string, readonly [TransferFakes, TransferFakes]][] = [
    ['other credentials', [{}, { target: { url: URL_OF_FILE, headers: { Authorization: 'Bearer two' } } }]],
    ['another cookie', [0, 1].map((n) => ({ target: { url: URL_OF_FILE, headers: { cookie: `n=${n}` } } })) as never],
    ['another query', [{}, { target: { url: `${URL_OF_FILE}?v=2`, headers: {} } }]],
    ['another ETag', [{}, { identity: { etag: '"v2"' } }]],
    ['another date', ['Mon', 'Tue'].map((day) => ({ identity: { etag: null, lastModified: day } })) as never],
    ['nothing but a length', [{ identity: { etag: null } }, { identity: { etag: null } }]],
    ['a weak ETag alone', [{ identity: { etag: 'W/"v1"' } }, { identity: { etag: 'W/"v1"' } }]],
  ]
  it.each(unlike)('share nothing where there is %s', async (_, [one, two]) => {
    const engine = fakeEngine()
    const transfers = three(engine, [one, two])
    await Promise.all(transfers.map(({ done }) => done))
    for (const { object, meter } of transfers) {
      expect(object()).toEqual(FILE)
      expect(meter.cacheBytes).toBe(0)
    }
    expect(engine.sentBytes()).toBe(2 * SIZE)
  })

  it.each([
    ['in the case of a header and a fragment', { url: `${URL_OF_FILE}#part`, headers: { 'X-Key': 'k' } }],
    ['in nothing', { url: URL_OF_FILE, headers: { 'x-key': 'k' } }],
  ])('share what differs %s', async (_, target) => {
    const engine = fakeEngine()
    const transfers = three(engine, [{ target: { url: URL_OF_FILE, headers: { 'x-key': 'k' } } }, { target }])
    await Promise.all(transfers.map(({ done }) => done))
    expect(engine.sentBytes()).toBe(SIZE)
  })

  it('share nothing where coalescing is switched off', async () => {
    const engine = fakeEngine({ isOn: false })
    const transfers = three(engine, [{}, {}])
    await Promise.all(transfers.map(({ done }) => done))
    expect(engine.sentBytes()).toBe(2 * SIZE)
  })

  it('go on when the one that asked first is stopped: what it had asked for is not asked for again', async () => {
    const asked = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const engine = fakeEngine({
      onRead: () => {
        asked.resolve()
        return goOn.promise
      },
    })
    const [first, second] = three(engine, [{}, {}])
    await asked.promise
    first?.stop.abort(new Stop('user'))
    await expect(first?.done).rejects.toBeInstanceOf(Stop)
    goOn.resolve()
    await second?.done
    expect(second?.object()).toEqual(FILE)
    expect(engine.sentBytes()).toBe(SIZE)
    expect([engine.budget.usedBytes, engine.kept.bytes]).toEqual([0, 0])
  })

  it('end a request that only the stopped one wanted', async () => {
    const asked = Promise.withResolvers<AbortSignal>()
    const engine = fakeEngine({
      onRead: ({ signal }) => {
        asked.resolve(signal)
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    const [first, second] = [engine.begin(), engine.begin()]
    const { done } = first.start()
    const signal = await asked.promise
    first.stop.abort(new Stop('user'))
    await expect(done).rejects.toBeInstanceOf(Stop)
    expect(signal.aborted).toBe(true)
    expect(first.meter.sourceRetries).toBe(0)
    second.expected.end()
    expect(engine.files.expectedAt(URL_OF_FILE)).toBe(0)
  })

  it('wait for nobody whose bucket stands still', async () => {
    const never = new Promise<void>(() => {})
    const engine = fakeEngine({ budgetBytes: 6 * PART })
    const transfers = three(engine, [
      { limits: { shape: 'streamed' }, onUpload: () => never },
      { limits: { shape: 'streamed' } },
    ])
    await transfers[1]?.done
    expect(transfers[1]?.object()).toEqual(FILE)
    expect(engine.sentBytes()).toBe(SIZE)
    // What the other has not taken is still there for it.
    expect(engine.kept.bytes).toBeGreaterThan(0)
    transfers[0]?.stop.abort(new Stop('user'))
    void transfers[0]?.done.catch(() => {})
  })

  it('read for themselves what the shared request does not bring', async () => {
    const engine = fakeEngine({
      waitLimitMs: 20,
      // Neither the first answer nor the one that races it ever comes.
      onRead: ({ startByte, signal }, isPooled) => {
        if (isPooled && startByte < PART) {
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        }
      },
    })
    const transfers = three(engine, [{}, {}])
    await Promise.all(transfers.map(({ done }) => done))
    for (const { object } of transfers) expect(object()).toEqual(FILE)
    expect(engine.requests.some(({ isPooled, startByte }) => !isPooled && startByte < PART)).toBe(true)
    expect(engine.requests.some(({ isPooled, startByte }) => isPooled && startByte >= PART)).toBe(true)
  })

  it.each([
    ['fails', () => new TransferError('source_error', 'It is broken.', { retry: 'later', facts: { status: 500 } })],
    ['takes ranges no more', () => new TransferError('source_range_refused', 'No ranges.', { retry: 'never' })],
    ['shows another version', () => new TransferError('source_changed', 'Changed.', { retry: 'never' })],
  ])('read for themselves when the shared request %s', async (_, error) => {
    const engine = fakeEngine({
      onRead: (_request, isPooled) => {
        if (isPooled) throw error()
      },
    })
    const transfers = three(engine, [{}, {}])
    await Promise.all(transfers.map(({ done }) => done))
    for (const { object } of transfers) expect(object()).toEqual(FILE)
    expect(engine.sentBytes()).toBe(2 * SIZE)
  })

  it('fail each with its own cause when the file is gone', async () => {
    const engine = fakeEngine({
      onRead: () => {
        throw new TransferError('source_not_found', 'The file is gone.', { retry: 'never' })
      },
    })
    const transfers = three(engine)
    for (const { done } of transfers) await expect(done).rejects.toThrow('The file is gone.')
    expect([engine.budget.usedBytes, engine.kept.bytes]).toEqual([0, 0])
  })

  it.each(['held', 'streamed'] as const)(
    'share the rest of a file, of %s parts too, when the second comes in the middle',
    async (shape) => {
      let second: ReturnType<ReturnType<typeof fakeEngine>['begin']> | undefined
      const come = Promise.withResolvers<void>()
      const engine = fakeEngine({
        onRead: ({ startByte }) => {
          if (startByte < 3 * PART || second) return
          second = engine.begin()
          come.resolve()
        },
      })
      const fakes: TransferFakes = { limits: { shape, spanBytes: 4 * SLICE } }
      const [first] = three(engine, [fakes])
      await come.promise
      const late = second?.start()
      await Promise.all([first?.done, late?.done])
      expect(first?.object()).toEqual(FILE)
      expect(second?.object()).toEqual(FILE)
      expect(second?.meter.cacheBytes).toBeGreaterThan(0)
      expect(engine.sentBytes()).toBeLessThan(1.75 * SIZE)
    },
  )

  it('find what another has read before they had their plan', async () => {
    const engine = fakeEngine()
    const [first, second] = [engine.begin(), engine.begin()]
    await first.start().done
    expect(engine.kept.bytes).toBe(SIZE)
    await second.start().done
    expect(second.object()).toEqual(FILE)
    expect(second.meter.cacheBytes).toBe(SIZE)
    expect([engine.sentBytes(), engine.kept.bytes]).toEqual([SIZE, 0])
  })

  it('let go of what was kept for one that comes to nothing', async () => {
    const engine = fakeEngine()
    const [first, second] = [engine.begin(), engine.begin()]
    await first.start().done
    second.expected.end()
    expect(engine.kept.bytes).toBe(0)
  })

  it('pay the limit of the engine once, and each its own', async () => {
    const bandwidth = new EngineBandwidth(1_000_000_000)
    let paidBytes = 0
    const take = bandwidth.take.bind(bandwidth)
    bandwidth.take = (share, bytes) => {
      paidBytes += bytes
      return take(share, bytes)
    }
    const limiter = new RateLimiter()
    limiter.setLimit(1_000_000_000)
    let ownBytes = 0
    const takeOwn = limiter.take.bind(limiter)
    limiter.take = (bytes) => {
      ownBytes += bytes
      return takeOwn(bytes)
    }
    const engine = fakeEngine({ bandwidth })
    const transfers = three(engine, [{}, { limiter }, {}])
    await Promise.all(transfers.map(({ done }) => done))
    for (const { object } of transfers) expect(object()).toEqual(FILE)
    expect(engine.sentBytes()).toBe(SIZE)
    expect([paidBytes, ownBytes]).toEqual([SIZE, SIZE])
  })

  it('use what there is room for, and read the rest again', async () => {
    // Room for half the file, and the second begins when the first has ended.
    const engine = fakeEngine({ memoryBytes: SIZE })
    const [first, second] = [engine.begin(), engine.begin()]
    await first.start().done
    expect(engine.kept.bytes).toBeLessThanOrEqual(SIZE / 2)
    await second.start().done
    expect(second.object()).toEqual(FILE)
    expect(second.meter.cacheBytes).toBeGreaterThan(SIZE / 3)
    expect(engine.kept.bytes).toBe(0)
  })
})
