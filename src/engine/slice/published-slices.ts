import type { SourceTarget } from '../source/source.ts'
import type { SlicedFile } from './sliced-file.ts'

/** The files of published origins, for whoever reads one of them by itself: what readers have of it is of use there too. */
export interface PublishedSlices {
  /** Raised with every change of the origins: what `of` gave before may not hold any more. */
  readonly generation: number
  /** Those at the same URL (its fragment aside) that are read with the same headers. More than one origin may publish it. */
  of(target: SourceTarget): readonly PublishedFile[]
}

/** One file of a published origin. Which version of it is meant is for the caller to have proven. */
export interface PublishedFile {
  /** The name its slices have in the cache (slice-key.ts). */
  readonly objectId: string
  /** Its slices as readers share them, while somebody reads this very version; else null. */
  whileRead(version: string): SlicedFile | null
}
