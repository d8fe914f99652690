import type { IncomingHttpHeaders } from 'node:http'
import { isStrongEtag } from '../source/identity.ts'
import { type ByteRange, parseRanges } from './byte-ranges.ts'

/** What is known of the file an answer is about. */
export interface Selected {
  /** Null where the origin does not say; then it is sent whole. */
  readonly sizeBytes: number | null
  /** As the origin sent it, quotes and `W/` included. */
  readonly etag: string | null
  readonly lastModifiedMs: number | null
  /** When the origin made the answer that is stored. */
  readonly dateMs: number
}

/** What to answer. Bytes go out for 200 and 206 alone, and never for HEAD. */
export type AnswerPlan =
  | { readonly status: 200 }
  | {
      readonly status: 206
      readonly ranges: readonly ByteRange[]
      /** The reader left the end open. */
      readonly isOpen: boolean
    }
  | { readonly status: 304 | 412 }
  | { readonly status: 416; readonly sizeBytes: number }

const WHOLE = { status: 200 } as const

/**
 * What a request gets: preconditions in the order of RFC 9110 section 13.2.2, then Range (section 14.2), which counts for GET alone and
 * only where If-Range allows it.
 */
export function planAnswer(method: 'GET' | 'HEAD', headers: IncomingHttpHeaders, selected: Selected): AnswerPlan {
  const precondition = judgePreconditions(headers, selected)
  if (precondition !== null) return { status: precondition }
  const { range } = headers
  const { sizeBytes } = selected
  if (method !== 'GET' || range === undefined || sizeBytes === null) return WHOLE
  const ifRange = headers['if-range']
  if (ifRange !== undefined && !isSameStrongly(String(ifRange), selected)) return WHOLE
  const verdict = parseRanges(range, sizeBytes)
  if (verdict.kind === 'ignore') return WHOLE
  if (verdict.kind === 'refuse') return { status: 416, sizeBytes }
  return { status: 206, ranges: verdict.ranges, isOpen: verdict.isOpen }
}

function judgePreconditions(headers: IncomingHttpHeaders, selected: Selected): 304 | 412 | null {
  const { etag, lastModifiedMs, dateMs } = selected
  const ifMatch = headers['if-match']
  const unmodifiedSince = headers['if-unmodified-since']
  if (ifMatch !== undefined) {
    if (!namesTag(ifMatch, etag, isSameTagStrongly)) return 412
  } else if (unmodifiedSince !== undefined) {
    const sinceMs = parseHttpDate(unmodifiedSince)
    if (sinceMs !== null && lastModifiedMs !== null && lastModifiedMs > sinceMs) return 412
  }
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) return namesTag(ifNoneMatch, etag, isSameTagWeakly) ? 304 : null
  const modifiedSince = headers['if-modified-since']
  if (modifiedSince === undefined) return null
  const sinceMs = parseHttpDate(modifiedSince)
  // Without Last-Modified the time of the answer stands in for it (RFC 9111 section 4.3.2).
  return sinceMs !== null && (lastModifiedMs ?? dateMs) <= sinceMs ? 304 : null
}

/** `*`, or a list of entity tags with this one in it (RFC 9110 section 8.8.3). */
function namesTag(header: string, etag: string | null, isSame: (a: string, b: string) => boolean): boolean {
  if (header.trim() === '*') return true
  if (etag === null) return false
  // A comma may be part of a tag, so the list is read tag by tag.
  for (const [tag] of header.matchAll(/(?:W\/)?"[^"]*"/gi)) if (isSame(tag, etag)) return true
  return false
}

function isSameTagStrongly(a: string, b: string): boolean {
  return a === b && isStrongEtag(a)
}

function isSameTagWeakly(a: string, b: string): boolean {
  return a.replace(/^W\//i, '') === b.replace(/^W\//i, '')
}

/** Strong comparison (RFC 9110 section 13.1.5): a date counts where Last-Modified is surely older than the answer it came with. */
function isSameStrongly(ifRange: string, { etag, lastModifiedMs, dateMs }: Selected): boolean {
  const text = ifRange.trim()
  if (text.includes('"')) return etag !== null && isSameTagStrongly(text, etag)
  const givenMs = parseHttpDate(text)
  return givenMs !== null && lastModifiedMs !== null && givenMs === lastModifiedMs && dateMs - lastModifiedMs >= 1000
}

const HTTP_DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT|\w{6,9}, \d{2}-\w{3}-\d{2} \d{2}:\d{2}:\d{2} GMT|\w{3} \w{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/

/** A date in one of HTTP's three forms (RFC 9110 section 5.6.7) as milliseconds since 1970; null for anything else. */
export function parseHttpDate(text: string): number | null {
  const trimmed = text.trim()
  if (!HTTP_DATE.test(trimmed)) return null
  // The form of C's asctime names no zone and means GMT.
  const ms = Date.parse(trimmed.endsWith('GMT') ? trimmed : `${trimmed} GMT`)
  return Number.isNaN(ms) ? null : ms
}
