import { uriEncode } from './canonical-request.ts'
import { listPage, type Page } from './list-page.ts'
import type { S3Request } from './request.ts'
import { respondXml } from './respond.ts'
import { S3Error } from './s3-error.ts'
import { requireBucket, type Store } from './store.ts'
import type { ListedObject } from './stored-object.ts'
import type { XmlElements } from './xml.ts'

const OWNER = { ID: 'sluice', DisplayName: 'sluice' }
const MAX_KEYS = 1000

/** GET on a bucket: ListObjectsV2 with list-type=2, else the first version of ListObjects. */
export async function listObjects(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  const listType = request.param('list-type')
  if (listType === '2') listV2(store, request)
  else if (listType === undefined || listType === '1') listV1(store, request)
  else throw new S3Error('InvalidArgument', 'list-type is 2, or left out for the first version.')
}

function listV2(store: Store, request: S3Request): void {
  const token = request.param('continuation-token')
  if (token === '') throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect')
  const startAfter = request.param('start-after')
  const after = token === undefined ? Buffer.from(startAfter ?? '') : readToken(token)
  const page = readPage(store, request, after, token !== undefined)
  const encode = nameEncoder(request)
  const withOwner = request.param('fetch-owner')?.toLowerCase() === 'true'
  respondXml(request, 'ListBucketResult', {
    ...commonElements(request, page, encode),
    KeyCount: page.items.length + page.commonPrefixes.length,
    ContinuationToken: token,
    NextContinuationToken: page.next ? writeToken(page.next) : undefined,
    StartAfter: startAfter === undefined ? undefined : encode(startAfter),
    Contents: page.items.map((item) => objectElements(item, encode, withOwner)),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix.toString()) })),
  })
}

function listV1(store: Store, request: S3Request): void {
  const marker = request.param('marker') ?? ''
  const page = readPage(store, request, Buffer.from(marker), true)
  const encode = nameEncoder(request)
  respondXml(request, 'ListBucketResult', {
    ...commonElements(request, page, encode),
    Marker: encode(marker),
    NextMarker: page.next ? encode(page.next.toString()) : undefined,
    Contents: page.items.map((item) => objectElements(item, encode, true)),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix.toString()) })),
  })
}

function readPage(store: Store, request: S3Request, after: Buffer, afterIsShown: boolean): Page<ListedObject> {
  return listPage(
    {
      prefix: Buffer.from(request.param('prefix') ?? ''),
      delimiter: Buffer.from(request.param('delimiter') ?? ''),
      after,
      afterIsShown,
      limit: maxNames(request, 'max-keys'),
    },
    (from, before, limit) => store.catalog.objectsFrom(request.bucket, from, before, limit),
  )
}

function commonElements(request: S3Request, page: Page<ListedObject>, encode: (text: string) => string): XmlElements {
  const delimiter = request.param('delimiter')
  return {
    Name: request.bucket,
    Prefix: encode(request.param('prefix') ?? ''),
    Delimiter: delimiter ? encode(delimiter) : undefined,
    MaxKeys: maxNames(request, 'max-keys'),
    EncodingType: request.param('encoding-type') === undefined ? undefined : 'url',
    IsTruncated: page.next !== null,
  }
}

function objectElements(item: ListedObject, encode: (text: string) => string, withOwner: boolean): XmlElements {
  const algorithms = Object.keys(item.checksums)
  return {
    Key: encode(item.key.toString()),
    LastModified: new Date(item.modifiedMs).toISOString(),
    ETag: `"${item.etag}"`,
    ChecksumAlgorithm: algorithms.map((algorithm) => algorithm.toUpperCase()),
    ChecksumType: algorithms.length > 0 ? item.checksumType : undefined,
    Size: item.sizeBytes,
    StorageClass: 'STANDARD',
    Owner: withOwner ? OWNER : undefined,
  }
}

/** The most names on a page: what was asked for, at most 1,000. Throws InvalidArgument. */
export function maxNames(request: S3Request, parameter: string): number {
  const text = request.param(parameter)
  if (text === undefined || text === '') return MAX_KEYS
  if (!/^\d{1,10}$/.test(text))
    throw new S3Error('InvalidArgument', `Argument ${parameter} must be an integer between 0 and 2147483647`)
  return Math.min(MAX_KEYS, Number(text))
}

/** How names are written: percent-encoded with encoding-type=url, else as they are. Throws InvalidArgument. */
export function nameEncoder(request: S3Request): (name: string) => string {
  const type = request.param('encoding-type')
  if (type === undefined || type === '') return (name) => name
  if (type !== 'url') throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request')
  return (name) => uriEncode(name, { keepSlash: true })
}

function writeToken(last: Buffer): string {
  return `1${last.toString('base64url')}`
}

function readToken(token: string): Buffer {
  const bytes = Buffer.from(token.slice(1), 'base64url')
  if (token[0] !== '1' || bytes.length === 0 || bytes.toString('base64url') !== token.slice(1))
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect')
  return bytes
}
