import type { Db } from '../../src/server/db/client.ts'
import type { Prisma } from '../../src/server/db/generated/client.ts'
import { newId } from '../../src/server/db/new-id.ts'
import { GIB, MIB } from '../../src/server/domain/bytes.ts'
import type { Failure } from '../../src/server/domain/failure.ts'
import type { RunSettings } from '../../src/server/domain/run-settings.ts'
import type { TransferMetrics, TransferStatus } from '../../src/server/domain/transfer.ts'
import type { Sealer } from '../../src/server/secrets.ts'

type Limit = 'source' | 'bucket' | 'memory' | 'processor' | 'rate'

/** One run with everything a report shows of it. */
interface ReportSeed {
  key: string
  host: string
  bucket: string
  status: TransferStatus
  sizeBytes: number
  partSizeBytes: number
  /** What moved of it, 0 to 1. */
  progress: number
  seconds: number
  /** Seconds between two samples; 1 as in a real run, more where a seed has to stay small. */
  everySeconds?: number
  engines: number
  readLanes: number
  uploadLanes: number
  limit: (share: number) => Limit
  /** Seconds in which nothing moved, [from, to). */
  still?: [number, number]
  retryEvery?: number
  noSamples?: boolean
  limitBytesPerSecond?: number
  failure?: Failure
  endedMinutesAgo: number
}

const run = (over: Partial<ReportSeed> & Pick<ReportSeed, 'key' | 'sizeBytes' | 'seconds'>): ReportSeed => ({
  host: 'releases.ubuntu.com',
  bucket: 'media',
  status: 'completed',
  partSizeBytes: 100 * MIB,
  progress: 1,
  engines: 1,
  readLanes: 12,
  uploadLanes: 10,
  limit: () => 'source',
  endedMinutesAgo: 5,
  ...over,
})

/** Every state a report page can be in. */
const REPORT_RUNS: readonly ReportSeed[] = [
  run({
    key: 'iso/ubuntu-26.04-desktop-amd64.iso',
    sizeBytes: Math.round(6.2 * GIB),
    seconds: 15,
    engines: 2,
    limit: (share) => (share > 0.55 && share < 0.7 ? 'bucket' : 'source'),
    retryEvery: 23,
    endedMinutesAgo: 3,
  }),
  run({
    key: 'iso/ubuntu-26.04-desktop-amd64-again.iso',
    sizeBytes: Math.round(6.2 * GIB),
    seconds: 38,
    readLanes: 4,
    endedMinutesAgo: 9,
  }),
  run({
    key: '70b/llama-weights-00012-of-00191.safetensors',
    host: 'cdn.example.org',
    bucket: 'models',
    sizeBytes: Math.round(9.8 * GIB),
    seconds: 184,
    readLanes: 40,
    limit: (share) => (share > 0.08 && share < 0.9 ? 'bucket' : 'source'),
    retryEvery: 9,
    endedMinutesAgo: 41,
  }),
  run({
    key: 'raw/corpus-2026-10.tar.zst',
    host: 'data.example.net',
    bucket: 'lake',
    sizeBytes: 200 * GIB,
    seconds: 3100,
    everySeconds: 5,
    engines: 3,
    limit: (share) => (share < 0.4 ? 'memory' : share < 0.8 ? 'source' : 'processor'),
    still: [1200, 1700],
    retryEvery: 61,
    endedMinutesAgo: 130,
  }),
  run({
    key: 'osm/planet-261116.osm.pbf',
    host: 'mirror.example.org',
    bucket: 'lake',
    sizeBytes: 84 * GIB,
    seconds: 610,
    status: 'running',
    progress: 0.44,
    engines: 2,
    endedMinutesAgo: 0,
  }),
  run({
    key: 'dailies/show-0412.mov',
    host: 'media.example.com',
    sizeBytes: 41 * GIB,
    seconds: 210,
    status: 'failed',
    progress: 0.63,
    retryEvery: 5,
    still: [150, 190],
    endedMinutesAgo: 55,
    failure: {
      code: 'source_changed',
      message:
        'The file changed while it was read: its ETag was "9f2c-61a" and is now "9f2c-61b". A retry starts over with the new version.',
      retry: 'now',
    },
  }),
  run({
    key: 'climate/reanalysis-1979-2025.nc',
    host: 'static.example.edu',
    bucket: 'lake',
    sizeBytes: 0,
    seconds: 1,
    status: 'failed',
    progress: 0,
    noSamples: true,
    endedMinutesAgo: 70,
    failure: {
      code: 'source_not_found',
      message: 'The source answered 404 Not Found. Check the link; the file may have been moved or renamed.',
      retry: 'never',
    },
  }),
  run({
    key: 'src/linux-6.6.1.tar.xz',
    host: 'cdn.kernel.example.org',
    sizeBytes: 7 * MIB,
    partSizeBytes: 8 * MIB,
    seconds: 1,
    readLanes: 4,
    uploadLanes: 1,
    endedMinutesAgo: 80,
  }),
  run({
    key: 'sensors/2026-11-26.parquet',
    host: 'data.example.net',
    bucket: 'lake',
    sizeBytes: 3 * GIB,
    seconds: 62,
    limit: () => 'rate',
    limitBytesPerSecond: 50 * MIB,
    endedMinutesAgo: 100,
  }),
  run({
    key: 'genome/hg38-all.tar',
    host: 'dumps.example.org',
    bucket: 'lake',
    sizeBytes: Math.round(195.3 * GIB),
    seconds: 2000,
    engines: 2,
    limit: (share) => (Math.sin(share * 40) > 0.3 ? 'bucket' : 'source'),
    retryEvery: 111,
    endedMinutesAgo: 300,
  }),
]

