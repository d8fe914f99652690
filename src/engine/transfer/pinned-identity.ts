import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { isStrongEtag } from '../source/identity.ts'
import type { SourceIdentity } from '../source/source.ts'

type PinnedRow = Pick<TransferRow, 'sizeBytes' | 'etag' | 'lastModified' | 'acceptsRanges' | 'trustLengthAndDate'>

/** What every answer of this transfer's source is held against. Where the user trusts length and date, its ETag counts for nothing. */
export function pinnedIdentity(row: PinnedRow): SourceIdentity {
  return {
    sizeBytes: row.sizeBytes === null ? null : Number(row.sizeBytes),
    etag: row.trustLengthAndDate ? null : row.etag,
    lastModified: row.lastModified,
    acceptsRanges: row.acceptsRanges === true && row.sizeBytes !== null,
  }
}

/**
 * Whether a source is still the one that was pinned, by strong proof only: the same length and the same strong ETag, or without
 * one (or where it is not trusted) the same Last-Modified. Length alone is enough for who trusts it and has nothing else.
 */
export function isSameSource(row: PinnedRow, seen: SourceIdentity): boolean {
  if (row.sizeBytes === null || Number(row.sizeBytes) !== seen.sizeBytes) return false
  if (!row.trustLengthAndDate && isStrongEtag(row.etag)) return row.etag === seen.etag
  if (row.lastModified === null) return row.trustLengthAndDate && seen.lastModified === null
  return row.lastModified === seen.lastModified
}
