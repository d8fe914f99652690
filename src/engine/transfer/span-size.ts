import type { TransferRun } from './transfer-run.ts'

/** A request should last this many times as long as the wait for its first byte. */
const FIRST_BYTE_TIMES = 10
/** A shorter wait than this is mostly our own. */
const NOTABLE_FIRST_BYTE_MS = 20
/** The rest of the budget is for what waits for the bucket: little, where first bytes are late and requests have to be long. */
const READING_SHARE = 0.5
const LATE_READING_SHARE = 0.8
/** Of the budget: what is left for parts that have a lane, whatever is read ahead of the lanes. */
const FREE_OF_AHEAD_SHARE = 0.25
/** The same for parts that have a request, where the bucket counts them. */
const FREE_OF_UNSENT_SHARE = 0.5

/** Slices a windowed span is read through: one being filled, one being sent, one between them. */
export const WINDOW_SLICES = 3
/** Spans that are reserved whole, so as not to hold more than they need to. */
const RESERVED_SPAN_BYTES = 2 * 1024 * 1024
/** Windows keep memory small whatever the length, so that a request costs next to nothing for each byte. */
const WINDOWED_SPAN_TIMES = 2
const WINDOWED_SPAN_SECONDS = 1

/**
 * True where no part needs more than one lane: then a span is read at the pace of its upload, through a few buffers that stay in the
 * processor's caches. With more lanes than that, they have to read ahead of each other, and spans are reserved whole.
 */
export function readsThroughWindows(run: TransferRun): boolean {
  // A slice that others wait for too is not read at the pace of one bucket.
  if (run.file?.isShared) return false
  return run.limits.shape === 'streamed' && run.origin.lanes <= partsToFeed(run)
}

/** Parts that are fed at once: as many as there are upload lanes, and of a file's last ones those that are open. */
function partsToFeed({ limits, board, work }: TransferRun): number {
  const areLast = board.isClosed || work.isExhausted
  return areLast ? Math.max(1, Math.min(limits.uploadLanes, board.size)) : limits.uploadLanes
}

/**
 * How long the next request to the source is: `limits.spanBytes`, longer where its answers begin late, shorter where there are
 * more lanes than the byte budget could feed. Whole slices, at least one.
 */
export function spanBytesNow(run: TransferRun): number {
  const { limits, origin, pool, budget, plan } = run
  const isLate = origin.firstByteMs >= NOTABLE_FIRST_BYTE_MS
  const lateBytes = isLate ? FIRST_BYTE_TIMES * (origin.firstByteMs / 1000) * origin.laneBytesPerSecond : 0
  const isWindowed = readsThroughWindows(run)
  const usualBytes = isWindowed ? windowedSpanBytes(run) : Math.min(limits.spanBytes, RESERVED_SPAN_BYTES)
  const readingBytes = budget.totalBytes * (isLate ? LATE_READING_SHARE : READING_SHARE)
  // While lanes grow, long requests of few would leave nothing to be asked for by those that come. And no request waits for more of the
  // budget than parts that are read ahead leave free: none of what they have is given back before this one has its bytes.
  const mostBytes = Math.min(readingBytes / origin.prospectiveLanes, budget.totalBytes * FREE_OF_AHEAD_SHARE)
  const shareBytes = isWindowed ? Number.POSITIVE_INFINITY : mostBytes
  const wanted = Math.min(Math.max(usualBytes, lateBytes), shareBytes, plan.partSizeBytes)
  return Math.max(1, Math.floor(wanted / pool.bufferBytes)) * pool.bufferBytes
}

/**
 * Through a window a request is long, but takes no longer than a second of one connection: what others have read behind it waits for its
 * last byte. Until somebody knows how fast a connection is, it is as short as those that are reserved whole. Under a bandwidth limit all
 * connections are slow, and short requests would bring nothing.
 */
function windowedSpanBytes({ limits, origin, limiter, bandwidth }: TransferRun): number {
  const mostBytes = limits.spanBytes * WINDOWED_SPAN_TIMES
  const leastBytes = Math.min(limits.spanBytes, RESERVED_SPAN_BYTES)
  if (limiter.bytesPerSecond !== null || bandwidth.bytesPerSecond !== null) return mostBytes
  const rate = origin.laneBytesPerSecond
  if (rate === 0) return origin.learnedLanes === null ? leastBytes : mostBytes
  return Math.max(leastBytes, Math.min(mostBytes, rate * WINDOWED_SPAN_SECONDS))
}

/**
 * A request out of a file's last bytes is no longer than what each lane would have to ask for of them: with whole requests a few lanes
 * would have one more while the others have nothing. Whole slices, at least one. `spanBytes`: of `spanBytesNow`.
 */
export function lastSpanBytes(run: TransferRun, spanBytes: number): number {
  const { board, work, origin, pool } = run
  if ((!board.isClosed && !work.isExhausted) || readsThroughWindows(run)) return spanBytes
  let restBytes = 0
  for (const { stream } of board.all) restBytes += stream.endByte - stream.nextSpanByte
  return Math.min(spanBytes, Math.ceil(restBytes / origin.lanes / pool.bufferBytes) * pool.bufferBytes)
}

/**
 * True where a span may be read of a part that no upload lane has taken yet: where bytes come late, for the wait or for slow connections,
 * all lanes would stand still between the parts that are in hand and the next. A quarter of the budget is left free, so that nothing that
 * is needed waits for it; and not while the bucket wants fewer requests.
 */
export function mayReadAhead(run: TransferRun, spanBytes: number): boolean {
  const { limits, origin, budget, board } = run
  if (limits.shape !== 'streamed' || !origin.isLate || board.hasHeldUp) return false
  return !readsThroughWindows(run) && budget.leavesFree(FREE_OF_AHEAD_SHARE, spanBytes)
}

/**
 * True where bytes may be read that the bucket takes no request for yet. While it counts its requests, parts that wait for theirs must not
 * hold the memory that those under way need: then they have the free half of it. The first part of a transfer always may: a transfer that
 * has none asks for no request.
 */
export function mayReadUnsent(run: TransferRun, spanBytes: number): boolean {
  const { pace, budget, board, limits, plan, pool } = run
  if (pace.limit === Number.POSITIVE_INFINITY) return true
  const windowBytes = readsThroughWindows(run) ? WINDOW_SLICES * pool.bufferBytes : Number.POSITIVE_INFINITY
  const bytes = limits.shape === 'held' ? plan.partSizeBytes : Math.min(spanBytes, windowBytes)
  if (budget.leavesFree(FREE_OF_UNSENT_SHARE, bytes)) return true
  for (const { hasRequest, isHeldUp, isAhead, stream } of board.all) {
    const isBegun = !isAhead && (stream.shape === 'held' || stream.nextSpanByte > stream.startByte)
    if (hasRequest || isHeldUp || isBegun) return false
  }
  return true
}

/**
 * How far ahead of its upload lane a streamed part is read, so that all lanes have work between the parts that are open. Through
 * windows the next span is asked for while the last slices of the one before are on their way.
 */
export function aheadBytesNow(run: TransferRun, spanBytes: number): number {
  if (readsThroughWindows(run)) return (WINDOW_SLICES - 1) * run.pool.bufferBytes
  // One span more than this is asked for at most, because the last one begins below the mark.
  return spanBytes * Math.max(2, Math.ceil(run.origin.lanes / partsToFeed(run)))
}
