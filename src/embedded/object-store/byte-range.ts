import { S3Error } from './s3-error.ts'

/** Bytes [start, end) of an object. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The range a Range header asks of `sizeBytes` bytes: `bytes=a-b`, `bytes=a-`, `bytes=-n`. Null where the whole is to be sent: no
 * header, another unit, several ranges, or no valid syntax (RFC 9110 section 14.2). Throws InvalidRange (416).
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '')
  if (!match) return null
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return null
  if (first === '') {
    const suffix = Number(last)
    if (suffix === 0 || sizeBytes === 0) throw invalidRange(header ?? '', sizeBytes)
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return null
  if (start >= sizeBytes) throw invalidRange(header ?? '', sizeBytes)
  return { start, end: last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) }
}

/** The range of x-amz-copy-source-range, which has to be `bytes=a-b` inside the source. Throws InvalidArgument. */
export function parseCopyRange(header: string, sizeBytes: number): ByteRange {
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header)
  const start = Number(match?.[1])
  const end = Number(match?.[2]) + 1
  if (!match || start >= end || end > sizeBytes)
    throw new S3Error(
      'InvalidArgument',
      `The x-amz-copy-source-range value must be of the form bytes=first-last, inside the source of ${sizeBytes} bytes.`,
    )
  return { start, end }
}

/** The Content-Range of a 206. */
export function contentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${sizeBytes}`
}

function invalidRange(header: string, sizeBytes: number): S3Error {
  return new S3Error('InvalidRange', 'The requested range is not satisfiable', {
    details: { RangeRequested: header.slice(0, 100), ActualObjectSize: sizeBytes },
    headers: { 'content-range': `bytes */${sizeBytes}` },
  })
}
