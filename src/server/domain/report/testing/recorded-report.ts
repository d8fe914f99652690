import { MIB } from '../../bytes.ts'
import type { Sample } from '../../sample.ts'
import type { PartView, TransferMetrics, TransferView } from '../../transfer.ts'
import type { RecordedReport } from '../recorded-report.ts'

export const START_MS = Date.UTC(2026, 10, 27, 12)

const METRICS: TransferMetrics = {
  buffersAllocated: 0,
  bufferReuses: 0,
  bufferCopies: 0,
  bytesCopied: 0,
  pauses: 0,
  resumes: 0,
  pausedMs: 0,
  averagePauseMs: 0,
  activePercent: 100,
  peakBufferedBytes: 0,
  peakReadLanes: 12,
  peakUploadLanes: 10,
  progressCalculations: 0,
  progressUpdates: 0,
  progressCallbacks: 0,
  progressUpdateRatio: 0,
  sourceRequests: 100,
  bucketRequests: 64,
  sourceRetries: 0,
  partRetries: 0,
  sourceBytes: 0,
  bucketBytes: 0,
  cacheBytes: 0,
  timeToFirstByteMs: 200,
  activeMs: 0,
}

/** A transfer that took 10 s for 1,000 MiB, with what a test changes about it. */
export function transferOf(
  over: Partial<Omit<TransferView, 'metrics'>> & { metrics?: Partial<TransferMetrics> } = {},
): TransferView {
  const sizeBytes = 1000 * MIB
  return {
    id: '0193a000-0000-7000-8000-000000000001',
    status: 'completed',
    cancelling: false,
    sourceUrl: 'https://example.org/a.bin',
    sourceHost: 'example.org',
    name: 'a.bin',
    key: 'a.bin',
    bucketId: '0193a000-0000-7000-8000-000000000002',
    bucketName: 'media',
    sizeBytes,
    transferredBytes: sizeBytes,
    partsDone: 10,
    partsTotal: 10,
    partSizeBytes: 100 * MIB,
    readingAgain: null,
    readingBack: null,
    acceptsRanges: true,
    bytesPerSecond: null,
    etaSeconds: null,
    readLanes: 0,
    uploadLanes: 0,
    bufferedBytes: 0,
    bandwidthLimitBytesPerSecond: null,
    priority: 0,
    trustLengthAndDate: false,
    oneTimeLink: false,
    failure: null,
    warnings: [],
    verification: null,
    createdAt: new Date(START_MS - 1000),
    startAt: null,
    nextRunAt: null,
    startedAt: new Date(START_MS),
    finishedAt: new Date(START_MS + 10_000),
    ...over,
    metrics: { ...METRICS, ...over.metrics },
  }
}

/** The sample of the second that ends `second` seconds after the start. */
export function sampleOf(second: number, over: Partial<Sample> = {}): Sample {
  return {
    at: new Date(START_MS + second * 1000),
    sourceBytes: 100 * MIB,
    bucketBytes: 100 * MIB,
    cacheBytes: 0,
    bufferedBytes: 0,
    readLanes: 12,
    uploadLanes: 10,
    retries: 0,
    bucketLimitMs: 0,
    memoryLimitMs: 0,
    processorLimitMs: 0,
    rateLimitMs: 0,
    measuredMs: 1000,
    ...over,
  }
}

/** One sample a second from the second that ends at `first` to the one that ends at `last`. */
export function samplesOf(first: number, last: number, over: Partial<Sample> = {}): Sample[] {
  return Array.from({ length: last - first + 1 }, (_, index) => sampleOf(first + index, over))
}

export function partOf(number: number, fromMs: number, toMs: number, over: Partial<PartView> = {}): PartView {
  return {
    number,
    sizeBytes: 100 * MIB,
    engineId: 'a',
    retries: 0,
    startedAt: new Date(START_MS + fromMs),
    finishedAt: new Date(START_MS + toMs),
    ...over,
  }
}

export function reportOf(over: Partial<RecordedReport> = {}): RecordedReport {
  return {
    transfer: transferOf(),
    samples: samplesOf(1, 10),
    stepMs: 1000,
    parts: Array.from({ length: 10 }, (_, index) => partOf(index + 1, index * 1000, index * 1000 + 900)),
    events: [],
    settings: {
      run: {
        uploadLanes: 10,
        readLanes: null,
        sliceSizeBytes: MIB,
        memoryBudgetBytes: 256 * MIB,
        highWaterBytes: 256 * MIB,
        lowWaterBytes: 85 * MIB,
        shape: 'streamed',
        httpClient: 'lean',
        profile: 'balanced',
      },
      partSizing: null,
      wantedPartSizeBytes: null,
      wantedUploadLanes: null,
      ifExists: 'fail',
      expectedChecksum: null,
    },
    engines: [],
    ...over,
  }
}
