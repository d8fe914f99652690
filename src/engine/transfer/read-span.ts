import { TransferError } from '../../server/domain/failure.ts'
import type { PartStream } from '../part/part-stream.ts'
import type { SpanWriter } from '../part/span-writer.ts'
import type { ReadLane } from '../source/origin.ts'
import type { SourceRead } from '../source/source.ts'
import { Attempts } from './backoff.ts'
import { keepsPace, placeWithin } from './keep-pace.ts'
import { type PushBackNotes, pushBackOf, tellOrigin } from './push-back.ts'
import { readShared, roomFor } from './read-shared.ts'
import { Stop } from './stop.ts'
import { logRetry, type TransferRun } from './transfer-run.ts'

/** Refusals of one span, nothing getting through, that still make the origin's lanes fewer: a broken file is no busy host. */
const REFUSALS_THAT_COUNT = 3

/** A lane that waits longer than this for the bucket is given back; its span goes on with another when there is room. */
const LONGEST_HOLD_MS = 5_000

/** A span on its way from the source, as the end game sees it. */
export interface SpanRead {
  readonly stream: PartStream
  readonly writer: SpanWriter
  /** Races another for the rest of a slice: where it fails, the other goes on. */
  readonly isRival: boolean
  /** Since when a request is under way, and from which byte; null between two. */
  request: { readonly openedMs: number; readonly openedByte: number } | null
  /** It stands still until the bucket has taken more: it is not slow. */
  isHeld: boolean
  /** From here on it is read out of the slices that all transfers of the file share; null: by itself. */
  poolFromByte: number | null
}

/** Another transfer of the file has come: a span is read by itself only up to the end of the slice it is in. */
export function goOnInPool(read: SpanRead): void {
  const { stream, writer, isRival } = read
  if (!isRival && !writer.hasRival && !writer.isDone) read.poolFromByte ??= stream.sliceEnd(writer.nextByte)
}

/**
 * Reads one span into its part; after a fault it goes on from the byte that was reached, with a lane of its own each time.
 * A source that is too busy, or that answers 403, costs no attempt as long as bytes of this transfer get through. `lane` is null where it begins in the pool.
 */
export async function readSpan(
  run: TransferRun,
  read: SpanRead,
  lane: ReadLane | null,
  notes: PushBackNotes,
): Promise<void> {
  const { meter, origin } = run
  const { writer, stream } = read
  const attempts = new Attempts()
  let held: ReadLane | null = lane
  let isAskedAgain = false
  let seenBytes = meter.sourceBytes
  try {
    while (!writer.isDone) {
      if (isInPool(read)) {
        read.poolFromByte = null
        held?.release()
        held = null
        // What the pool does not bring is read like any other span.
        if (run.file) await readShared(run, writer, run.file, stream.signal)
        continue
      }
      // Not before there is a buffer for what comes, or a source that closes on readers who stand still is asked again and again.
      const room = roomFor(writer, stream.signal)
      if (room) {
        held?.release()
        held = null
        await room
      }
      held ??= await origin.acquire(stream.signal, run)
      if (writer.isDone) return
      const reachedByte = writer.nextByte
      const outcome = await request(run, read, held)
      if (outcome === null || writer.isDone) continue
      const { error } = outcome
      const pushBack = pushBackOf(error, true)
      const getsThrough = meter.sourceBytes > seenBytes
      if (pushBack ? getsThrough : writer.nextByte > reachedByte) attempts.progressed()
      seenBytes = meter.sourceBytes
      if (!stream.signal.aborted) {
        const lanesBefore = origin.lanes
        tellOrigin(origin, held, error, attempts.count < REFUSALS_THAT_COUNT, getsThrough)
        notes.note(error, lanesBefore, getsThrough)
      }
      held.release()
      held = null
      if (read.isRival && !stream.signal.aborted) return writer.giveUp()
      // Nodes of a CDN may disagree about the ETag of one file: one more answer is asked for before the file counts as changed.
      if (isOtherEtag(error) && !isAskedAgain && !stream.signal.aborted) {
        isAskedAgain = true
        meter.sourceRetries++
        continue
      }
      logRetry(run, `bytes from ${writer.nextByte} could not be read`, error)
      const again = pushBack ? attempts.refused(pushBack.error, stream.signal) : attempts.failed(error, stream.signal)
      await again.catch((last) => {
        throw stuckAt(writer.nextByte, last)
      })
      meter.sourceRetries++
    }
  } finally {
    held?.release()
  }
}

/** A source that ends its answers early each time: who runs it needs the byte of the file, not that of the last answer. */
function stuckAt(byte: number, error: unknown): unknown {
  if (!(error instanceof TransferError) || error.code !== 'source_truncated') return error
  return new TransferError(
    'source_truncated',
    `The source ends its answers at byte ${byte} of the file each time, and nothing beyond it comes. The file may be damaged there; ask who runs the source, then retry.`,
    { retry: error.retry, facts: { ...error.facts, stuckAtByte: byte }, cause: error },
  )
}

function isInPool({ poolFromByte, writer }: SpanRead): boolean {
  return poolFromByte !== null && writer.nextByte >= poolFromByte
}

function isOtherEtag(error: unknown): boolean {
  return error instanceof TransferError && error.code === 'source_changed' && error.facts.validator === 'ETag'
}

/** One request for the rest of a span. Null where it ended well, or was of no use any more. */
async function request(run: TransferRun, read: SpanRead, lane: ReadLane): Promise<{ readonly error: unknown } | null> {
  const { meter, plan } = run
  const { stream, writer } = read
  const endByte = writer.endByte
  const cutter = new AbortController()
  const cut = () => cutter.abort(new Stop('span-cut'))
  // The window and the bandwidth limit may both hold the lane; it goes on when neither does.
  let holds = 0
  let holding: NodeJS.Timeout | undefined
  const goOn = () => {
    if (--holds === 0) source.resume()
  }
  const onRoom = () => {
    clearTimeout(holding)
    read.isHeld = false
    lane.hold(false)
    goOn()
  }
  const signal = AbortSignal.any([stream.signal, cutter.signal])
  writer.onBeaten = cut
  read.request = { openedMs: performance.now(), openedByte: writer.nextByte }
  meter.sourceRequests++
  meter.laneOpened('read')
  let source: SourceRead
  try {
    source = run.source.readRange({
      target: plan.target,
      identity: plan.identity,
      startByte: writer.nextByte,
      endByte,
      signal,
      place: () => placeWithin(run, writer.place()),
      sink: (chunk) => {
        const bytes = writer.write(chunk)
        meter.addSource(bytes)
        lane.delivered(bytes)
        // The rest was given to another lane while this one read.
        if (writer.isDone && writer.endByte < endByte) cut()
        if (isInPool(read)) cut()
        if (!keepsPace(run, chunk.length, goOn, signal)) holds++
        if (writer.waitsForRoom(onRoom)) {
          holds++
          read.isHeld = true
          lane.hold(true)
          // Others may need the lane more than a bucket that does not take our bytes.
          holding = setTimeout(cut, LONGEST_HOLD_MS)
        }
        return holds === 0
      },
    })
    await source.done
    return null
  } catch (error) {
    return cutter.signal.aborted ? null : { error }
  } finally {
    writer.onBeaten = null
    read.request = null
    read.isHeld = false
    clearTimeout(holding)
    meter.laneClosed('read')
  }
}
