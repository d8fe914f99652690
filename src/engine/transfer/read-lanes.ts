import { partRange } from '../part/part-plan.ts'
import type { PartStream, Span } from '../part/part-stream.ts'
import type { SourceRead } from '../source/source.ts'
import { Attempts } from './backoff.ts'
import type { OpenPart } from './part-board.ts'
import { logRetry, openPart, reserveBytes, type TransferRun, waitForWater, wholeSlices } from './transfer-run.ts'

/** A streamed part is read at most this many spans ahead of its upload lane. */
const MAX_SPANS_AHEAD = 2

/**
 * Reads the parts of a source that takes ranges, with up to `limits.readLanes` requests at once. One loop hands out spans,
 * earliest needed bytes first, so that order, watermarks and budget are decided in one place; the reads run beside it.
 * Resolves when every part is in the bucket; rejects with the first read that cannot be mended, at once: whatever the loop
 * waits for then (room, water, a change) may depend on the very bytes that will not come.
 */
export async function readInLanes(run: TransferRun): Promise<void> {
  const { board, limits } = run
  const failed = new AbortController()
  const signal = AbortSignal.any([run.signal, failed.signal])
  let lanes = 0
  while (!board.isDone) {
    signal.throwIfAborted()
    await waitForWater(run, signal)
    const { version } = board
    const part = lanes < limits.readLanes ? await nextPart(run, signal) : null
    const span = part?.stream.takeSpan(limits.spanBytes)
    if (!part || !span) {
      if (!board.isDone) await board.changed(signal, version)
      continue
    }
    const { stream } = part
    if (!(await reserveSpan(run, stream, span, signal))) continue
    lanes++
    const read = readSpan(run, stream, span)
    stream.track(read)
    read
      .catch((error) => {
        if (!stream.signal.aborted) failed.abort(error)
      })
      .finally(() => {
        lanes--
        board.notify()
      })
  }
}

/** The part to read from next: one that is open and lacks bytes, else a new one, else null for now. */
async function nextPart(run: TransferRun, signal: AbortSignal): Promise<OpenPart | null> {
  const { board, limits, work, plan } = run
  const open = board.nextToRead(limits.spanBytes * MAX_SPANS_AHEAD)
  if (open || board.isClosed) return open
  if (limits.shape === 'streamed' && board.size >= limits.uploadLanes) return null
  const refilled = work.refill()
  // While there are parts in hand nobody waits for the answer, and a question that failed is asked again.
  refilled.catch(() => {})
  let task = work.take()
  if (!task) await refilled
  // An answer may hold nothing but parts that are in the ledger already: then there may still be more to ask for.
  for (task ??= work.take(); !task && !work.isExhausted; task = work.take()) {
    signal.throwIfAborted()
    await work.refill()
  }
  if (!task) {
    board.isClosed = true
    board.notify()
    return null
  }
  const { startByte, endByte } = partRange(task.number, plan.partSizeBytes, plan.sizeBytes ?? 0)
  if (limits.shape === 'held') await reserveBytes(run, wholeSlices(run, endByte - startByte), signal)
  return openPart(run, task, startByte, endByte)
}

/** Reserves the bytes of a span before they are asked for. False where the part was closed while it waited. */
async function reserveSpan(run: TransferRun, stream: PartStream, span: Span, signal: AbortSignal): Promise<boolean> {
  if (stream.shape === 'held') return true
  const bytes = stream.reservationBytes(span.endByte - span.startByte)
  await reserveBytes(run, bytes, signal)
  if (stream.signal.aborted) {
    run.budget.release(bytes)
    return false
  }
  stream.addReservation(bytes)
  return true
}

/** Reads one span into its part; after a fault it goes on from the byte that was reached. */
async function readSpan(run: TransferRun, stream: PartStream, span: Span): Promise<void> {
  const { meter, plan } = run
  const writer = stream.writer(span)
  const attempts = new Attempts()
  while (!writer.isDone) {
    const reachedByte = writer.nextByte
    meter.sourceRequests++
    meter.laneOpened('read')
    try {
      const read: SourceRead = run.source.readRange({
        target: plan.target,
        identity: plan.identity,
        startByte: writer.nextByte,
        endByte: span.endByte,
        signal: stream.signal,
        sink: (chunk) => {
          meter.addSource(writer.write(chunk))
          return keepsPace(run, chunk.length, () => read.resume())
        },
      })
      await read.done
    } catch (error) {
      if (writer.nextByte > reachedByte) attempts.progressed()
      logRetry(run, `bytes from ${writer.nextByte} could not be read`, error)
      await attempts.failed(error, stream.signal)
      meter.sourceRetries++
    } finally {
      meter.laneClosed('read')
    }
  }
}

/** Waits of the bandwidth limit are looked at this often, so that a new limit counts at once and a stop leaves no timer. */
const LONGEST_WAIT_MS = 500

/** Asks the bandwidth limit; false holds the lane until it may read on. */
export function keepsPace(run: TransferRun, bytes: number, resume: () => void): boolean {
  const waitMs = run.limiter.take(bytes)
  if (waitMs < 1) return true
  const wait = (ms: number): void => {
    setTimeout(
      () => {
        const leftMs = run.signal.aborted ? 0 : run.limiter.waitMs
        if (leftMs < 1) resume()
        else wait(leftMs)
      },
      Math.min(ms, LONGEST_WAIT_MS),
    )
  }
  wait(waitMs)
  return false
}
