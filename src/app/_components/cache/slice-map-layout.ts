import type { CacheObject, SliceRuns } from '../../../server/domain/cache.ts'

/** Narrower than this share of the map a run could not be seen. */
const NARROWEST = 0.006

export interface MapSpan {
  /** Shares of the map. */
  left: number
  width: number
}

/** How many slices an object has in all; where its size is not known, as far as its cached ones go. */
export function slicesTotal(object: Pick<CacheObject, 'sizeBytes' | 'sliceSizeBytes' | 'memory' | 'disk'>): number {
  if (object.sizeBytes !== null) return Math.ceil(object.sizeBytes / object.sliceSizeBytes)
  return Math.max(0, ...[...object.memory, ...object.disk].map(([, afterLast]) => afterLast))
}

/** Where runs of slices lie on a map of all of them. Runs too narrow to be seen are widened, and never leave the map. */
export function mapSpans(runs: SliceRuns, total: number): MapSpan[] {
  if (total === 0) return []
  return runs.map(([first, afterLast]) => {
    const width = Math.min(1, Math.max(NARROWEST, (afterLast - first) / total))
    return { left: Math.min(first / total, 1 - width), width }
  })
}

/** How many slices the runs are. */
export function countRuns(runs: SliceRuns): number {
  return runs.reduce((total, [first, afterLast]) => total + afterLast - first, 0)
}
