/** Bytes a span has at least, where so many adjacent ones are missing: below that a request costs more than it carries. */
export const LEAST_SPAN_BYTES = 4 * 1024 * 1024
/** A request is worth its wait when it reads for this many times the wait (measured: ten for transfers, less for readers). */
const WORTH_THE_WAIT = 2

export interface SpanSituation {
  readonly sliceSizeBytes: number
  /** Requests for this file under way. */
  readonly activeSpans: number
  /** Requests for one file at once; 1 where slices are not fetched in parallel. */
  readonly maxSpans: number
  /** Slices of one request at most. */
  readonly maxSlices: number
  /** What is known of the origin; 0 where nothing is. */
  readonly firstByteMs: number
  readonly laneBytesPerSecond: number
}

/**
 * How many of `adjacent` missing slices go into the next request: all of them where they are few (C1), else a share for each request
 * that may run beside it, longer where answers begin late (C8).
 */
export function spanLength(adjacent: number, situation: SpanSituation): number {
  const { sliceSizeBytes, activeSpans, maxSpans, maxSlices, firstByteMs, laneBytesPerSecond } = situation
  const worthBytes = (firstByteMs / 1000) * laneBytesPerSecond * WORTH_THE_WAIT
  const leastSlices = Math.ceil(Math.max(LEAST_SPAN_BYTES, worthBytes) / sliceSizeBytes)
  const share = Math.ceil(adjacent / Math.max(1, maxSpans - activeSpans))
  return Math.max(1, Math.min(adjacent, maxSlices, Math.max(leastSlices, share)))
}

/** How far a reader reads. */
export interface ReadPattern {
  /** Slices it still needs, the current one included. */
  readonly slicesLeft: number
  /** Slices it has taken one after the other. */
  readonly slicesTaken: number
  /** It named the end, or asked for a small file: it will most likely read to it. */
  readonly isBounded: boolean
  /** SLUICE_PREFETCH_SLICES. */
  readonly prefetchSlices: number
  readonly sliceSizeBytes: number
}

/** What one reader may have asked for ahead, whatever its pattern. */
const MAX_AHEAD_BYTES = 32 * 1024 * 1024
/** So far ahead at once where the end was named. */
const BOUNDED_AHEAD_BYTES = 16 * 1024 * 1024

/**
 * How many slices ahead of the current one are fetched (B7, C8). An open end begins with the setting, because players open huge ranges
 * and drop them; it doubles as the reader goes on. 0 switches prefetching off.
 */
export function slicesAhead(pattern: ReadPattern): number {
  const { slicesLeft, slicesTaken, isBounded, prefetchSlices, sliceSizeBytes } = pattern
  if (prefetchSlices === 0) return 0
  const doublings = Math.min(10, Math.floor(slicesTaken / (prefetchSlices + 1)))
  const grown = prefetchSlices * 2 ** doublings
  const atOnce = isBounded ? Math.max(grown, Math.floor(BOUNDED_AHEAD_BYTES / sliceSizeBytes) - 1) : grown
  return Math.max(0, Math.min(slicesLeft - 1, atOnce, Math.floor(MAX_AHEAD_BYTES / sliceSizeBytes)))
}
