import { describe, expect, it } from 'vitest'
import { versionOf } from '../cache/slice-key.ts'
import { RANKS } from '../slice/fetch-queue.ts'
import { OriginBreaker } from '../slice/origin-breaker.ts'
import { OriginGate } from '../slice/origin-gate.ts'
import type { PublishedFile, PublishedSlices } from '../slice/published-slices.ts'
import { RequestLimiter } from '../slice/request-limiter.ts'
import { SlicePool } from '../slice/slice-pool.ts'
import { SliceRun } from '../slice/slice-run.ts'
import { SlicedFile } from '../slice/sliced-file.ts'
import { createPlainCache } from '../slice/testing/plain-cache.ts'
import type { SourceTarget } from '../source/source.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { type EngineFakes, fakeEngine, SIZE, SLICE, URL_OF_FILE } from './testing/fake-engine.ts'

const FILE = patternBytes(0, SIZE)
const SLICES = Math.ceil(SIZE / SLICE)
const OBJECT = 'published'
const IDENTITY = { sizeBytes: SIZE, etag: '"v1"', lastModified: null, acceptsRanges: true }
const VERSION = versionOf({ ...IDENTITY, sliceSizeBytes: SLICE })
const TARGET = { url: URL_OF_FILE, headers: {} }

/** An engine that publishes the file, whose readers keep slices in a cache of their own. */
function publishingEngine(fakes: EngineFakes = {}) {
  const cache = createPlainCache()
  let read: SlicedFile | null = null
  const asked: SourceTarget[] = []
  const file: PublishedFile = {
    objectId: OBJECT,
    whileRead: (version) => (read?.version === version && read.hasReaders ? read : null),
  }
  const published: PublishedSlices & { generation: number } = {
    generation: 0,
    of(target) {
      asked.push(target)
      return target.url === URL_OF_FILE ? [file] : []
    },
  }
  const engine = fakeEngine({ cache, published, ...fakes })
  const limits = { maxRequests: 8, maxQueued: 100, maxBytes: 100 * SLICE }
  const gate = new OriginGate({
    lanes: async () => engine.origin,
    limiter: new RequestLimiter(limits),
    breaker: new OriginBreaker({ isOn: false, failures: 1, openMs: 1 }),
    hasPriorities: true,
    meter: { originBytes: 0 },
  })
  const pool = new SlicePool({
    ...{ source: engine.source, isCoalescing: true, isParallel: true, sliceRetries: 1, waitLimitMs: 10_000 },
    ...{ maxSpansPerFile: 4, maxSlicesPerSpan: 8 },
  })
  /** One reader of the whole file; `read` takes its slices in order, up to so many. */
  const openReader = (version = VERSION) => {
    if (read?.version !== version)
      read = new SlicedFile({
        ...{ objectId: OBJECT, version, target: TARGET, identity: IDENTITY, sliceSizeBytes: SLICE, gate, cache },
      })
    const run = new SliceRun({
      ...{ pool, file: read, firstIndex: 0, endIndex: SLICES, rank: RANKS.short },
      ...{ isBounded: false, prefetchSlices: 2 },
    })
    const take = async (slices = SLICES) => {
      const taken: Uint8Array[] = []
      for (let left = slices; left > 0 && !run.isAtEnd; left--) taken.push(await run.next())
      return Buffer.concat(taken)
    }
    return { take, close: () => run.close() }
  }
  const keep = (version = VERSION) => {
    for (let index = 0; index < SLICES; index++)
      cache.put({ objectId: OBJECT, version, index }, patternBytes(index * SLICE, Math.min(SIZE, (index + 1) * SLICE)))
  }
  return { ...engine, cache, published, asked, openReader, keep }
}

