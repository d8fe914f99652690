/** What a request asks of the store. */
export type StoreOperation =
  | 'UploadPart'
  | 'CreateMultipartUpload'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'ListMultipartUploads'
  | 'HeadObject'
  | 'GetObject'
  | 'PutObject'
  | 'DeleteObject'
  | 'other'

/** A request as the faulty store saw it; `status` is 0 until it was answered. */
export interface StoreRequest {
  readonly operation: StoreOperation
  readonly key: string
  readonly uploadId: string | null
  readonly partNumber: number | null
  /** `x-amz-checksum-type`, of a Create or Complete that names one. */
  readonly checksumType: string | null
  /** Its checksum follows the body. */
  readonly hasTrailer: boolean
  /** Counts the requests of this operation, from 0. */
  readonly index: number
  readonly atMs: number
  status: number
  isOpen: boolean
  /** What its connection has brought since it began: about as much as of its body. */
  readonly receivedBytes: number
}

/**
 * What happens to one request. `refuse`: answered without the store (`code` null: without a body). `lose-reply`: the store does it, and
 * the connection is reset in place of the answer. `error-in-200`: 200, white space, then an error, the store never asked.
 * `reset-upload`: the connection is reset after so many bytes of the body. `corrupt-upload`: one bit of the body is flipped.
 * `hold`: answered by the store after this promise. `hold-reply`: so many bytes of the answer come at once, the rest after this promise.
 * `without-checksums`: nothing of what the request says of checksums gets to the store, and
 * nothing of what the answer says gets back; signed anew with this key. `without-if-match`: the same of that one condition.
 */
export type StoreFault =
  | {
      readonly kind: 'refuse'
      readonly status: number
      readonly code: string | null
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'lose-reply' }
  | { readonly kind: 'error-in-200'; readonly code: string }
  | { readonly kind: 'reset-upload'; readonly afterBytes: number }
  | { readonly kind: 'corrupt-upload'; readonly atByte: number }
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  | { readonly kind: 'hold-reply'; readonly afterBytes: number; readonly until: Promise<unknown> }
  | { readonly kind: 'without-checksums'; readonly secretAccessKey: string }
  | { readonly kind: 'without-if-match'; readonly secretAccessKey: string }

/** Chooses the fault of each request; null: none. */
export type StoreBehaviour = (request: StoreRequest) => StoreFault | null

/** 503 SlowDown, as S3 says it. */
export const SLOW_DOWN: StoreFault = { kind: 'refuse', status: 503, code: 'SlowDown' }

/** Stores from before checksums of whole objects: they know those of parts alone. */
export const knowsNoFullObject: StoreBehaviour = ({ checksumType }) =>
  checksumType === 'FULL_OBJECT' ? { kind: 'refuse', status: 400, code: 'InvalidRequest' } : null

/** Stores older than checksums: they ignore headers that give one, right or wrong, and refuse bodies that have one behind them. */
export function knowsNoChecksums(secretAccessKey: string): StoreBehaviour {
  return ({ hasTrailer }) =>
    hasTrailer
      ? { kind: 'refuse', status: 501, code: 'NotImplemented' }
      : { kind: 'without-checksums', secretAccessKey }
}

/** Stores that know no If-Match for writes: they replace and remove whatever is there. */
export function knowsNoIfMatch(secretAccessKey: string): StoreBehaviour {
  return ({ operation }) =>
    operation === 'PutObject' || operation === 'DeleteObject' ? { kind: 'without-if-match', secretAccessKey } : null
}

/** Reads operation, key and parameters of a path-style request. */
export function describeRequest(
  method: string,
  target: string,
): Pick<StoreRequest, 'operation' | 'key' | 'uploadId' | 'partNumber'> {
  const url = new URL(target, 'http://store')
  const [, key = ''] = /^\/[^/]+\/?(.*)$/s.exec(url.pathname) ?? []
  const query = url.searchParams
  const partNumber = query.get('partNumber')
  return {
    operation: operationOf(method, key, query),
    key: decodeURIComponent(key),
    uploadId: query.get('uploadId'),
    partNumber: partNumber === null ? null : Number(partNumber),
  }
}

function operationOf(method: string, key: string, query: URLSearchParams): StoreOperation {
  const hasUpload = query.has('uploadId')
  if (method === 'POST' && query.has('uploads')) return 'CreateMultipartUpload'
  if (method === 'POST' && hasUpload) return 'CompleteMultipartUpload'
  if (method === 'GET' && query.has('uploads')) return 'ListMultipartUploads'
  if (key === '') return 'other'
  if (method === 'PUT') return hasUpload ? 'UploadPart' : 'PutObject'
  if (method === 'GET') return hasUpload ? 'ListParts' : 'GetObject'
  if (method === 'DELETE') return hasUpload ? 'AbortMultipartUpload' : 'DeleteObject'
  return method === 'HEAD' ? 'HeadObject' : 'other'
}