/** Writes the runs of the scenario `reports`. */
export async function writeReportRuns(
  db: Db,
  sealer: Sealer,
  bucketIds: ReadonlyMap<string, string>,
  engineIds: readonly string[],
  seeds: readonly ReportSeed[] = REPORT_RUNS,
): Promise<void> {
  const nowMs = Date.now()
  for (const seed of seeds) {
    const endMs = nowMs - seed.endedMinutesAgo * 60_000
    const startMs = endMs - seed.seconds * 1000
    const id = newId(startMs - 900)
    const bucketId = bucketIds.get(seed.bucket)
    if (!bucketId) throw new Error(`The scenario names the bucket ${seed.bucket}, which it does not make.`)
    const engines = engineIds.slice(0, seed.engines)
    const samples = seed.noSamples ? [] : samplesOf(seed, id, engines, startMs)
    const parts = seed.noSamples ? [] : partsOf(seed, id, engines, startMs)
    const doneBytes = parts.reduce((sum, part) => sum + Number(part.sizeBytes), 0)
    const isOver = seed.status !== 'running'
    await db.transfer.create({
      data: {
        id,
        status: seed.status,
        sourceUrl: `https://${seed.host}/pub/${seed.key.split('/').at(-1)}`,
        sourceUrlSealed: sealer.seal(`https://${seed.host}/pub/${seed.key}`, `Transfer.sourceUrl:${id}`),
        sourceHost: seed.host,
        bucketId,
        key: seed.key,
        bandwidthLimitBytesPerSecond: seed.limitBytesPerSecond ?? null,
        ...(seed.noSamples
          ? {}
          : {
              sizeBytes: seed.sizeBytes,
              acceptsRanges: true,
              etag: '"a1"',
              partSizeBytes: seed.partSizeBytes,
              partsTotal: Math.ceil(seed.sizeBytes / seed.partSizeBytes),
              doneBytes,
              partsDone: parts.length,
              metrics: { [newId()]: metricsOf(seed, samples, parts) },
            }),
        createdAt: new Date(startMs - 900),
        startedAt: new Date(startMs),
        finishedAt: isOver ? new Date(endMs) : null,
        ...(seed.failure ? { failure: { ...seed.failure } } : {}),
        ...(seed.status === 'completed'
          ? {
              verification: {
                verdict: 'verified',
                evidence: [
                  { kind: 'size', expected: String(seed.sizeBytes), actual: String(seed.sizeBytes) },
                  { kind: 'bucket-checksum', algorithm: 'crc32c', expected: 'yZRlqg==', actual: 'yZRlqg==' },
                ],
              },
            }
          : {}),
      },
    })
    for (let from = 0; from < samples.length; from += 2000)
      await db.sample.createMany({ data: samples.slice(from, from + 2000) })
    for (let from = 0; from < parts.length; from += 2000)
      await db.part.createMany({ data: parts.slice(from, from + 2000) })
    await db.event.createMany({ data: eventsOf(seed, id, engines[0], startMs, endMs) })
  }
}

