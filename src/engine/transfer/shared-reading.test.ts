import { describe, expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import type { Meter } from '../progress/meter.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { crc32cOf } from '../upload/crc32c.ts'
import { EngineBandwidth } from './engine-bandwidth.ts'
import { RateLimiter } from './rate-limiter.ts'
import { Stop } from './stop.ts'
import {
  type EngineFakes,
  fakeEngine,
  PART,
  SIZE,
  SLICE,
  type TransferFakes,
  URL_OF_FILE,
} from './testing/fake-engine.ts'

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

  it.each([
    ['held', 100 * PART],
    ['streamed', 100 * PART],
    // What is on its way needs no more memory for it, or the transfers would wait for each other.
    ['streamed', 2 * PART],
  ] as const)(
    'share the rest of a file, of %s parts and with %i bytes of memory, when the second comes in the middle',
    async (shape, budgetBytes) => {
      let second: ReturnType<ReturnType<typeof fakeEngine>['begin']> | undefined
      const come = Promise.withResolvers<void>()
      const engine = fakeEngine({
        budgetBytes,
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
      const shared = (first?.meter.cacheBytes ?? 0) + (second?.meter.cacheBytes ?? 0)
      expect(shared).toBe(2 * SIZE - engine.sentBytes())
      expect(engine.sentBytes()).toBeLessThan(1.75 * SIZE)
      expect([engine.budget.usedBytes, engine.kept.bytes]).toEqual([0, 0])
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
