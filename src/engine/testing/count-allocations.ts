import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { MIB } from '../../server/domain/bytes.ts'
import { ByteBudget } from '../part/byte-budget.ts'
import { PartStream } from '../part/part-stream.ts'
import { BufferPool } from '../slice/buffer-pool.ts'
import { createAddressGuard } from '../source/address-guard.ts'
import { createSource } from '../source/http-source.ts'
import { dialectByName } from '../upload/s3-dialects.ts'
import { createObjectStore } from '../upload/s3-object-store.ts'

// A process of its own, with a young generation so large that nothing is collected: moves parts from a source to a store as lanes
// do, and prints how much it allocated meanwhile, on the heap and beside it.

const PART_BYTES = 8 * MIB
const WARM_UP_PARTS = 4
const [sourceUrl = '', storeUrl = '', parts = '0'] = process.argv.slice(2)

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
const signal = new AbortController().signal
const pool = new BufferPool(MIB)
const budget = new ByteBudget(PART_BYTES)
const counters = { buffersAllocated: 0, bufferReuses: 0, bufferCopies: 0, bytesCopied: 0 }

async function movePart(number: number): Promise<void> {
  await budget.reserve(PART_BYTES, signal)
  const range = { startByte: 0, endByte: PART_BYTES }
  const stream = new PartStream({ number, ...range, shape: 'held', pool, budget, counters, onChange: () => {} })
  const span = stream.takeSpan(PART_BYTES)
  if (!span) throw new Error('a part has a span')
  const writer = stream.writer(span)
  const reading = source.readRange({
    target: { url: sourceUrl, headers: {} },
    identity: { sizeBytes: PART_BYTES, etag: '"v1"', lastModified: null, acceptsRanges: true },
    ...range,
    signal,
    place: () => writer.place(),
    sink: (chunk) => {
      writer.write(chunk)
      return true
    },
  })
  await reading.done
  await store.uploadPart({
    ...{ key: 'test', uploadId: 'test', number, sizeBytes: PART_BYTES, onBytes: () => {}, signal },
    body: { kind: 'held', slices: stream.heldSlices(), crc32c: stream.crc32c.toString() },
  })
  await stream.dispose(null)
}

const allocatedBytes = () => {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return { heapBytes: used_heap_size, externalBytes: external_memory }
}

for (let part = 1; part <= WARM_UP_PARTS; part++) await movePart(part)
const before = allocatedBytes()
const collectedBefore = collections
for (let part = 1; part <= Number(parts); part++) await movePart(WARM_UP_PARTS + part)
const after = allocatedBytes()
const movedParts = WARM_UP_PARTS + Number(parts)
const mib = (Number(parts) * PART_BYTES) / MIB
process.stdout.write(
  `${JSON.stringify({
    heapBytesPerMib: (after.heapBytes - before.heapBytes) / mib,
    externalBytesPerMib: (after.externalBytes - before.externalBytes) / mib,
    collections: collections - collectedBefore,
    copiedShare: counters.bytesCopied / (movedParts * PART_BYTES),
    buffersAllocated: counters.buffersAllocated,
  })}\n`,
)
await source.close()
process.exit(0)
