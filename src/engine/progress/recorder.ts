import { performance as perfHooks } from 'node:perf_hooks'
import type { Db } from '../../server/db/client.ts'
import { finishWhole, type WholeFile } from '../../server/db/finish-whole.ts'
import {
  type ClosedClaim,
  type FinishedPart,
  recordDue,
  type SampleRow,
  type TransferProgress,
  type Wishes,
} from '../../server/db/ledger.ts'
import type { LiveEntry } from '../../server/domain/live.ts'
import type { RunSettings } from '../../server/domain/run-settings.ts'
import type { ReadingAgain } from '../../server/domain/transfer.ts'
import type { Log } from '../../server/log.ts'
import { GroupCommit } from './group-commit.ts'
import { limitsOfInterval } from './limits-of-interval.ts'
import type { Meter } from './meter.ts'
import type { EngineMetrics } from './metrics.ts'

const FLUSH_MS = 1_000
/** Samples that could not be written are kept this long; after that the chart has a hole and says so. */
const MAX_SAMPLES = 5_000
/** How fast the shown speed follows the measured one: the last three seconds or so count. */
const SPEED_SMOOTHING = 0.4

/** What the recorder asks of a transfer that runs. */
export interface RecordedRun {
  readonly id: string
  readonly runId: string
  readonly meter: Meter
  /** Bytes of unfinished parts that the bucket has taken. */
  sentBytes(): number
  bufferedBytes(): number
  /** Whether more waits for the bucket than it should. */
  isBucketBehind(): boolean
  /** What the run goes by, for its report. */
  readonly settings?: RunSettings
  movingParts(): number[]
  /** Where what is read is not moved, but read once more for a checksum. */
  readingAgain?(): ReadingAgain
  takeClosedClaims(): ClosedClaim[]
  /** What the user wants by now; null where the transfer is gone. */
  onWishes(wishes: Wishes | null): void
  /** The database refused a part, because the claim it was moved under is no longer ours. */
  onRefused(): void
}

interface Entry {
  readonly run: RecordedRun
  /** True from the last sample on: the next flush takes the run off the live numbers. */
  isEnding: boolean
  sourceBytesPerSecond: number
  /** The same with what came from slices of other transfers. */
  readBytesPerSecond: number
  bytesPerSecond: number
  sampledAtMs: number
}

/**
 * The numbers' way to Postgres. Once a second everything that is due is written with one statement, for all transfers of the
 * engine together: finished parts, progress, samples. What could not be written stays and goes with the next flush, so a
 * database that is away for a while loses nothing but the time.
 */
export class Recorder {
  readonly #db: Db
  readonly #engineId: string
  readonly #log: Log
  readonly #metrics: EngineMetrics
  readonly #runs = new Map<string, Entry>()
  #parts: FinishedPart[] = []
  #closed: (ClosedClaim & { readonly transferId: string })[] = []
  #samples: SampleRow[] = []
  #timer: NodeJS.Timeout | undefined
  /** How busy this process was when the last samples were taken. */
  #loop = perfHooks.eventLoopUtilization()
  #busyShare = 0
  #flushing: Promise<void> | null = null
  readonly #wholes = new GroupCommit<WholeFile, Set<string>>((files) => this.#writeWholes(files))

  constructor(options: { db: Db; engineId: string; log: Log; metrics: EngineMetrics }) {
    this.#db = options.db
    this.#engineId = options.engineId
    this.#log = options.log
    this.#metrics = options.metrics
  }