describe('what readers of a published origin have', () => {
  it('is taken by a transfer: a file that is cached is not asked for again, and stays cached', async () => {
    const engine = publishingEngine()
    engine.keep()
    const transfer = engine.begin()
    await transfer.start().done
    expect(transfer.object()).toEqual(FILE)
    expect(engine.requests).toEqual([])
    expect([transfer.meter.sourceBytes, transfer.meter.cacheBytes]).toEqual([0, SIZE])
    expect(engine.cache.slices.size).toBe(SLICES)
    expect([engine.budget.usedBytes, engine.kept.bytes]).toEqual([0, 0])
  })

  it('is taken out of memory, too', async () => {
    const engine = publishingEngine()
    for (let index = 0; index < SLICES; index++)
      engine.memory.put(
        { objectId: OBJECT, version: VERSION, index },
        patternBytes(index * SLICE, Math.min(SIZE, (index + 1) * SLICE)),
      )
    const transfer = engine.begin()
    await transfer.start().done
    expect(transfer.object()).toEqual(FILE)
    expect(engine.requests).toEqual([])
    expect(engine.memory.slices).toBe(SLICES)
  })

  it('is left where it is of another version, or the transfer reads another file', async () => {
    const engine = publishingEngine()
    engine.keep('another version')
    const reader = engine.openReader('another version')
    const transfers = [engine.begin(), engine.begin({ target: { url: `${URL_OF_FILE}?other`, headers: {} } })]
    await Promise.all(transfers.map((transfer) => transfer.start().done))
    for (const { object, meter } of transfers) {
      expect(object()).toEqual(FILE)
      expect(meter.cacheBytes).toBe(0)
    }
    reader.close()
  })

  it('is looked up once, and again when origins have changed', async () => {
    const engine = publishingEngine()
    await engine.begin().start().done
    expect(engine.asked).toHaveLength(1)
    engine.published.generation++
    await engine.begin().start().done
    expect(engine.asked).toHaveLength(2)
  })

  it('is passed over where the cache breaks its word', async () => {
    const engine = publishingEngine({ cache: { has: () => true, get: async () => null } })
    const transfer = engine.begin()
    await transfer.start().done
    expect(transfer.object()).toEqual(FILE)
    expect(engine.sentBytes()).toBe(SIZE)
  })
})

describe('a reader and a transfer of one file', () => {
  it('read the source once, and the reader finds in the cache what the transfer has read', async () => {
    const engine = publishingEngine()
    const reader = engine.openReader()
    const first = await reader.take(1)
    expect(first).toEqual(FILE.subarray(0, SLICE))
    const transfer = engine.begin()
    const [read] = await Promise.all([reader.take(), transfer.start().done])
    expect(read).toEqual(FILE.subarray(SLICE))
    expect(transfer.object()).toEqual(FILE)
    expect(engine.sentBytes()).toBe(SIZE)
    expect(transfer.meter.sourceBytes + transfer.meter.cacheBytes).toBe(SIZE)
    expect(transfer.meter.sourceBytes).toBeGreaterThan(0)
    expect(engine.cache.slices.size).toBe(SLICES)
    reader.close()
  })

  it('share the rest when the reader comes in the middle, and no more when it has gone', async () => {
    const come = Promise.withResolvers<void>()
    let reader: ReturnType<ReturnType<typeof publishingEngine>['openReader']> | undefined
    const engine = publishingEngine({
      onRead({ startByte }) {
        if (startByte < SIZE / 4 || reader) return
        reader = engine.openReader()
        come.resolve()
      },
    })
    const transfer = engine.begin({ limits: { spanBytes: SLICE } })
    const { done } = transfer.start()
    await come.promise
    await done
    expect(transfer.object()).toEqual(FILE)
    const cachedBytes = [...engine.cache.slices.values()].reduce((sum, slice) => sum + slice.length, 0)
    expect(cachedBytes).toBeGreaterThan(0)
    expect(cachedBytes).toBeLessThan(SIZE)
    expect(engine.sentBytes()).toBe(SIZE)
    reader?.close()
    const second = engine.begin()
    await second.start().done
    expect(second.object()).toEqual(FILE)
    // What was read for the reader is there; the rest was for the first transfer alone, as it is for the second.
    expect(second.meter.cacheBytes).toBeGreaterThanOrEqual(cachedBytes)
    expect(engine.sentBytes()).toBeLessThan(2 * SIZE)
  })

  it('do not stop each other: a transfer reads for itself what the origin of the readers refuses', async () => {
    const engine = publishingEngine({
      onRead(_request, isPooled) {
        if (isPooled) throw new Error('The readers are refused.')
      },
    })
    const reader = engine.openReader()
    const transfer = engine.begin()
    await transfer.start().done
    expect(transfer.object()).toEqual(FILE)
    expect(engine.cache.slices.size).toBe(0)
    reader.close()
  })
})
