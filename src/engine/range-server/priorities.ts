import { RANKS, type Rank } from '../slice/fetch-queue.ts'

const SHORT_BYTES = 1_000_000
const MEDIUM_BYTES = 10_000_000

/** How urgent a read is (B9): any range and what is under 1 MB is short, under 10 MB medium, the rest bulk. */
export function rankOf(read: { readonly isRange: boolean; readonly bytes: number }): Rank {
  if (read.isRange || read.bytes < SHORT_BYTES) return RANKS.short
  return read.bytes < MEDIUM_BYTES ? RANKS.medium : RANKS.bulk
}
