import type { IncomingHttpHeaders } from 'node:http'
import { slicesAhead } from '../slice/span-plan.ts'

/** Which bytes a reader will want first, as far as its request shows before the file is known. `endByte` null: nobody knows. */
export interface WantedBytes {
  readonly startByte: number
  readonly endByte: number | null
  /** It named the end, or wants all of a file that may be small: it will most likely read on. */
  readonly isBounded: boolean
}

const WHOLE: WantedBytes = { startByte: 0, endByte: null, isBounded: true }
const SINGLE = /^bytes=(\d{1,15})-(\d{0,15})$/
const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const

/**
 * What a reader wants of a file nobody knows yet; null where that may be no bytes at all (HEAD, preconditions), or cannot be said without
 * its size (the last bytes, several ranges).
 */
export function wantedOf(method: 'GET' | 'HEAD', headers: IncomingHttpHeaders): WantedBytes | null {
  if (method === 'HEAD' || CONDITIONS.some((name) => headers[name] !== undefined)) return null
  if (headers.range === undefined) return WHOLE
  const match = SINGLE.exec(headers.range)
  if (!match) return null
  const startByte = Number(match[1])
  if (match[2] === '') return { startByte, endByte: null, isBounded: false }
  const endByte = Number(match[2]) + 1
  return endByte > startByte ? { startByte, endByte, isBounded: true } : null
}

/** The whole slices to ask for in the first request: what is wanted, as far ahead as any reader is read ahead for. */
export function firstSpan(
  wanted: WantedBytes,
  options: {
    readonly sliceSizeBytes: number
    readonly prefetchSlices: number
    readonly roomFor: (slices: number) => number
  },
): { readonly startByte: number; readonly endByte: number } {
  const { sliceSizeBytes, prefetchSlices } = options
  const firstIndex = Math.floor(wanted.startByte / sliceSizeBytes)
  const endIndex = wanted.endByte === null ? Number.POSITIVE_INFINITY : Math.ceil(wanted.endByte / sliceSizeBytes)
  const ahead = slicesAhead({
    slicesLeft: endIndex - firstIndex,
    slicesTaken: 0,
    isBounded: wanted.isBounded,
    prefetchSlices,
    sliceSizeBytes,
  })
  const slices = options.roomFor(1 + ahead)
  return { startByte: firstIndex * sliceSizeBytes, endByte: (firstIndex + slices) * sliceSizeBytes }
}
