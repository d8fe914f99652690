/** `[startByte, endByte)`. */
export interface ByteRange {
  readonly startByte: number
  readonly endByte: number
}

/** `ignore`: answer as if there were no Range. `refuse`: 416. `ranges`: at least one, in the order in which they were asked for. */
export type RangesVerdict =
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[]; readonly isOpen: boolean }

/** Ranges in one request, as written; more is no reader but an attack (RFC 9110 section 17.15), and refused. */
const MAX_WRITTEN = 64
/** Ranges in one answer. */
const MAX_ANSWERED = 16
/** Two ranges with less between them are sent as one: that costs less than the head of a part. */
const WORTH_A_PART_BYTES = 128

const IGNORE = { kind: 'ignore' } as const
const REFUSE = { kind: 'refuse' } as const
const SINGLE = /^bytes=(\d{1,15})-(\d{0,15})$/

/**
 * Judges a Range header for a file of that size (RFC 9110 section 14.2). Another unit, or what is no range at all, is ignored. A set
 * without one satisfiable range, an inverted range, `-0`, an empty set, and too many ranges are refused. Overlapping and close ranges
 * are sent as one.
 */
export function parseRanges(header: string, sizeBytes: number): RangesVerdict {
  const single = SINGLE.exec(header)
  if (single) {
    const startByte = Number(single[1])
    const isOpen = single[2] === ''
    const lastByte = isOpen ? Number.POSITIVE_INFINITY : Number(single[2])
    if (lastByte < startByte || startByte >= sizeBytes) return REFUSE
    return { kind: 'ranges', ranges: [{ startByte, endByte: Math.min(lastByte + 1, sizeBytes) }], isOpen }
  }
  return parseSet(header, sizeBytes)
}

function parseSet(header: string, sizeBytes: number): RangesVerdict {
  const unit = /^\s*bytes\s*=/i.exec(header)
  if (!unit) return IGNORE
  const written = header
    .slice(unit[0].length)
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
  if (written.length > MAX_WRITTEN) return REFUSE
  const ranges: ByteRange[] = []
  let isOpen = false
  for (const text of written) {
    const match = /^(\d*)-(\d*)$/.exec(text)
    if (!match || text === '-') return IGNORE
    const [first, last] = [match[1] ?? '', match[2] ?? '']
    if (first === '') {
      const suffixBytes = Number(last)
      // A suffix of an empty file is satisfiable and holds nothing: the whole, empty file says that best.
      if (sizeBytes === 0 && suffixBytes > 0) return IGNORE
      if (suffixBytes > 0) ranges.push({ startByte: Math.max(0, sizeBytes - suffixBytes), endByte: sizeBytes })
      continue
    }
    const startByte = Number(first)
    const lastByte = last === '' ? Number.POSITIVE_INFINITY : Number(last)
    if (lastByte < startByte) return REFUSE
    if (startByte >= sizeBytes) continue
    isOpen ||= last === ''
    ranges.push({ startByte, endByte: Math.min(lastByte + 1, sizeBytes) })
  }
  const merged = mergeClose(ranges)
  if (merged.length === 0 || merged.length > MAX_ANSWERED) return REFUSE
  return { kind: 'ranges', ranges: merged, isOpen }
}

/** Each byte once, in the order in which the ranges were first asked for. */
function mergeClose(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = ranges
    .map((range, order) => ({ ...range, order }))
    .sort((a, b) => a.startByte - b.startByte || a.endByte - b.endByte)
  const merged: { startByte: number; endByte: number; order: number }[] = []
  for (const range of sorted) {
    const last = merged.at(-1)
    if (last && range.startByte <= last.endByte + WORTH_A_PART_BYTES) {
      last.endByte = Math.max(last.endByte, range.endByte)
      last.order = Math.min(last.order, range.order)
    } else merged.push({ ...range })
  }
  return merged.sort((a, b) => a.order - b.order).map(({ startByte, endByte }) => ({ startByte, endByte }))
}
