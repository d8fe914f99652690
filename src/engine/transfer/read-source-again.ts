import { setImmediate as turn } from 'node:timers/promises'
import { newId } from '../../server/db/new-id.ts'
import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { ChecksumAlgorithm } from '../../server/domain/transfer.ts'
import { Meter } from '../progress/meter.ts'
import type { RecordedRun } from '../progress/recorder.ts'
import type { ReadLane } from '../source/origin.ts'
import type { SourceRead } from '../source/source.ts'
import { createDigests } from '../upload/object-digest.ts'
import { Attempts } from './backoff.ts'
import { keepsPace, type PacedRun } from './keep-pace.ts'
import type { Digests, KnownDigest } from './known-digests.ts'
import { shareOfLimit } from './limit-share.ts'
import { pinnedIdentity } from './pinned-identity.ts'
import { pushBackOf, tellOrigin } from './push-back.ts'
import { RateLimiter } from './rate-limiter.ts'
import { Stop } from './stop.ts'
import { openTarget, type WorkContext } from './work-context.ts'

const SPAN_BYTES = 2 * MIB
/** Requests ahead of the one whose bytes are summed: a digest takes them in order, and one connection alone may be slow. */
const MOST_LANES = 4
/** Of the memory budget: transfers that move bytes go on beside this. */
const BUDGET_SHARE = 1 / 8
/** Between two turns of the loop. */
const PIECE_BYTES = MIB / 4
/** What has to be found out: the digest that somebody waits for, others that are known besides, and the CRC32C of the parts. */
interface Wanted {
  readonly algorithm: ChecksumAlgorithm
  readonly others: readonly Pick<KnownDigest, 'algorithm'>[]
  readonly crc32c: string
}

/**
 * Digests of a source with ranges, read once more in order. That these are the bytes in the bucket shows the CRC32C: it has to be that of
 * the parts. Lanes, bandwidth limits and the memory budget count as for any read, and the recorder says how far it is. Throws
 * `source_changed` where other bytes came, a Stop where the transfer is paused or cancelled meanwhile, and as reads do; a read that
 * breaks goes on from the byte it reached.
 */
export async function digestsOfSource(
  context: WorkContext,
  row: TransferRow,
  { algorithm, others, crc32c }: Wanted,
  signal: AbortSignal,
): Promise<Digests> {
  const digests = createDigests(['crc32c', algorithm, ...others.map((other) => other.algorithm)])
  if (!digests) return {}
  const { budget } = context
  const stop = new AbortController()
  const lanes = Math.max(1, Math.min(MOST_LANES, Math.floor((budget.totalBytes * BUDGET_SHARE) / SPAN_BYTES)))
  const reader = await openReader(context, row, AbortSignal.any([signal, stop.signal]))
  const progress = { algorithm, readBytes: 0, heldBytes: 0 }
  const recorded = recordedReading(row.id, reader, progress, stop)
  const spans: Promise<Buffer>[] = []
  context.recorder.add(recorded)
  try {
    await budget.reserve(lanes * SPAN_BYTES, reader.signal)
    progress.heldBytes = lanes * SPAN_BYTES
    try {
      const sizeBytes = Number(row.sizeBytes)
      let askedByte = 0
      for (;;) {
        for (; spans.length < lanes && askedByte < sizeBytes; askedByte += SPAN_BYTES) {
          const span = readSpanAgain(reader, askedByte, Math.min(askedByte + SPAN_BYTES, sizeBytes))
          span.catch(() => {})
          spans.push(span)
        }
        const bytes = await spans[0]
        if (!bytes) break
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          const piece = bytes.subarray(at, at + PIECE_BYTES)
          digests.update(piece)
          progress.readBytes += piece.length
          await turn()
        }
        spans.shift()
      }
      reader.signal.throwIfAborted()
    } finally {
      stop.abort(new Stop('sibling-failed'))
      await Promise.allSettled(spans)
      budget.release(lanes * SPAN_BYTES)
      progress.heldBytes = 0
    }
  } finally {
    await endRecording(context, recorded)
  }
  const values = await digests.values()
  if (values.crc32c === crc32c) return values
  throw new TransferError(
    'source_changed',
    `The source sent other bytes when it was read once more: their CRC32C is ${values.crc32c}, that of the parts ${crc32c}. Nothing was written; start the transfer over.`,
    { facts: { validator: 'CRC32C', pinned: crc32c, seen: values.crc32c ?? null } },
  )
}

