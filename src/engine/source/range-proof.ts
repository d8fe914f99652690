import { headerOf, type ResponseHead } from './http-transport.ts'

/** A Content-Range: `[startByte, endByte)` of `totalBytes`, each null where it was left out. */
export interface ContentRange {
  readonly startByte: number | null
  readonly endByte: number | null
  readonly totalBytes: number | null
}

/**
 * Reads Content-Range (RFC 9110 section 14.4). Null where it is missing or malformed, or its range is beyond exact numbers. A total
 * beyond them is a rounded number: far more than S3 holds, and refused for that.
 */
export function parseContentRange(value: string | null): ContentRange | null {
  if (value === null) return null
  const unsatisfied = /^bytes\s+\*\/(\d{1,16})$/i.exec(value.trim())
  if (unsatisfied) return { startByte: null, endByte: null, totalBytes: Number(unsatisfied[1]) }
  const match = /^bytes\s+(\d{1,16})-(\d{1,16})\/(\d{1,40}|\*)$/i.exec(value.trim())
  if (!match) return null
  const startByte = Number(match[1])
  const endByte = Number(match[2]) + 1
  const totalBytes = match[3] === '*' ? null : Number(match[3])
  if (!Number.isSafeInteger(endByte) || endByte <= startByte) return null
  if (totalBytes !== null && totalBytes < endByte) return null
  return { startByte, endByte, totalBytes }
}

/** Content-Length as a number; null where it is missing or no exact number. */
export function parseContentLength(head: ResponseHead): number | null {
  const value = headerOf(head, 'content-length')
  if (value === null || !/^\d{1,16}$/.test(value.trim())) return null
  const bytes = Number(value)
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** The coding of the body, or null for none. `identity` and an empty header say none. */
export function contentEncodingOf(head: ResponseHead): string | null {
  const value = headerOf(head, 'content-encoding')?.trim().toLowerCase() ?? ''
  return value === '' || value === 'identity' ? null : value
}

/**
 * What an answer to a ranged GET is, before a byte of it is stored. `range`: exactly the bytes asked for, of `totalBytes`
 * (null for `*`). `whole`: the Range was ignored. `other`: it cannot be trusted as a range, for the reason given.
 */
export type RangeVerdict =
  | { readonly kind: 'range'; readonly totalBytes: number | null }
  | { readonly kind: 'encoded'; readonly encoding: string }
  | { readonly kind: 'whole' }
  | { readonly kind: 'other'; readonly reason: string }

/**
 * Judges a 200 or 206 by Content-Range and length, not by status alone (correctness.md cases 1, 4, 5, 6, 18). A clamped end is
 * a range of its own only at the end of the file; callers ask within the file, so here it is another range.
 */
export function judgeRange(head: ResponseHead, startByte: number, endByte: number): RangeVerdict {
  const encoding = contentEncodingOf(head)
  if (encoding) return { kind: 'encoded', encoding }
  const text = headerOf(head, 'content-range')
  if (head.statusCode === 200 && text === null) return { kind: 'whole' }
  const range = parseContentRange(text)
  if (!range || range.startByte === null) {
    const shown = text === null ? 'no Content-Range' : `the malformed Content-Range "${text.slice(0, 80)}"`
    return head.statusCode === 200 ? { kind: 'whole' } : { kind: 'other', reason: `${head.statusCode} with ${shown}` }
  }
  if (range.startByte !== startByte || range.endByte !== endByte)
    return {
      kind: 'other',
      reason: `bytes ${range.startByte}-${(range.endByte ?? 0) - 1} instead of ${startByte}-${endByte - 1}`,
    }
  const lengthBytes = parseContentLength(head)
  if (lengthBytes !== null && lengthBytes !== endByte - startByte)
    return { kind: 'other', reason: `a Content-Length of ${lengthBytes} for ${endByte - startByte} bytes` }
  // Without a length nothing shows that a 200 holds only the slice.
  if (head.statusCode === 200 && lengthBytes === null) return { kind: 'whole' }
  return { kind: 'range', totalBytes: range.totalBytes }
}
