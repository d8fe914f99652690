import type { ServerResponse } from 'node:http'
import { type ByteRange, contentRange, parseRange } from './byte-range.ts'
import { checksumHeaders } from './checksum.ts'
import { checkReadConditions } from './conditions.ts'
import { readBlobs } from './read-blobs.ts'
import type { S3Request } from './request.ts'
import { S3Error } from './s3-error.ts'
import { requireBucket, type Store } from './store.ts'
import type { StoredObject } from './stored-object.ts'

/** Headers of an answer that a signed query may override (GetObject, response-…). */
const OVERRIDES = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
] as const

/** GetObject and HeadObject: whole, by Range or by partNumber, under the conditions of RFC 9110. */
export async function getObject(store: Store, request: S3Request): Promise<void> {
  const object = requireObject(store, request.bucket, request.key)
  const lastModified = new Date(object.modifiedMs).toUTCString()
  checkReadConditions((name) => request.header(name), object, {
    etag: `"${object.etag}"`,
    'last-modified': lastModified,
  })
  const part = requestedPart(request, object)
  const range = part ?? parseRange(request.header('range'), object.sizeBytes)
  const headers: Record<string, string | number> = {
    'accept-ranges': 'bytes',
    'last-modified': lastModified,
    etag: `"${object.etag}"`,
    'content-type': 'binary/octet-stream',
    ...object.headers,
    ...overrides(request),
    'content-length': range ? range.end - range.start : object.sizeBytes,
  }
  for (const [name, value] of Object.entries(object.metadata)) headers[`x-amz-meta-${name}`] = value
  if (request.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED')
    Object.assign(headers, answerChecksums(request, object, range))
  if (request.param('partNumber') !== undefined && object.partsCount !== null)
    headers['x-amz-mp-parts-count'] = object.partsCount
  // A part of an empty object has no Content-Range that could be written; S3 answers 200 for it.
  const partial = range !== null && range.end > range.start
  if (partial) headers['content-range'] = contentRange(range, object.sizeBytes)

  request.response.writeHead(partial ? 206 : 200, headers)
  if (request.method === 'HEAD') {
    request.response.end()
    return
  }
  await sendBytes(store, request.response, object, range ?? { start: 0, end: object.sizeBytes })
}

/** The object at a key. Throws NoSuchBucket, NoSuchKey. */
export function requireObject(store: Store, bucket: string, key: string): StoredObject {
  requireBucket(store, bucket)
  const object = store.catalog.object(bucket, key)
  if (!object) throw new S3Error('NoSuchKey', 'The specified key does not exist.', { details: { Key: key } })
  return object
}

/** The bytes of ?partNumber. An object that was put whole is its own first part. */
function requestedPart(request: S3Request, object: StoredObject): ByteRange | null {
  const text = request.param('partNumber')
  if (text === undefined) return null
  if (request.header('range') !== undefined)
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter')
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000)
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive')
  // Parts need not be numbered without gaps; on reading, the n-th part that the object has is part n of S3's answer.
  const parts = object.partsCount === null ? [] : partRanges(object)
  const range = object.partsCount === null && number === 1 ? { start: 0, end: object.sizeBytes } : parts[number - 1]
  if (!range) throw new S3Error('InvalidPartNumber', 'The requested partnumber is not satisfiable')
  return range
}

function partRanges(object: StoredObject): ByteRange[] {
  let start = 0
  return object.blobs.map((blob) => {
    const range = { start, end: start + blob.sizeBytes }
    start = range.end
    return range
  })
}

function overrides(request: S3Request): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of OVERRIDES) {
    const value = request.param(`response-${name}`)
    if (value === undefined) continue
    // biome-ignore lint/suspicious/noControlCharactersInRegex: line breaks and other controls would end the header early
    if (/[\u0000-\u001f\u007f]|[^\u0000-\u00ff]/.test(value))
      throw new S3Error('InvalidArgument', `response-${name} has characters that no header may have.`)
    found[name] = value
  }
  return found
}

/** Checksums speak of the bytes they come with: the object's with all of it, a part's with that part, none with a range. */
function answerChecksums(request: S3Request, object: StoredObject, range: ByteRange | null): Record<string, string> {
  const number = request.param('partNumber')
  if (number !== undefined && object.partsCount !== null)
    return checksumHeaders(object.blobs[Number(number) - 1]?.checksums ?? {})
  const whole = range === null || (range.start === 0 && range.end === object.sizeBytes)
  if (!whole || object.checksumType === null) return {}
  return { ...checksumHeaders(object.checksums), 'x-amz-checksum-type': object.checksumType }
}

async function sendBytes(
  store: Store,
  response: ServerResponse,
  object: StoredObject,
  range: ByteRange,
): Promise<void> {
  const release = store.blobs.pin(object.blobs.map((blob) => blob.id))
  try {
    await readBlobs(store.blobs, object.blobs, range, (piece) => writePiece(response, piece))
    response.end()
  } catch (error) {
    // Bytes are on their way already: only a cut connection tells the client that the rest is missing.
    response.destroy()
    if (!(error instanceof ClientGone)) throw error
  } finally {
    release()
  }
}

class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

/** Resolves when the piece has left for the kernel; rejects with ClientGone when the connection closes first. */
function writePiece(response: ServerResponse, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.destroyed) {
      reject(new ClientGone())
      return
    }
    const onClose = () => reject(new ClientGone())
    response.once('close', onClose)
    response.write(piece, (error) => {
      response.off('close', onClose)
      if (error) reject(new ClientGone())
      else resolve()
    })
  })
}
