import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { MIB } from '../../server/domain/bytes.ts'
import { createLog } from '../../server/log.ts'
import { ByteBudget } from '../part/byte-budget.ts'
import { Meter } from '../progress/meter.ts'
import { BufferPool } from '../slice/buffer-pool.ts'
import { createAddressGuard } from '../source/address-guard.ts'
import { createSource } from '../source/http-source.ts'
import { Origin } from '../source/origin.ts'
import { EngineBandwidth } from '../transfer/engine-bandwidth.ts'
import { PartBoard } from '../transfer/part-board.ts'
import { RateLimiter } from '../transfer/rate-limiter.ts'
import { RemainingWork } from '../transfer/remaining-work.ts'
import { runTransfer } from '../transfer/run-transfer.ts'
import { BucketPace } from '../upload/bucket-pace.ts'
import { dialectByName } from '../upload/s3-dialects.ts'
import { createObjectStore } from '../upload/s3-object-store.ts'

// A process of its own, with a young generation so large that nothing is collected: runs transfers as an engine does (read lanes,
// meter, limits, part board, upload lanes; all but the database), and prints how much they allocated, on the heap and beside it.

const PART_BYTES = 8 * MIB
const WARM_UP_PARTS = 4
const [sourceUrl = '', storeUrl = '', shape = 'held', parts = '0'] = process.argv.slice(2)

let collections = 0
const watching = new PerformanceObserver((list) => {
  collections += list.getEntries().length
})
watching.observe({ entryTypes: ['gc'] })

const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
const timeouts = { guard, connectTimeoutMs: 60_000, idleTimeoutMs: 60_000, httpClient: 'lean' as const }
const source = createSource({ ...timeouts, maxConnectionsPerHost: 1, userAgent: 'Sluice/test' })
const store = createObjectStore(
  {
    ...{ endpoint: storeUrl, region: 'us-east-1', bucket: 'test', forcePathStyle: true },
    ...{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'test', capabilities: dialectByName('ceph').capabilities },
  },
  { ...timeouts, maxConnections: 1 },
)
const pool = new BufferPool(MIB)
const budget = new ByteBudget(PART_BYTES)
const bandwidth = new EngineBandwidth()
const origin = new Origin(sourceUrl, { fixedLanes: 1 })
const log = createLog('engine', 'silent')

/** Moves a file of so many parts; returns what was counted. */
async function transfer(partsTotal: number): Promise<Meter> {
  const stop = new AbortController()
  const meter = new Meter()
  const work = new RemainingWork(1, async () => [])
  work.add({ id: 'claim', transferId: 'test', firstPart: 1, lastPart: partsTotal, epoch: 1 }, new Set())
  const sizeBytes = partsTotal * PART_BYTES
  await runTransfer(
    {
      plan: {
        ...{ id: 'test', target: { url: `${sourceUrl}/${sizeBytes}`, headers: {} }, key: 'test', uploadId: 'test' },
        identity: { sizeBytes, etag: '"v1"', lastModified: null, acceptsRanges: true },
        ...{ sizeBytes, partSizeBytes: PART_BYTES },
      },
      limits: {
        ...{ uploadLanes: 1, spanBytes: 4 * MIB, shape: shape === 'streamed' ? 'streamed' : 'held' },
        ...{ highWaterBytes: 3 * PART_BYTES, lowWaterBytes: PART_BYTES },
      },
      ...{ source, origin, store, pool, budget, meter, work, bandwidth, log },
      ...{ opened: null, inOrder: null, linear: [], file: null, signal: stop.signal },
      ...{ pace: new BucketPace(), limiter: new RateLimiter(), share: bandwidth.share(), board: new PartBoard() },
      onPart: (part) => work.finished(part.task),
      onFirstBytes: () => {},
      onPushBack: () => {},
      onEnd: async () => {},
    },
    stop,
  )
  return meter
}

const allocatedBytes = () => {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return { heapBytes: used_heap_size, externalBytes: external_memory }
}

const warmedUp = await transfer(WARM_UP_PARTS)
const before = allocatedBytes()
const collectedBefore = collections
const { sourceBytes, sourceRequests, bucketBytes, bytesCopied, buffersAllocated } = await transfer(Number(parts))
const after = allocatedBytes()
const mib = sourceBytes / MIB
process.stdout.write(
  `${JSON.stringify({
    ...{ sourceBytes, sourceRequests, bucketBytes, bytesCopied },
    heapBytesPerMib: (after.heapBytes - before.heapBytes) / mib,
    externalBytesPerMib: (after.externalBytes - before.externalBytes) / mib,
    collections: collections - collectedBefore,
    buffersAllocated: warmedUp.buffersAllocated + buffersAllocated,
  })}\n`,
)
await source.close()
process.exit(0)
