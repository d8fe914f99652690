import { setImmediate as turn } from 'node:timers/promises'
import { createLog } from '../../../server/log.ts'
import { appendCrc32c } from '../../cache/append-crc32c.ts'
import { MemoryTier } from '../../cache/memory.ts'
import { ObjectIndex } from '../../cache/object-index.ts'
import { ByteBudget } from '../../part/byte-budget.ts'
import { Meter } from '../../progress/meter.ts'
import { BufferPool } from '../../slice/buffer-pool.ts'
import type { PublishedSlices } from '../../slice/published-slices.ts'
import { Origin } from '../../source/origin.ts'
import type { RangeRequest, ReadResult, Source, SourceIdentity, SourceTarget } from '../../source/source.ts'
import { patternBytes } from '../../testing/byte-pattern.ts'
import { BucketPace } from '../../upload/bucket-pace.ts'
import { encodeCrc32c } from '../../upload/crc32c.ts'
import type { ObjectStore, PartUpload } from '../../upload/object-store.ts'
import { EngineBandwidth } from '../engine-bandwidth.ts'
import { KeptSlices } from '../kept-slices.ts'
import { PartBoard } from '../part-board.ts'
import { RateLimiter } from '../rate-limiter.ts'
import { RemainingWork } from '../remaining-work.ts'
import { runTransfer } from '../run-transfer.ts'
import { SharedFiles, type SharedFilesOptions } from '../shared-files.ts'
import type { RunLimits, TransferRun } from '../transfer-run.ts'

export const SLICE = 1024
export const PART = 4 * SLICE
const PARTS = 8
export const SIZE = PARTS * PART - 100
export const URL_OF_FILE = 'http://files.test/big.iso'

export interface EngineFakes {
  readonly isOn?: boolean
  readonly budgetBytes?: number
  /** Read lanes of the origin. */
  readonly lanes?: number
  readonly memoryBytes?: number
  readonly waitLimitMs?: number
  readonly bandwidth?: EngineBandwidth
  /** Of the one bucket that all transfers write to; each has its own where it is left out. */
  readonly pace?: BucketPace
  /** What readers have, and the cache it is in. */
  readonly published?: PublishedSlices
  readonly cache?: SharedFilesOptions['cache']
  /** Called before a request is answered; a rejection is its failure. `isPooled`: it is for all, not for one transfer. */
  readonly onRead?: (request: RangeRequest, isPooled: boolean) => Promise<void> | void
}

export interface TransferFakes {
  readonly target?: SourceTarget
  readonly identity?: Partial<SourceIdentity>
  readonly partSizeBytes?: number
  readonly limits?: Partial<RunLimits>
  readonly limiter?: RateLimiter
  /** Called before a part is taken; a rejection is the bucket's answer. */
  readonly onUpload?: (part: PartUpload) => Promise<void> | void
  /** The same before each slice of it. */
  readonly onSlice?: () => Promise<void> | void
}

/** An engine whose transfers read from a source that has the pattern's bytes, and write into buckets that keep what they are sent. */
export function fakeEngine(fakes: EngineFakes = {}) {
  const requests: (RangeRequest & { readonly isPooled: boolean })[] = []
  let sentBytes = 0
  const readRange = (request: RangeRequest) => {
    // What is read for one transfer alone is read right to its place.
    const isPooled = request.place === undefined
    requests.push({ ...request, isPooled })
    let goOn = () => {}
    const resumed = () =>
      new Promise<void>((resolve, reject) => {
        goOn = resolve
        if (request.signal.aborted) reject(request.signal.reason)
        request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true })
      })
    const done = (async (): Promise<ReadResult> => {
      await fakes.onRead?.(request, isPooled)
      for (let byte = request.startByte; byte < request.endByte; byte += SLICE) {
        await turn()
        request.signal.throwIfAborted()
        const endByte = Math.min(byte + SLICE, request.endByte)
        sentBytes += endByte - byte
        if (!request.sink(patternBytes(byte, endByte))) await resumed()
      }
      return { bytes: request.endByte - request.startByte, lengthVerified: true }
    })()
    return { done, resume: () => goOn() }
  }
  const source = { readRange } as Partial<Source> as Source
  const memory = new MemoryTier({ maxBytes: fakes.memoryBytes ?? 1_000_000, ttlMs: 60_000, index: new ObjectIndex() })
  const kept = new KeptSlices(memory)
  const files = new SharedFiles({
    source,
    kept,
    published: fakes.published ?? { generation: 0, of: () => [] },
    cache: fakes.cache ?? { has: () => false, get: async () => null },
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
  const origin = new Origin('http://files.test:80', { fixedLanes: fakes.lanes ?? 4 })
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
          await more.onSlice?.()
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
        ...{ opened: null, inOrder: null, linear: [], pace: fakes.pace ?? new BucketPace() },
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
  return { begin, requests, budget, kept, memory, files, source, origin, sentBytes: () => sentBytes }
}
