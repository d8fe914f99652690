import type { Claim } from '../../server/db/claims.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { ChecksumAlgorithm } from '../../server/domain/transfer.ts'
import type { Log } from '../../server/log.ts'
import type { ByteBudget, Reservation } from '../part/byte-budget.ts'
import type { LinearAlgorithm } from '../part/linear-checksum.ts'
import { PartStream } from '../part/part-stream.ts'
import type { Meter } from '../progress/meter.ts'
import type { BufferPool } from '../slice/buffer-pool.ts'
import type { Origin } from '../source/origin.ts'
import type { OpenedSource, Source, SourceIdentity, SourceTarget } from '../source/source.ts'
import type { BucketPace } from '../upload/bucket-pace.ts'
import type { RunningDigests } from '../upload/object-digest.ts'
import type { ObjectStore, UploadedPart } from '../upload/object-store.ts'
import type { EngineBandwidth, Share } from './engine-bandwidth.ts'
import type { OpenPart, PartBoard } from './part-board.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { PartTask, RemainingWork } from './remaining-work.ts'
import type { FileMember } from './shared-file.ts'

/** What is fixed about a planned transfer, secrets opened. */
export interface TransferPlan {
  readonly id: string
  readonly target: SourceTarget
  readonly identity: SourceIdentity
  readonly key: string
  readonly uploadId: string
  readonly sizeBytes: number | null
  readonly partSizeBytes: number
}

/** How one stream ended: what nobody knew before. */
export interface StreamEnd {
  readonly sizeBytes: number
  readonly partsTotal: number
  readonly lengthVerified: boolean
  readonly digests: Readonly<Partial<Record<ChecksumAlgorithm, string>>>
}

/** How wide a transfer runs on this engine. */
export interface RunLimits {
  readonly uploadLanes: number
  /** How long a request to the source is, where nothing asks for more or less (span-size.ts). */
  readonly spanBytes: number
  /** Reading pauses at the high mark of bytes that wait for the bucket, and goes on at the low one (product.md A3). */
  readonly highWaterBytes: number
  readonly lowWaterBytes: number
  readonly shape: 'held' | 'streamed'
}

/** Everything the lanes of one transfer share on one engine. */
export interface TransferRun {
  readonly plan: TransferPlan
  readonly limits: RunLimits
  readonly source: Source
  /** The answer that the plan has kept, of a source read in one stream; null: it is asked for. */
  readonly opened: OpenedSource | null
  /** Digests of what is read in one stream; null where parts come in any order. */
  readonly inOrder: RunningDigests | null
  /** Checksums of parts that come in any order, besides the CRC32C: those that somebody gave a value of. */
  readonly linear: readonly LinearAlgorithm[]
  /** Shared with all transfers into the same bucket: how many requests it takes at once, and when it wants to be left alone. */
  readonly pace: BucketPace
  /** Shared with all other transfers from the same host: how many lanes there are, and who has one. */
  readonly origin: Origin
  readonly store: ObjectStore
  readonly pool: BufferPool
  readonly budget: ByteBudget
  readonly meter: Meter
  readonly limiter: RateLimiter
  /** The engine's limit, and what of it is this transfer's. */
  readonly bandwidth: EngineBandwidth
  readonly share: Share
  /** The file as other transfers of this engine read it too; null where it is read for this one alone. */
  readonly file: FileMember | null
  readonly board: PartBoard
  readonly work: RemainingWork
  /** Aborted when the run stops or fails; its reason says which. */
  readonly signal: AbortSignal
  readonly log: Log
  /** A part is in the bucket: it goes to the ledger with the next flush. */
  onPart(part: OpenPart, uploaded: UploadedPart): void
  /** The first bytes of the file, once, as soon as they are sent. */
  onFirstBytes(bytes: Uint8Array): void
  /** The source asked for less, in a sentence; at most one in ten seconds. */
  onPushBack(message: string): void
  /** A source that is read in one stream has ended. */
  onEnd(claim: Claim, end: StreamEnd): Promise<void>
}

/** The reservation a held part of this run needs before it is opened: whole slices. */
export function wholeSlices(run: TransferRun, bytes: number): number {
  return Math.ceil(bytes / run.pool.bufferBytes) * run.pool.bufferBytes
}

/** Opens a part on the board. For a held part its whole size is reserved by now, of the budget or as a reservation of its own. */
export function openPart(
  run: TransferRun,
  task: PartTask,
  startByte: number,
  endByte: number,
  {
    reservation = run.budget,
    isAhead = false,
  }: { readonly reservation?: Reservation; readonly isAhead?: boolean } = {},
): OpenPart {
  return run.board.open(task, newStream(run, task.number, startByte, endByte, reservation), isAhead)
}

/** A fresh, empty stream for a part; also what a streamed part gets when it has to be read again. */
export function newStream(
  run: TransferRun,
  number: number,
  startByte: number,
  endByte: number,
  budget: Reservation = run.budget,
): PartStream {
  return new PartStream({
    number,
    startByte,
    endByte,
    shape: run.limits.shape,
    pool: run.pool,
    budget,
    counters: run.meter,
    linear: run.linear,
    onChange: run.board.notify,
  })
}

/**
 * Waits while too many bytes wait for the bucket; the pause is counted. What the bucket takes before the bytes of a new request
 * would come does not count as waiting. Rejects with the signal's reason.
 */
export async function waitForWater(run: TransferRun, signal: AbortSignal): Promise<void> {
  const { board, limits, meter } = run
  const waitingBytes = () => board.bytesAtMarks - bytesTakenMeanwhile(run)
  if (waitingBytes() < limits.highWaterBytes) return
  meter.pause()
  try {
    while (waitingBytes() > limits.lowWaterBytes) await board.changed(signal)
  } finally {
    meter.resume()
  }
}

function bytesTakenMeanwhile({ origin, meter }: TransferRun): number {
  if (!origin.isLate) return 0
  return (meter.bucketBytesPerSecond(performance.now()) * origin.mebibyteMs) / 1000
}

/** Reserves bytes of the budget; a wait for them is a pause of the source like that at the high mark, and counted. */
export async function reserveBytes(run: TransferRun, bytes: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (!run.budget.tryReserve(bytes)) await pausedForMemory(run, () => run.budget.reserve(bytes, signal))
}

/** The same for a part that is held from its first byte to its last, at the pace of its source. */
export async function reserveWhole(run: TransferRun, bytes: number, signal: AbortSignal): Promise<Reservation> {
  signal.throwIfAborted()
  const { budget } = run
  return budget.tryReserveWhole(bytes) ?? (await pausedForMemory(run, () => budget.reserveWhole(bytes, signal)))
}

async function pausedForMemory<T>(run: TransferRun, reserve: () => Promise<T>): Promise<T> {
  // Memory that is full of bytes for the bucket is the bucket's doing; full of bytes to come, or of other transfers, it is ours.
  run.meter.pause(run.board.bufferedBytes * 2 >= run.budget.usedBytes ? 'bucket' : 'memory')
  try {
    return await reserve()
  } finally {
    run.meter.resume()
  }
}

/** One line for whoever looks into a slow transfer; stops are not errors and say nothing. */
export function logRetry(run: TransferRun, what: string, error: unknown): void {
  if (run.signal.aborted || !(error instanceof TransferError)) return
  run.log.debug({ transferId: run.plan.id, code: error.code, facts: error.facts }, `${what}: ${error.message}`)
}