/** A number in [0, 1) that is the same in every seeding. */
const noise = (index: number) => {
  const value = Math.sin(index * 127.1 + 311.7) * 43758.5453
  return value - Math.floor(value)
}

const isStill = (seed: ReportSeed, second: number) =>
  seed.still !== undefined && second >= seed.still[0] && second < seed.still[1]

function samplesOf(seed: ReportSeed, transferId: string, engines: readonly string[], startMs: number) {
  const stepMs = (seed.everySeconds ?? 1) * 1000
  const rows: Prisma.SampleCreateManyInput[] = []
  const moving = seed.seconds - (seed.still ? seed.still[1] - seed.still[0] : 0)
  const mean = (seed.sizeBytes * seed.progress) / Math.max(1, moving - 1.2)
  const held = Math.min(3 * seed.partSizeBytes, 256 * MIB)
  for (let second = 1; second < seed.seconds - 0.4 || second === 1; second += stepMs / 1000) {
    if (isStill(seed, second)) continue
    const limit = seed.limit(second / seed.seconds)
    for (const [index, engineId] of engines.entries()) {
      const wave = 0.94 + 0.09 * Math.sin(second / 7 + index) + 0.12 * (noise(second * 3 + index) - 0.5)
      const ramp = Math.min(1, (second + 0.6) / 4)
      const slow = limit === 'bucket' ? 0.72 : limit === 'processor' ? 0.85 : 1
      const source = limit === 'rate' ? mean : mean * wave * ramp * slow
      const of = (kind: Limit) => (limit === kind ? Math.round(stepMs * (kind === 'memory' ? 0.7 : 0.97)) : 0)
      rows.push({
        transferId,
        engineId,
        at: new Date(Math.ceil(startMs / 1000) * 1000 + second * 1000),
        durationMs: stepMs,
        sourceBytes: Math.round((source * stepMs) / 1000 / engines.length),
        bucketBytes: Math.round((source * stepMs * (0.8 + 0.4 * noise(second * 7 + index))) / 1000 / engines.length),
        bufferedBytes: Math.round(held * (limit === 'bucket' ? 0.8 : 0.15 + 0.1 * noise(second))),
        readLanes: Math.max(1, Math.round((seed.readLanes * ramp) / engines.length)),
        uploadLanes: seed.uploadLanes,
        retries: seed.retryEvery && Math.round(second) % (seed.retryEvery * 2) === 3 ? 1 : 0,
        bucketLimitMs: of('bucket'),
        memoryLimitMs: of('memory'),
        processorLimitMs: of('processor'),
        rateLimitMs: of('rate'),
      })
    }
  }
  return rows
}

function partsOf(seed: ReportSeed, transferId: string, engines: readonly string[], startMs: number) {
  const total = Math.ceil(seed.sizeBytes / seed.partSizeBytes)
  const done = Math.floor(total * seed.progress)
  const stillMs = seed.still ? (seed.still[1] - seed.still[0]) * 1000 : 0
  const movingMs = Math.max(400, (seed.seconds - 1.2) * 1000 - stillMs)
  const lanes = engines.length * Math.min(seed.uploadLanes, Math.max(1, Math.ceil(done / 2)))
  const laneMs = movingMs / Math.max(1, Math.ceil(done / lanes))
  return Array.from({ length: done }, (_, index): Prisma.PartCreateManyInput => {
    const round = Math.floor(index / lanes)
    const lane = index % lanes
    const skew = laneMs * 0.25 * noise(index)
    const late = seed.retryEvery && index % seed.retryEvery === 4 ? laneMs * 0.5 : 0
    const shift = (ms: number) => (seed.still && ms >= seed.still[0] * 1000 ? ms + stillMs : ms)
    const fromMs = shift(500 + round * laneMs + (lane * laneMs) / lanes / 3)
    const toMs = Math.min(seed.seconds * 1000 - 200, fromMs + laneMs * 0.7 + skew + late)
    return {
      transferId,
      number: index + 1,
      sizeBytes: Math.min(seed.partSizeBytes, seed.sizeBytes - index * seed.partSizeBytes),
      etag: `"${index}"`,
      engineId: engines[lane % engines.length] ?? null,
      retries: late > 0 ? 1 : 0,
      startedAt: new Date(startMs + fromMs),
      finishedAt: new Date(startMs + Math.max(fromMs + 20, toMs)),
    }
  })
}

