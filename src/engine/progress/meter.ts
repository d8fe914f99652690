import { MIB } from '../../server/domain/bytes.ts'
import type { TransferMetrics } from '../../server/domain/transfer.ts'
import { BucketRate } from './bucket-rate.ts'

/** Progress is marked as due after this much more, or 1 %, or a second, whichever comes first (product.md A7). */
const PROGRESS_STEP_BYTES = 100 * MIB

/** What one interval of a transfer's life moved, for a sample. */
export interface MeterDelta {
  readonly durationMs: number
  readonly sourceBytes: number
  readonly bucketBytes: number
  /** Bytes that were read for somebody else before: no request of this transfer brought them. */
  readonly cacheBytes: number
  readonly retries: number
  /** For how long the source was held back because the bucket was behind, because memory was short, and by the bandwidth limit. */
  readonly bucketPausedMs: number
  readonly memoryPausedMs: number
  readonly rateLimitMs: number
}

/** Why a source is paused. Both count as backpressure; a report tells them apart. */
export type PauseReason = 'bucket' | 'memory'

/**
 * The numbers of one transfer on one engine: plain fields, raised where things happen, read once a second. What runs per
 * chunk only adds; nothing here allocates or asks the clock.
 */
export class Meter {
  buffersAllocated = 0
  bufferReuses = 0
  bufferCopies = 0
  bytesCopied = 0
  pauses = 0
  resumes = 0
  peakBufferedBytes = 0
  peakReadLanes = 0
  peakUploadLanes = 0
  progressCalculations = 0
  progressUpdates = 0
  progressCallbacks = 0
  sourceRequests = 0
  bucketRequests = 0
  sourceRetries = 0
  partRetries = 0
  sourceBytes = 0
  bucketBytes = 0
  cacheBytes = 0
  timeToFirstByteMs: number | null = null
  readLanes = 0
  uploadLanes = 0
  /** Spans that are waited for in the slice pool. Not lanes: their requests are on somebody's account, this transfer's or another's. */
  pooledReads = 0
  isDue = true

  readonly #bucketRate = new BucketRate()
  readonly #startedAt = performance.now()
  readonly #pausedMs = { bucket: 0, memory: 0 }
  #pausedFor: PauseReason = 'bucket'
  #pausedAt: number | null = null
  #rateLimitMs = 0
  #rateLimitUntil = 0
  #stepBytes = PROGRESS_STEP_BYTES
  #markedBytes = 0
  #lastAt = performance.now()
  #lastSourceBytes = 0
  #lastBucketBytes = 0
  #lastCacheBytes = 0
  #lastRetries = 0
  #lastPausedMs = { bucket: 0, memory: 0 }
  #lastRateLimitMs = 0

  /** Once the size is known, 1 % of it may be less than the fixed step. */
  setSize(sizeBytes: number | null): void {
    if (sizeBytes !== null) this.#stepBytes = Math.min(PROGRESS_STEP_BYTES, Math.max(1, sizeBytes / 100))
  }

  /** Bytes from the source, per chunk. */
  addSource(bytes: number): void {
    if (this.sourceBytes === 0) this.#firstByte()
    this.sourceBytes += bytes
  }

  /** Bytes of a slice that another transfer's request brought, or a reader's. */
  addCache(bytes: number): void {
    if (this.cacheBytes === 0) this.#firstByte()
    this.cacheBytes += bytes
  }

  #firstByte(): void {
    this.timeToFirstByteMs ??= Math.round(performance.now() - this.#startedAt)
  }

  /** Bytes the bucket's socket took, per slice: this is where progress may become due. */
  addBucket(bytes: number): void {
    this.bucketBytes += bytes
    this.progressCallbacks++
    this.progressCalculations++
    if (this.bucketBytes - this.#markedBytes >= this.#stepBytes) {
      this.#markedBytes = this.bucketBytes
      this.isDue = true
    }
  }

  /** How fast the bucket has taken bytes in the last two seconds or so; 0 until that is known. */
  bucketBytesPerSecond(nowMs: number): number {
    return this.#bucketRate.at(nowMs, this.bucketBytes)
  }

  laneOpened(kind: 'read' | 'upload'): void {
    if (kind === 'read') this.peakReadLanes = Math.max(this.peakReadLanes, ++this.readLanes)
    else this.peakUploadLanes = Math.max(this.peakUploadLanes, ++this.uploadLanes)
  }

