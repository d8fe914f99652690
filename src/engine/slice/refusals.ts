import { TransferError } from '../../server/domain/failure.ts'
import type { SlicedFile } from './sliced-file.ts'

/** A file of which a slice came within this time is one that we may read. */
const READ_WELL_MS = 60_000

/**
 * A 403 to one request for a file of which other slices came only just: too many connections, or a link behind a redirect that has
 * expired. Both may pass. With nothing read before, it is the origin's answer, and is passed on.
 */
export function isPassingRefusal(error: unknown, file: SlicedFile): boolean {
  if (!(error instanceof TransferError) || error.code !== 'source_forbidden') return false
  return performance.now() - file.come.latestMs < READ_WELL_MS
}

/** The source does not do ranges after all; it can be read as one stream. */
export function isRangeRefusal({ code }: TransferError): boolean {
  return code === 'source_range_refused' || code === 'source_encoded'
}
