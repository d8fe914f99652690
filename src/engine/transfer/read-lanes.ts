import { partRange } from '../part/part-plan.ts'
import type { PartStream } from '../part/part-stream.ts'
import type { Span, SpanWriter } from '../part/span-writer.ts'
import { EndGame } from './end-game.ts'
import type { OpenPart } from './part-board.ts'
import { PushBackNotes } from './push-back.ts'
import { goOnInPool, readSpan, type SpanRead } from './read-span.ts'
import {
  aheadBytesNow,
  lastSpanBytes,
  mayReadAhead,
  mayReadUnsent,
  readsThroughWindows,
  spanBytesNow,
  WINDOW_SLICES,
} from './span-size.ts'
import { openPart, reserveBytes, type TransferRun, waitForWater, wholeSlices } from './transfer-run.ts'

/** Spans a transfer waits for at once in the slice pool: enough that its lanes always find some to ask for. */
const LEAST_POOLED = 4
const POOLED_FOR_LANE = 2

/** How often the end game looks for a span that is slow. */
const END_GAME_MS = 250

/**
 * Reads the parts of a source that takes ranges, with as many requests at once as its origin is worth (source/origin.ts). One
 * loop hands out spans, earliest needed bytes first, so that order, watermarks and budget are decided in one place; the reads
 * run beside it. When all is asked for, lanes that are free take over from the slowest: at the end, and when they have become more.
 * Resolves when every part is in the bucket; rejects with the first read that cannot be mended, at once: whatever the loop
 * waits for then (room, water, a lane, a change) may depend on the very bytes that will not come.
 */
export async function readInLanes(run: TransferRun): Promise<void> {
  const { board, origin, meter } = run
  const failed = new AbortController()
  const signal = AbortSignal.any([run.signal, failed.signal])
  const notes = new PushBackNotes(origin, run.onPushBack)
  const reads = new Set<SpanRead>()
  const endGame = new EndGame()
  let ticking: NodeJS.Timeout | undefined

  let hadCompany = false

  const start = async (stream: PartStream, writer: SpanWriter, how: 'alone' | 'rival' | 'pooled'): Promise<void> => {
    // The pool has lanes of its own for what is shared.
    const lane = how === 'pooled' ? null : await origin.acquire(signal, run)
    // The part was closed meanwhile, because it has to be sent again: its bytes are asked for anew.
    if (stream.signal.aborted) return lane?.release()
    const read: SpanRead = {
      ...{ stream, writer, isRival: how === 'rival', request: null, isHeld: false },
      poolFromByte: lane ? null : writer.nextByte,
    }
    reads.add(read)
    const reading = readSpan(run, read, lane, notes)
    stream.track(reading)
    reading
      .catch((error) => {
        if (!stream.signal.aborted) failed.abort(error)
      })
      .finally(() => {
        reads.delete(read)
        endGame.ended(read)
        board.notify()
      })
  }

  try {
    while (!board.isDone) {
      signal.throwIfAborted()
      await waitForWater(run, signal)
      const isShared = run.file?.isShared === true
      // What is on its way for this transfer alone ends with the slice it is in; the rest is read for all.
      if (isShared && !hadCompany) for (const read of reads) goOnInPool(read)
      hadCompany = isShared
      const { version } = board
      if (meter.pooledReads >= Math.max(LEAST_POOLED, POOLED_FOR_LANE * origin.lanes)) {
        await board.changed(signal, version)
        continue
      }
      const spanBytes = spanBytesNow(run)
      const part = await nextPart(run, spanBytes, signal)
      // It was opened while there was room, which another transfer may have taken meanwhile.
      if ((part?.isAhead || part?.isHeldUp) && !mayReadAhead(run, spanBytes)) continue
      if (part?.stream.shape === 'streamed' && !part.hasRequest && !mayReadUnsent(run, spanBytes)) continue
      const wantedBytes = lastSpanBytes(run, spanBytes)
      const alikeBytes = part && run.file?.alikeBytes(part.stream.nextSpanByte, wantedBytes)
      const span = part?.stream.takeSpan(alikeBytes ?? wantedBytes)
      if (part && span) {
        const { stream } = part
        const isPooled = run.file?.isPooled(span.startByte) === true
        const slices = !isPooled && readsThroughWindows(run) ? WINDOW_SLICES : null
        if (await reserveSpan(run, stream, span, slices, signal))
          await start(stream, stream.writer(span), isPooled ? 'pooled' : 'alone')
        continue
      }
      const mayHelp = origin.hasRoom && (board.isClosed || hasOutgrownWindows(run, reads))
      const pay = (stream: PartStream, wanted: Span) => tryReserveSpan(run, stream, wanted)
      const help = mayHelp ? endGame.help(reads, origin, performance.now(), board.isClosed, pay) : null
      if (help) {
        const { stream } = help.read
        if (help.kind === 'race') await start(stream, help.writer, 'rival')
        else await start(stream, stream.writer(help.span), 'alone')
        continue
      }
      // What another transfer gives back of the memory, nobody tells this one.
      if (board.isClosed || run.pace.limit !== Number.POSITIVE_INFINITY)
        ticking ??= setInterval(board.notify, END_GAME_MS)
      if (!board.isDone) await board.changed(signal, version)
    }
  } finally {
    clearInterval(ticking)
    notes.close()
  }
}

