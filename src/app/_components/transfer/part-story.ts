import { formatBytes, formatRate } from '../../../server/domain/bytes.ts'
import type { PartView } from '../../../server/domain/transfer.ts'
import { formatDuration } from '../ui/format-duration.ts'

/** What is known of a part, whether it is finished or not. */
export interface PartFacts {
  number: number
  partsTotal: number
  partSizeBytes: number | null
  sizeBytes: number | null
  part: PartView | undefined
  moving: boolean
  engineName: string | null
}

const count = (value: number) => value.toLocaleString('en-US')

/** The part's story in short pieces: which one, its bytes, and what became of it. The range is [start, end). */
export function partStory(facts: PartFacts): string[] {
  const { number, part, partSizeBytes, sizeBytes } = facts
  const pieces = [`Part ${count(number)} of ${count(facts.partsTotal)}`]
  if (partSizeBytes !== null) {
    const start = (number - 1) * partSizeBytes
    const end = part ? start + part.sizeBytes : Math.min(start + partSizeBytes, sizeBytes ?? Number.POSITIVE_INFINITY)
    if (end > start) pieces.push(`bytes ${count(start)} to ${count(end - 1)}`)
    if (!part && end > start) pieces.push(formatBytes(end - start))
  }
  if (!part) return [...pieces, facts.moving ? 'moving now' : 'waiting']
  const seconds = (part.finishedAt.getTime() - part.startedAt.getTime()) / 1000
  pieces.push(`${formatBytes(part.sizeBytes)} in ${formatDuration(seconds)}`)
  if (seconds > 0) pieces.push(formatRate(part.sizeBytes / seconds))
  pieces.push(part.retries === 0 ? 'no retry' : part.retries === 1 ? '1 retry' : `${count(part.retries)} retries`)
  if (facts.engineName) pieces.push(`by ${facts.engineName}`)
  return pieces
}
