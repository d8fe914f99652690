import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseQuery, type QueryParameter, type SignedRequest, uriDecode } from './canonical-request.ts'
import { S3Error } from './s3-error.ts'

/** Longest key, in UTF-8 bytes (S3). */
const MAX_KEY_BYTES = 1024
/** Longest user metadata, names and values together (S3). */
const MAX_METADATA_BYTES = 2048

/** A request for a handler: which bucket and key, with its query and headers easy to ask. Duplicates have been refused or joined. */
export interface S3Request extends SignedRequest {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  /** '' for the store itself. */
  readonly bucket: string
  /** '' for a bucket. */
  readonly key: string
  /** x-amz headers that a presigned address carries in its query, lower-case names. They are signed with it. */
  readonly hoisted: ReadonlyMap<string, string>
  /** Tells a client that waits (Expect: 100-continue) to send the body. Does nothing the second time. */
  readonly wantBody: () => void
  /** A header by its lower-case name, several joined by commas; or what a presigned address carries in its place. */
  header(name: string): string | undefined
  /** The first value of a query parameter, undefined where it is not there. */
  param(name: string): string | undefined
}

/** Reads the address and the headers of a request. Throws InvalidURI, KeyTooLongError. */
export function readRequest(message: IncomingMessage, response: ServerResponse, wantBody: () => void): S3Request {
  // Some clients send the absolute form (RFC 9112 section 3.2.2); its authority is not our business, SigV4 signs Host.
  const target = (message.url ?? '/').replace(/^https?:\/\/[^/?#]*/i, '')
  const questionMark = target.indexOf('?')
  const rawPath = questionMark === -1 ? target : target.slice(0, questionMark)
  if (!rawPath.startsWith('/'))
    throw new S3Error('InvalidURI', 'The address of the request does not begin with a slash.')
  const query = parseQuery(questionMark === -1 ? '' : target.slice(questionMark + 1))
  const headers = new Map<string, string[]>()
  for (let index = 0; index + 1 < message.rawHeaders.length; index += 2) {
    const name = (message.rawHeaders[index] ?? '').toLowerCase()
    const values = headers.get(name)
    const value = message.rawHeaders[index + 1] ?? ''
    if (values) values.push(value)
    else headers.set(name, [value])
  }
  const { bucket, key } = splitPath(rawPath)
  const hoisted = hoistedHeaders(query)
  let waiting = true
  return {
    message,
    response,
    method: message.method ?? 'GET',
    rawPath,
    query,
    headers,
    bucket,
    key,
    wantBody: () => {
      if (waiting) wantBody()
      waiting = false
    },
    hoisted,
    header: (name) => headers.get(name)?.join(',').trim() ?? hoisted.get(name),
    param: (name) => query.find((parameter) => parameter.name === name)?.value,
  }
}

/** Parameters that belong to the signature of a presigned address; all other x-amz ones stand for headers. */
const SIGNATURE_PARAMETERS =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)$/

function hoistedHeaders(query: readonly QueryParameter[]): Map<string, string> {
  const hoisted = new Map<string, string>()
  if (!query.some(({ name }) => name === 'X-Amz-Signature')) return hoisted
  for (const { name, value } of query) {
    const header = name.toLowerCase()
    if (header.startsWith('x-amz-') && !SIGNATURE_PARAMETERS.test(header))
      // As a header travels: its UTF-8 bytes, one character each.
      hoisted.set(header, Buffer.from(value).toString('latin1'))
  }
  return hoisted
}

/** Bucket and key of a path, or of an x-amz-copy-source. The key is decoded once and otherwise left as it is. */
export function splitPath(rawPath: string): { bucket: string; key: string } {
  const path = uriDecode(rawPath.replace(/^\//, ''))
  const slash = path.indexOf('/')
  const bucket = slash === -1 ? path : path.slice(0, slash)
  const key = slash === -1 ? '' : path.slice(slash + 1)
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new S3Error(
      'KeyTooLongError',
      `Your key is too long: ${Buffer.byteLength(key)} bytes, at most ${MAX_KEY_BYTES}.`,
    )
  return { bucket, key }
}

/** The user's metadata (x-amz-meta-…), names without prefix. Throws MetadataTooLarge. */
export function readMetadata(request: S3Request): Record<string, string> {
  const metadata: Record<string, string> = {}
  let bytes = 0
  for (const name of new Set([...request.headers.keys(), ...request.hoisted.keys()])) {
    if (!name.startsWith('x-amz-meta-')) continue
    const key = name.slice('x-amz-meta-'.length)
    const value = request.header(name) ?? ''
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a value from a query could end the header it is served in
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value) || !/^[\w!#$%&'*+.^`|~-]+$/.test(key))
      throw new S3Error('InvalidArgument', 'User metadata has a name or value that no header can have.')
    metadata[key] = value
    bytes += key.length + value.length
  }
  if (bytes > MAX_METADATA_BYTES)
    throw new S3Error('MetadataTooLarge', `User metadata may have ${MAX_METADATA_BYTES} bytes; this has ${bytes}.`)
  return metadata
}

/** The headers that are kept with an object and served with it. aws-chunked is how the body travelled, not what it is. */
export function readStoredHeaders(request: S3Request): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires']) {
    const value = request.header(name)
    if (value) kept[name] = value
  }
  const encodings = (request.header('content-encoding') ?? '')
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding.toLowerCase() !== 'aws-chunked')
  if (encodings.length > 0) kept['content-encoding'] = encodings.join(',')
  return kept
}

/** Refuses what this store would have to pretend: encryption, tags, locks and other classes of storage. */
export function refuseUnsupportedHeaders(request: S3Request): void {
  for (const name of [...request.headers.keys(), ...request.hoisted.keys()])
    if (
      name.startsWith('x-amz-server-side-encryption') ||
      name.startsWith('x-amz-object-lock') ||
      name === 'x-amz-tagging' ||
      name === 'x-amz-website-redirect-location' ||
      name === 'x-amz-write-offset-bytes'
    )
      throw new S3Error('NotImplemented', `The embedded object store does not have what the header ${name} asks for.`)
  const acl = request.header('x-amz-acl')
  const grants = [...request.headers.keys(), ...request.hoisted.keys()].some((name) => name.startsWith('x-amz-grant-'))
  if (grants || (acl !== undefined && !/^(private|bucket-owner-(full-control|read))$/.test(acl)))
    throw new S3Error(
      'AccessControlListNotSupported',
      'The bucket does not allow ACLs: only the keys of this store open it.',
    )
  const storageClass = request.header('x-amz-storage-class')
  if (storageClass !== undefined && storageClass !== 'STANDARD')
    throw new S3Error('InvalidStorageClass', 'The embedded object store has one storage class, STANDARD.')
}