function metricsOf(
  seed: ReportSeed,
  samples: readonly Prisma.SampleCreateManyInput[],
  parts: readonly Prisma.PartCreateManyInput[],
): TransferMetrics & { settings: RunSettings } {
  const bytes = seed.sizeBytes * seed.progress
  const activeMs = seed.seconds * 1000
  const limited = samples.filter((row) => Number(row.bucketLimitMs) > 0).length
  const pauses = Math.round(limited * 1.4)
  const pausedMs = limited * 310
  const slices = Math.ceil(bytes / MIB)
  return {
    buffersAllocated: Math.min(212, slices),
    bufferReuses: Math.max(0, slices - 212),
    bufferCopies: slices,
    bytesCopied: Math.round(bytes),
    pauses,
    resumes: pauses,
    pausedMs,
    averagePauseMs: pauses === 0 ? 0 : Math.round(pausedMs / pauses),
    activePercent: Math.round((1 - pausedMs / activeMs) * 1000) / 10,
    peakBufferedBytes: Math.max(0, ...samples.map((row) => Number(row.bufferedBytes))),
    peakReadLanes: seed.readLanes,
    peakUploadLanes: seed.uploadLanes,
    progressCalculations: slices,
    progressUpdates: seed.seconds,
    progressCallbacks: slices,
    progressUpdateRatio: seed.seconds / Math.max(1, slices),
    sourceRequests: Math.ceil(bytes / (8 * MIB)),
    bucketRequests: parts.length + 2,
    sourceRetries: samples.reduce((sum, row) => sum + Number(row.retries), 0),
    partRetries: parts.reduce((sum, part) => sum + Number(part.retries), 0),
    sourceBytes: Math.round(bytes),
    bucketBytes: Math.round(bytes),
    cacheBytes: 0,
    timeToFirstByteMs: 187,
    activeMs,
    settings: {
      uploadLanes: seed.uploadLanes,
      readLanes: seed.readLanes === 4 ? 4 : null,
      sliceSizeBytes: MIB,
      memoryBudgetBytes: 256 * MIB,
      highWaterBytes: Math.min(3 * seed.partSizeBytes, 256 * MIB),
      lowWaterBytes: Math.min(seed.partSizeBytes, 85 * MIB),
      shape: seed.partSizeBytes * (seed.uploadLanes + 2) <= 256 * MIB ? 'held' : 'streamed',
      httpClient: 'lean',
      profile: 'balanced',
    },
  }
}

function eventsOf(seed: ReportSeed, transferId: string, engineId: string | undefined, startMs: number, endMs: number) {
  const event = (ms: number, code: string, message: string, level = 'info') => ({
    transferId,
    engineId: engineId ?? null,
    at: new Date(ms),
    code,
    message,
    level,
  })
  const list = [event(startMs - 900, 'created', 'Transfer created.')]
  if (!seed.noSamples) list.push(event(startMs + 300, 'planned', 'Planned; the source has ranges and a strong ETag.'))
  if (seed.still) {
    list.push(event(startMs + seed.still[0] * 1000, 'paused', 'Paused. The finished parts are kept.'))
    list.push(event(startMs + seed.still[1] * 1000, 'resumed', 'Resumed; it goes on from its finished parts.'))
  }
  if (seed.retryEvery)
    list.push(
      event(startMs + seed.seconds * 300, 'source_busy', 'The source answered 503: read lanes 16 → 12.', 'warn'),
    )
  if (seed.failure) list.push(event(endMs, seed.failure.code, seed.failure.message, 'error'))
  if (seed.status === 'completed')
    list.push(event(endMs, 'completed', 'Completed; the checksum is that of the bucket.'))
  return list
}