/** The lanes have become more than the parts that are open, whose rest was asked for in long spans while they were fewer. */
function hasOutgrownWindows(run: TransferRun, reads: Iterable<SpanRead>): boolean {
  if (readsThroughWindows(run)) return false
  for (const { writer } of reads) if (writer.isWindowed) return true
  return false
}

/** The part to read from next, a span of so many bytes: one that is open and lacks bytes, else a new one, else null for now. */
async function nextPart(run: TransferRun, spanBytes: number, signal: AbortSignal): Promise<OpenPart | null> {
  const { board, limits, work, plan } = run
  const mayBeAhead = mayReadAhead(run, spanBytes)
  const mayBeUnsent = mayReadUnsent(run, spanBytes)
  const open = board.nextToRead(aheadBytesNow(run, spanBytes), spanBytes, mayBeAhead, mayBeUnsent)
  if (open || board.isClosed || !mayBeUnsent) return open
  const isAhead = limits.shape === 'streamed' && board.size >= limits.uploadLanes
  if (isAhead && (!mayBeAhead || board.size >= 2 * limits.uploadLanes)) return null
  const refilled = work.refill()
  // While there are parts in hand nobody waits for the answer, and a question that failed is asked again.
  refilled.catch(() => {})
  let task = work.take()
  if (!task && isAhead && !work.isExhausted) {
    // Nobody needs it yet: what is open is read on, however long the answer takes.
    refilled.then(board.notify, () => {})
    return null
  }
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
  return openPart(run, task, startByte, endByte, { isAhead })
}

/**
 * Reserves the bytes of a span before they are asked for: all of them, or those of a window of so many slices. False where the part
 * was closed while it waited.
 */
async function reserveSpan(
  run: TransferRun,
  stream: PartStream,
  span: Span,
  windowSlices: number | null,
  signal: AbortSignal,
): Promise<boolean> {
  if (stream.shape === 'held') return true
  const spanBytes = stream.reservationBytes(span.endByte - span.startByte)
  const bytes = windowSlices === null ? spanBytes : Math.min(spanBytes, windowSlices * run.pool.bufferBytes)
  await reserveBytes(run, bytes, signal)
  if (stream.signal.aborted) {
    run.budget.release(bytes)
    return false
  }
  if (windowSlices === null) stream.addReservation(bytes)
  else stream.addWindow(span, windowSlices)
  return true
}

/**
 * Reserves a span that would be taken from the middle of what was asked for: whole, else through a window, else not at all. It is never
 * waited for: the room may be full of bytes behind it, and those are not sent before its own.
 */
function tryReserveSpan(run: TransferRun, stream: PartStream, span: Span): boolean {
  if (stream.signal.aborted) return false
  const spanBytes = stream.reservationBytes(span.endByte - span.startByte)
  if (run.budget.tryReserve(spanBytes)) {
    stream.addReservation(spanBytes)
    return true
  }
  const windowBytes = Math.min(spanBytes, WINDOW_SLICES * run.pool.bufferBytes)
  if (!run.budget.tryReserve(windowBytes)) return false
  stream.addWindow(span, WINDOW_SLICES)
  return true
}
