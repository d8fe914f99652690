import { declaredChecksum } from './checksum.ts'
import { checkWriteConditions } from './conditions.ts'
import { memorySink, receiveBody } from './receive-body.ts'
import type { S3Request } from './request.ts'
import { respondEmpty, respondXml } from './respond.ts'
import { S3Error } from './s3-error.ts'
import { requireBucket, type Store } from './store.ts'
import type { VerifiedSignature } from './verify-signature.ts'
import { parseXml, type XmlElements, xmlChildren, xmlText } from './xml.ts'

/** Largest XML body: 10,000 parts or 1,000 long keys fit in well. */
export const MAX_XML_BYTES = 8 * 1024 * 1024
const MAX_KEYS = 1000

/** DeleteObject: 204 whether or not there was an object; If-Match deletes only the object that is meant. */
export async function deleteObject(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  checkWriteConditions(request, store.catalog.object(request.bucket, request.key))
  const unused = store.catalog.deleteObject(request.bucket, request.key)
  respondEmpty(request, 204)
  await store.blobs.remove(unused)
}

/** DeleteObjects: up to 1,000 keys, each answered for itself. */
export async function deleteObjects(store: Store, request: S3Request, signature: VerifiedSignature): Promise<void> {
  requireBucket(store, request.bucket)
  const body = await receiveXml(request, signature, 'Delete')
  const entries = xmlChildren(body, 'Object')
  if (entries.length === 0 || entries.length > MAX_KEYS)
    throw new S3Error('MalformedXML', `A Delete document names 1 to ${MAX_KEYS} objects.`)
  const keys = entries.map((entry) => xmlText(entry, 'Key'))
  if (keys.some((key) => key === undefined || key === ''))
    throw new S3Error('MalformedXML', 'An Object of the Delete document has no Key.')
  const quiet = xmlText(body, 'Quiet')?.trim().toLowerCase() === 'true'
  const deleted: XmlElements[] = []
  const unused: string[] = []
  requireBucket(store, request.bucket)
  for (const key of keys) {
    if (key === undefined) continue
    unused.push(...store.catalog.deleteObject(request.bucket, key))
    deleted.push({ Key: key })
  }
  respondXml(request, 'DeleteResult', quiet ? {} : { Deleted: deleted })
  await store.blobs.remove(unused)
}

/** Receives and proves an XML body and returns the children of its root. Throws MalformedXML, EntityTooLarge, BadDigest. */
export async function receiveXml(
  request: S3Request,
  signature: VerifiedSignature,
  root: string,
  options: { checksumOfBody?: boolean } = {},
): Promise<Record<string, unknown>> {
  const sink = memorySink()
  const checksum = options.checksumOfBody === false ? null : declaredChecksum((name) => request.header(name))
  await receiveBody(request, signature, sink, { md5: false, checksum, maxBytes: MAX_XML_BYTES })
  return parseXml(sink.bytes().toString(), root)
}
