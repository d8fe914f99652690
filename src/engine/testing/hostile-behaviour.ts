import type { IncomingHttpHeaders } from 'node:http'

/** A request as the hostile source saw it; `bytesSent` and `isOpen` go on changing while it is answered. */
export interface HostileRequest {
  /** Counts the requests of its path, from 0. */
  readonly index: number
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** `1.1` or `2.0`. */
  readonly httpVersion: string
  /** `[startByte, endByte)` as asked; endByte is Infinity for an open end. Null without Range. */
  readonly range: { readonly startByte: number; readonly endByte: number } | null
  /** Which connection it came over, from 0. */
  readonly connection: number
  status: number
  bytesSent: number
  isOpen: boolean
}

/** How one request is answered. Everything has an honest default: the pattern's bytes, an ETag, right ranges. */
export interface HostileAnswer {
  /** Bytes of the file; its content is byte-pattern's. Default 1 MiB. */
  readonly sizeBytes?: number
  readonly seed?: number
  /** Null: no such header. Default `"v1"`. */
  readonly etag?: string | null
  readonly lastModified?: string | null
  /** Sent as they are, over everything else. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * What happens to a Range. `right`; `ignored`: 200 and all of it; `slice-as-200`: 200 with a right Content-Range (case 4);
   * `wrong-start`: 206 from the 1 KiB block's start (case 5); `too-much`: 206 with a longer range than asked; `malformed`: `bytes=0-99/100`;
   * `missing-total`; `star-total`; `no-content-range`: 206 without one; `wrong-total`: one byte more; `refused`: 416.
   */
  readonly ranges?:
    | 'right'
    | 'ignored'
    | 'slice-as-200'
    | 'wrong-start'
    | 'too-much'
    | 'malformed'
    | 'missing-total'
    | 'star-total'
    | 'no-content-range'
    | 'wrong-total'
    | 'refused'
  /** `declared`: Content-Length; `chunked`: chunks; `close`: neither, the end of the connection is the end. */
  readonly length?: 'declared' | 'chunked' | 'close'
  /** After this many body bytes: `end` closes cleanly, `reset` sends RST, `stall` sends nothing more and keeps the connection. */
  readonly breakAfterBytes?: number
  readonly breakBy?: 'end' | 'reset' | 'stall'
  /** Body bytes sent beyond the range (with `length: 'chunked'` or `'close'`; after a declared length they would be a second answer). */
  readonly extraBytes?: number
  /** Rate of the connection, not of the request, as real limiters do it. A function is asked again every 64 KiB, or every quarter of a second; null: no limit. */
  readonly bytesPerSecond?: number | (() => number | null)
  readonly contentEncoding?: string
  /** Waits before the head; `never` keeps the request unanswered. */
  readonly headDelayMs?: number | 'never'
  /** Waits for this before the head, so that a test decides when it is answered. */
  readonly after?: Promise<unknown>
  /** Adds this many bytes of headers. */
  readonly headerBombBytes?: number
  /** Another status than the file's, with a small text body and `headers`. */
  readonly status?: number
  readonly body?: string
  /** Refuses when more requests than this are being answered at once on this path. */
  readonly maxConcurrent?: number
  /** How it refuses them: with this status, 429 by default, or by a clean end after so many bytes of the body. */
  readonly surplus?: { readonly status: number } | { readonly endAfterBytes: number }
  /** Answers HEAD with this status (case 8); GET is not affected. */
  readonly headStatus?: number
  /** Writes these bytes to the socket instead of an answer and closes it. */
  readonly raw?: string
}

export type HostileBehaviour = HostileAnswer | ((request: HostileRequest) => HostileAnswer)

/** 302 to a location, given raw: relative, with spaces, to another scheme, whatever a test needs. */
export function redirectTo(location: string, status = 302): HostileAnswer {
  return { status, headers: { location }, body: '' }
}

/** The first requests are answered one way, all later ones another. */
export function firstly(count: number, first: HostileAnswer, then: HostileAnswer): HostileBehaviour {
  return ({ index }) => (index < count ? first : then)
}

/** A URL that works once (case 9). */
export function once(answer: HostileAnswer): HostileBehaviour {
  return firstly(1, answer, { status: 410, body: 'used' })
}

/** A page to sign in, as portals send it instead of the file. */
export const LOGIN_PAGE: HostileAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><title>Sign in</title><form action="/session"><input name="user"></form>',
}