type Reader = Awaited<ReturnType<typeof openReader>>

async function openReader(context: WorkContext, row: TransferRow, signal: AbortSignal) {
  const { source, bandwidth } = context
  const target = openTarget(context, row)
  const limiter = new RateLimiter()
  limiter.setLimit(shareOfLimit(row.bandwidthLimitBytesPerSecond, 1))
  const origin = await context.origins.of(target.url)
  const meter = new Meter()
  const paced: PacedRun = { limiter, bandwidth, share: bandwidth.share(), origin, meter, signal }
  return { source, target, identity: pinnedIdentity(row), origin, paced, meter, limiter, signal }
}

/** The second read as the recorder sees it: numbers for whoever watches, and the user's wishes with each flush, at once where there is a hint. */
function recordedReading(
  id: string,
  { meter, limiter }: Reader,
  progress: { readonly algorithm: ChecksumAlgorithm; readonly readBytes: number; readonly heldBytes: number },
  stop: AbortController,
): RecordedRun {
  return {
    id,
    runId: newId(),
    meter,
    sentBytes: () => 0,
    bufferedBytes: () => progress.heldBytes,
    isBucketBehind: () => false,
    movingParts: () => [],
    readingAgain: () => ({ algorithm: progress.algorithm, readBytes: progress.readBytes }),
    takeClosedClaims: () => [],
    onWishes: (wishes) => {
      if (wishes?.status !== 'running' || wishes.cancelRequestedAt) return stop.abort(new Stop('user'))
      limiter.setLimit(shareOfLimit(wishes.bandwidthLimitBytesPerSecond, 1))
    },
    onRefused: () => {},
  }
}

/** What could not be written is no loss: the numbers are too old to be shown soon. */
async function endRecording({ recorder, log }: WorkContext, recorded: RecordedRun): Promise<void> {
  try {
    await recorder.finish(recorded)
  } catch (err) {
    recorder.forget(recorded)
    log.warn({ transferId: recorded.id, err }, 'the end of a second read could not be written')
  }
}

async function readSpanAgain(reader: Reader, startByte: number, endByte: number): Promise<Buffer> {
  const { source, target, identity, origin, paced, meter, signal } = reader
  const bytes = Buffer.allocUnsafe(endByte - startByte)
  const attempts = new Attempts()
  let reached = 0
  let seenBytes = meter.sourceBytes
  while (reached < bytes.length) {
    const before = reached
    const lane: ReadLane = await origin.acquire(signal, reader)
    // Few lanes are wanted here, which says nothing about how many the source has.
    origin.heldBack()
    meter.laneOpened('read')
    meter.sourceRequests++
    const goOn = () => read.resume()
    let read: SourceRead
    try {
      read = source.readRange({
        ...{ target, identity, startByte: startByte + reached, endByte, signal },
        sink: (chunk) => {
          bytes.set(chunk, reached)
          reached += chunk.length
          lane.delivered(chunk.length)
          // Not as what is moved: how long that took to begin is the first read's.
          meter.sourceBytes += chunk.length
          return keepsPace(paced, chunk.length, goOn)
        },
      })
      await read.done
      meter.laneClosed('read')
    } catch (error) {
      meter.laneClosed('read')
      const pushBack = pushBackOf(error, true)
      const getsThrough = meter.sourceBytes > seenBytes
      seenBytes = meter.sourceBytes
      if (!signal.aborted) {
        meter.sourceRetries++
        tellOrigin(origin, lane, error, attempts.count < 3, getsThrough)
      }
      lane.release()
      if (pushBack ? getsThrough : reached > before) attempts.progressed()
      await (pushBack ? attempts.refused(pushBack.error, signal) : attempts.failed(error, signal))
    } finally {
      lane.release()
    }
  }
  return bytes
}
