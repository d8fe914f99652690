import type { S3Request } from './request.ts'
import { S3Error } from './s3-error.ts'

/** What conditions are judged by. */
export interface Validators {
  readonly etag: string
  readonly modifiedMs: number
}

type Header = (name: string) => string | undefined

/**
 * Judges If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since of a GET or HEAD in the order of RFC 9110 section
 * 13.2.2. Throws PreconditionFailed (412) or NotModified (304, with `headers` on it).
 */
export function checkReadConditions(header: Header, object: Validators, headers: Record<string, string>): void {
  const ifMatch = header('if-match')
  const ifNoneMatch = header('if-none-match')
  if (ifMatch !== undefined) {
    if (!etagMatches(ifMatch, object.etag)) throw preconditionFailed('If-Match')
  } else if (isAfter(object.modifiedMs, header('if-unmodified-since'))) throw preconditionFailed('If-Unmodified-Since')
  const notModified =
    ifNoneMatch !== undefined
      ? etagMatches(ifNoneMatch, object.etag)
      : isAfter(object.modifiedMs, header('if-modified-since')) === false
  if (notModified) throw new S3Error('NotModified', 'Not modified', { headers })
}

/** Judges x-amz-copy-source-if-… of a copy. Throws PreconditionFailed, the only refusal a copy knows. */
export function checkCopyConditions(request: S3Request, source: Validators): void {
  const header = (name: string) => request.header(`x-amz-copy-source-${name}`)
  try {
    checkReadConditions(header, source, {})
  } catch (error) {
    if (error instanceof S3Error && error.code === 'NotModified')
      throw preconditionFailed('x-amz-copy-source-If-None-Match')
    throw error
  }
}

/**
 * Judges If-None-Match: * and If-Match of a write by what is at the key now. Ask before the body for an early answer, and again in
 * the same turn as the write. Throws PreconditionFailed, NoSuchKey (If-Match without an object), NotImplemented.
 */
export function checkWriteConditions(request: S3Request, existing: Validators | null): void {
  const ifNoneMatch = request.header('if-none-match')
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw new S3Error('NotImplemented', 'A write takes If-None-Match with the value * only.')
    if (existing) throw preconditionFailed('If-None-Match')
  }
  const ifMatch = request.header('if-match')
  if (ifMatch === undefined) return
  if (!existing) throw new S3Error('NoSuchKey', 'The specified key does not exist.')
  if (!etagMatches(ifMatch, existing.etag)) throw preconditionFailed('If-Match')
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    details: { Condition: condition },
  })
}

function etagMatches(list: string, etag: string): boolean {
  return list.split(',').some((entry) => {
    const tag = entry.trim()
    return tag === '*' || tag.replace(/^"(.*)"$/, '$1') === etag
  })
}

/** Whether the time lies behind the date of a header; undefined where the header is missing or no date (RFC 9110: ignored). */
function isAfter(modifiedMs: number, date: string | undefined): boolean | undefined {
  const dateMs = Date.parse(date ?? '')
  if (Number.isNaN(dateMs)) return undefined
  // HTTP dates have whole seconds; the part below a second must not make an object newer than its own Last-Modified.
  return Math.floor(modifiedMs / 1000) * 1000 > dateMs
}