  start(): void {
    this.#timer = setInterval(() => {
      const loop = perfHooks.eventLoopUtilization()
      this.#busyShare = perfHooks.eventLoopUtilization(loop, this.#loop).utilization
      this.#loop = loop
      for (const entry of this.#runs.values()) if (!entry.isEnding) this.#takeSample(entry)
      if (this.#flushing) return
      this.flush().catch((error) =>
        this.#log.warn({ err: error }, 'Progress could not be written; it is kept and tried again.'),
      )
    }, FLUSH_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  add(run: RecordedRun): void {
    this.#runs.set(run.id, newEntry(run))
  }

  addPart(part: FinishedPart): void {
    this.#parts.push(part)
  }

  /** Smoothed rates of this engine, for its heartbeat. */
  rates(): { sourceBytesPerSecond: number; bucketBytesPerSecond: number } {
    const rates = { sourceBytesPerSecond: 0, bucketBytesPerSecond: 0 }
    for (const entry of this.#runs.values()) {
      rates.sourceBytesPerSecond += Math.round(entry.sourceBytesPerSecond)
      rates.bucketBytesPerSecond += Math.round(entry.bytesPerSecond)
    }
    return rates
  }

  /** Lanes that are open now, over all transfers. */
  lanes(): { readLanes: number; uploadLanes: number } {
    const lanes = { readLanes: 0, uploadLanes: 0 }
    for (const { run } of this.#runs.values()) {
      lanes.readLanes += run.meter.readLanes
      lanes.uploadLanes += run.meter.uploadLanes
    }
    return lanes
  }

  /** Writes the last of a run and forgets it. Rejects where that could not be written; then it may be called again. */
  async finish(run: RecordedRun): Promise<void> {
    const entry = this.#runs.get(run.id)
    if (entry && !entry.isEnding) {
      this.#takeSample(entry)
      entry.isEnding = true
    }
    // Within the flush, so that no flush beside it can put the live numbers back.
    await this.flush()
    this.#runs.delete(run.id)
  }

  /** Forgets a run whose file went in one request, and gives what is left to say of it: for `finishWhole`. */
  closeWhole(run: RecordedRun): Pick<WholeFile, 'transferId' | 'runId' | 'metrics' | 'sample'> {
    const entry = this.#runs.get(run.id)
    if (entry?.run === run) this.#runs.delete(run.id)
    const sample = this.#sampleOf(entry?.run === run ? entry : newEntry(run))
    run.meter.isDue = false
    run.meter.progressUpdates++
    return {
      transferId: run.id,
      runId: run.runId,
      metrics: { ...run.meter.metrics(), settings: run.settings },
      sample,
    }
  }

  /**
   * Writes the end of a transfer whose file went in one request, at once and together with others. False where its claim is no
   * longer ours. Rejects where it could not be written; then it may be called again.
   */
  async finishWhole(file: WholeFile): Promise<boolean> {
    return (await this.#wholes.add(file)).has(file.transferId)
  }

  /** Drops what a run has not written yet: its claims are lost, and a claim must not be closed without its parts. */
  forget(run: RecordedRun): void {
    this.#runs.delete(run.id)
    this.#parts = this.#parts.filter((part) => part.transferId !== run.id)
    this.#closed = this.#closed.filter((claim) => claim.transferId !== run.id)
  }

  /** Writes all that is due now. Calls do not overlap: one that comes during another waits for it, then writes the rest. */
  async flush(): Promise<void> {
    while (this.#flushing) await this.#flushing.catch(() => {})
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = null
    })
    return this.#flushing
  }

  /** Never beside a flush, which could put the live numbers of a run back that is over. */
  async #writeWholes(files: readonly WholeFile[]): Promise<Set<string>> {
    while (this.#flushing) await this.#flushing.catch(() => {})
    const writing = finishWhole(this.#db, this.#engineId, files)
    this.#flushing = writing.then(
      () => {
        this.#flushing = null
      },
      () => {
        this.#flushing = null
      },
    )
    return writing
  }

  async #flush(): Promise<void> {
    const entries = [...this.#runs.values()]
    for (const { run } of entries)
      this.#closed.push(...run.takeClosedClaims().map((claim) => ({ ...claim, transferId: run.id })))
    // Copies, because parts go on finishing while the statement runs; what was not sent stays for the next flush.
    const [parts, closed, samples] = [[...this.#parts], [...this.#closed], [...this.#samples]]
    if (entries.length === 0 && parts.length === 0 && closed.length === 0 && samples.length === 0) return
    const end = this.#metrics.flushSeconds.startTimer()
    const at = new Date().toISOString()
    const progress = entries.map((entry) => progressOf(entry, at))
    const { taken, wishes } = await recordDue(this.#db, this.#engineId, { parts, closed, progress, samples })
    end()
    this.#parts = without(this.#parts, parts)
    this.#closed = without(this.#closed, closed)
    this.#samples = without(this.#samples, samples)
    for (const part of parts)
      if (!taken.has(`${part.transferId}/${part.number}`)) this.#runs.get(part.transferId)?.run.onRefused()
    const byId = new Map(wishes.map((wish) => [wish.id, wish]))
    for (const { run } of entries) run.onWishes(byId.get(run.id) ?? null)
  }

  /** Each second of a run is one sample of this engine, at a whole second: charts add them up by the second. */
  #takeSample(entry: Entry): void {
    this.#samples.push(this.#sampleOf(entry))
    if (this.#samples.length > MAX_SAMPLES) this.#samples = this.#samples.slice(-MAX_SAMPLES)
  }

  #sampleOf(entry: Entry): SampleRow {
    const { run } = entry
    const atMs = Math.max(Math.round(Date.now() / 1000) * 1000, entry.sampledAtMs + 1000)
    entry.sampledAtMs = atMs
    const { bucketPausedMs, memoryPausedMs, rateLimitMs, ...delta } = run.meter.takeDelta()
    const bufferedBytes = run.bufferedBytes()
    run.meter.noteBuffered(bufferedBytes)
    const perSecond = (bytes: number) => (bytes / delta.durationMs) * 1000
    entry.bytesPerSecond = smooth(entry.bytesPerSecond, perSecond(delta.bucketBytes))
    entry.sourceBytesPerSecond = smooth(entry.sourceBytesPerSecond, perSecond(delta.sourceBytes))
    entry.readBytesPerSecond = smooth(entry.readBytesPerSecond, perSecond(delta.sourceBytes + delta.cacheBytes))
    this.#metrics.sourceBytes.inc(delta.sourceBytes)
    this.#metrics.sharedBytes.inc(delta.cacheBytes)
    this.#metrics.bucketBytes.inc(delta.bucketBytes)
    this.#metrics.retries.inc(delta.retries)
    const { readLanes, uploadLanes } = run.meter
    const lanes = { bufferedBytes, readLanes, uploadLanes }
    const limits = limitsOfInterval({
      durationMs: delta.durationMs,
      bucketPausedMs,
      memoryPausedMs,
      rateLimitMs,
      isBucketBehind: run.isBucketBehind(),
      busyShare: this.#busyShare,
    })
    return { transferId: run.id, at: new Date(atMs), ...lanes, ...delta, ...limits }
  }
}

function progressOf({ run, isEnding, readBytesPerSecond, bytesPerSecond }: Entry, at: string): TransferProgress {
  const { meter } = run
  meter.isDue = false
  meter.progressUpdates++
  const live: LiveEntry = {
    at,
    inflightBytes: run.sentBytes(),
    // Bytes come in evenly and go out part by part, so what comes in is the steadier speed, as long as any comes.
    bytesPerSecond: Math.round(readBytesPerSecond > 1 ? readBytesPerSecond : bytesPerSecond),
    readLanes: meter.readLanes,
    uploadLanes: meter.uploadLanes,
    bufferedBytes: run.bufferedBytes(),
    movingParts: run.movingParts(),
    ...(run.readingAgain && { readingAgain: run.readingAgain() }),
  }
  const metrics = { ...meter.metrics(), settings: run.settings }
  return { id: run.id, runId: run.runId, live: isEnding ? null : live, metrics }
}

function newEntry(run: RecordedRun): Entry {
  return { run, isEnding: false, sourceBytesPerSecond: 0, readBytesPerSecond: 0, bytesPerSecond: 0, sampledAtMs: 0 }
}

/** The list without what was written; it may have been changed in any way while the statement ran. */
function without<T>(list: readonly T[], written: readonly T[]): T[] {
  const done = new Set(written)
  return list.filter((item) => !done.has(item))
}

function smooth(shown: number, measured: number): number {
  return shown === 0 ? measured : shown + (measured - shown) * SPEED_SMOOTHING
}
