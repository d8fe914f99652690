import { MIB } from '../../server/domain/bytes.ts'

/**
 * A file of no more than this goes in one request whatever its source: that is what a single request to a source has at least anyhow
 * (spanBytesFor), so reading it through one connection costs no speed.
 */
export const SMALL_BYTES = 2 * MIB
/** What a plan, an upload of parts and its completion take beside the bytes: a larger file goes in one request where that costs no more. */
const UPLOAD_SECONDS = 0.4
/** However few lanes there are for it: what is on its way as one shows no progress, and begins anew after a pause. */
const MOST_SECONDS = 1
/** Two parts of the usual size: with more than that a second upload lane is of use. */
export const MOST_BYTES = 16 * MIB
/** Of the memory budget: all of the file is held. */
const MOST_OF_BUDGET = 1 / 8

/** What decides how much a first request asks for, and so how large a file may be that is moved by it alone. */
export interface OneRequest {
  /** Usual rate of one connection to its host; 0 where nobody knows. */
  readonly laneBytesPerSecond: number
  /** Connections that it could have instead. */
  readonly freeLanes: number
  /** The lowest limit that holds for it; null for none. */
  readonly limitBytesPerSecond: number | null
  readonly budgetBytes: number
  readonly bufferBytes: number
  /** What the user wants parts to have; null for what Sluice finds right. */
  readonly wantedPartSizeBytes: number | null
  /** Others read the same file, and would share what is read of it in slices; or those before it were small, and many are under way. */
  readonly isKeptShort: boolean
}

/** Whole slices, at least SMALL_BYTES: a file of no more than this goes in one request on each side. */
export function oneRequestBytes(request: OneRequest): number {
  const { laneBytesPerSecond, freeLanes, limitBytesPerSecond, budgetBytes, bufferBytes } = request
  if (request.isKeptShort) return SMALL_BYTES
  const rate = Math.min(laneBytesPerSecond, limitBytesPerSecond ?? Number.POSITIVE_INFINITY)
  const seconds = freeLanes > 1 ? Math.min(MOST_SECONDS, UPLOAD_SECONDS / (1 - 1 / freeLanes)) : MOST_SECONDS
  const wanted = request.wantedPartSizeBytes ?? Number.POSITIVE_INFINITY
  const most = Math.min(MOST_BYTES, rate * seconds, budgetBytes * MOST_OF_BUDGET, wanted)
  return Math.max(SMALL_BYTES, Math.floor(most / bufferBytes) * bufferBytes)
}