  laneClosed(kind: 'read' | 'upload'): void {
    if (kind === 'read') this.readLanes--
    else this.uploadLanes--
  }

  pause(reason: PauseReason = 'bucket'): void {
    if (this.#pausedAt !== null) return
    this.pauses++
    this.#pausedFor = reason
    this.#pausedAt = performance.now()
  }

  resume(): void {
    if (this.#pausedAt === null) return
    this.resumes++
    this.#pausedMs[this.#pausedFor] += performance.now() - this.#pausedAt
    this.#pausedAt = null
  }

  /** The bandwidth limit holds a lane for so long. Lanes wait side by side, and time is counted once. */
  heldToRate(waitMs: number): void {
    const now = performance.now()
    const until = now + waitMs
    this.#rateLimitMs += Math.max(0, until - Math.max(now, this.#rateLimitUntil))
    this.#rateLimitUntil = Math.max(until, this.#rateLimitUntil)
  }

  get isPaused(): boolean {
    return this.#pausedAt !== null
  }

  noteBuffered(bytes: number): void {
    if (bytes > this.peakBufferedBytes) this.peakBufferedBytes = bytes
  }

  /** What moved since the last call. */
  takeDelta(): MeterDelta {
    const now = performance.now()
    const retries = this.sourceRetries + this.partRetries
    const pausedMs = this.#pausedUntil(now)
    // What is still ahead of a lane that waits belongs to the next interval.
    const rateLimitMs = this.#rateLimitMs - Math.max(0, this.#rateLimitUntil - now)
    const delta = {
      durationMs: Math.max(1, Math.round(now - this.#lastAt)),
      sourceBytes: this.sourceBytes - this.#lastSourceBytes,
      bucketBytes: this.bucketBytes - this.#lastBucketBytes,
      cacheBytes: this.cacheBytes - this.#lastCacheBytes,
      retries: retries - this.#lastRetries,
      bucketPausedMs: pausedMs.bucket - this.#lastPausedMs.bucket,
      memoryPausedMs: pausedMs.memory - this.#lastPausedMs.memory,
      rateLimitMs: rateLimitMs - this.#lastRateLimitMs,
    }
    this.#lastAt = now
    this.#lastSourceBytes = this.sourceBytes
    this.#lastBucketBytes = this.bucketBytes
    this.#lastCacheBytes = this.cacheBytes
    this.#lastRetries = retries
    this.#lastPausedMs = pausedMs
    this.#lastRateLimitMs = rateLimitMs
    return delta
  }

  /** Pauses up to a moment, the one that goes on included. */
  #pausedUntil(now: number): { bucket: number; memory: number } {
    const paused = { ...this.#pausedMs }
    if (this.#pausedAt !== null) paused[this.#pausedFor] += now - this.#pausedAt
    return paused
  }

  /** The counters as the API shows them (product.md A2, A3, A5, A7). */
  metrics(): TransferMetrics {
    const now = performance.now()
    const activeMs = now - this.#startedAt
    const paused = this.#pausedUntil(now)
    const pausedMs = paused.bucket + paused.memory
    return {
      buffersAllocated: this.buffersAllocated,
      bufferReuses: this.bufferReuses,
      bufferCopies: this.bufferCopies,
      bytesCopied: this.bytesCopied,
      pauses: this.pauses,
      resumes: this.resumes,
      pausedMs: Math.round(pausedMs),
      averagePauseMs: this.pauses === 0 ? 0 : Math.round(pausedMs / this.pauses),
      activePercent: activeMs === 0 ? 100 : Math.round((1 - pausedMs / activeMs) * 1000) / 10,
      peakBufferedBytes: this.peakBufferedBytes,
      peakReadLanes: this.peakReadLanes,
      peakUploadLanes: this.peakUploadLanes,
      progressCalculations: this.progressCalculations,
      progressUpdates: this.progressUpdates,
      progressCallbacks: this.progressCallbacks,
      progressUpdateRatio: this.progressCalculations === 0 ? 0 : this.progressUpdates / this.progressCalculations,
      sourceRequests: this.sourceRequests,
      bucketRequests: this.bucketRequests,
      sourceRetries: this.sourceRetries,
      partRetries: this.partRetries,
      sourceBytes: this.sourceBytes,
      bucketBytes: this.bucketBytes,
      cacheBytes: this.cacheBytes,
      timeToFirstByteMs: this.timeToFirstByteMs,
      activeMs: Math.round(activeMs),
    }
  }
}
