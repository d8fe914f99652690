import { createAddressGuard } from '../../src/engine/source/address-guard.ts'
import type { HttpClientName } from '../../src/engine/source/http-client.ts'
import { createSource } from '../../src/engine/source/http-source.ts'
import { encodeCrc32c, updateCrc32c } from '../../src/engine/upload/crc32c.ts'
import { dialectByName } from '../../src/engine/upload/s3-dialects.ts'
import { createObjectStore } from '../../src/engine/upload/s3-object-store.ts'

// A process of its own: reads ranges into slices of 1 MiB and puts them as parts, and says what that cost it.

export interface ClientJob {
  readonly httpClient: HttpClientName
  readonly sourceUrl: string
  readonly bucketUrl: string
  readonly lanes: number
  readonly partBytes: number
  readonly totalBytes: number
}

export interface ClientFigures {
  readonly cpuSecondsPerGib: number
  readonly gibPerSecond: number
  readonly peakRssMib: number
}

const MIB = 1024 * 1024
const SOURCE_BYTES = 64 * MIB
const job = JSON.parse(process.argv[2] ?? '{}') as ClientJob
const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
const timeouts = { guard, connectTimeoutMs: 10_000, idleTimeoutMs: 30_000, httpClient: job.httpClient }
const source = createSource({ ...timeouts, maxConnectionsPerHost: job.lanes })
const store = createObjectStore(
  {
    endpoint: job.bucketUrl,
    region: 'us-east-1',
    bucket: 'bench',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'bench',
    forcePathStyle: true,
    capabilities: dialectByName('ceph').capabilities,
  },
  { ...timeouts, maxConnections: job.lanes },
)
const signal = new AbortController().signal
const identity = { sizeBytes: SOURCE_BYTES, etag: '"bench"', lastModified: null, acceptsRanges: true }

async function copyPart(number: number, slices: readonly Uint8Array[]): Promise<void> {
  const startByte = ((number - 1) * job.partBytes) % SOURCE_BYTES
  let index = 0
  let at = 0
  let crc = 0
  await source.readRange({
    target: { url: job.sourceUrl, headers: {} },
    identity,
    startByte,
    endByte: startByte + job.partBytes,
    signal,
    sink(chunk) {
      for (let taken = 0; taken < chunk.length; ) {
        const slice = slices[index] as Uint8Array
        const bytes = Math.min(chunk.length - taken, slice.length - at)
        slice.set(bytes === chunk.length ? chunk : chunk.subarray(taken, taken + bytes), at)
        taken += bytes
        at += bytes
        if (at < slice.length) continue
        crc = updateCrc32c(slice, crc)
        index++
        at = 0
      }
      return true
    },
  }).done
  await store.uploadPart({
    key: 'bench',
    uploadId: 'bench',
    number,
    sizeBytes: job.partBytes,
    body: { kind: 'held', slices, crc32c: encodeCrc32c(crc) },
    onBytes: () => undefined,
    signal,
  })
}

async function copy(parts: number): Promise<void> {
  let next = 1
  const lane = async () => {
    const slices = Array.from({ length: job.partBytes / MIB }, () => Buffer.allocUnsafeSlow(MIB))
    while (next <= parts) await copyPart(next++, slices)
  }
  await Promise.all(Array.from({ length: job.lanes }, lane))
}

await copy(job.lanes * 2)
const parts = Math.ceil(job.totalBytes / job.partBytes)
const startedAt = performance.now()
const before = process.cpuUsage()
await copy(parts)
const { user, system } = process.cpuUsage(before)
const gib = (parts * job.partBytes) / 1024 ** 3
const figures: ClientFigures = {
  cpuSecondsPerGib: (user + system) / 1e6 / gib,
  gibPerSecond: gib / ((performance.now() - startedAt) / 1000),
  peakRssMib: process.resourceUsage().maxRSS / 1024,
}
await source.close()
store.close()
process.send?.(figures)
