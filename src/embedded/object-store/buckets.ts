import { memorySink, receiveBody } from './receive-body.ts'
import type { S3Request } from './request.ts'
import { respondEmpty, respondXml } from './respond.ts'
import { S3Error } from './s3-error.ts'
import { checkBucketName, requireBucket, type Store } from './store.ts'
import type { VerifiedSignature } from './verify-signature.ts'
import { parseXml, xmlText } from './xml.ts'

const OWNER = { ID: 'sluice', DisplayName: 'sluice' }

/** ListBuckets. */
export async function listBuckets(store: Store, request: S3Request): Promise<void> {
  const buckets = store.catalog
    .buckets()
    .map(({ name, createdMs }) => ({ Name: name, CreationDate: new Date(createdMs).toISOString() }))
  respondXml(request, 'ListAllMyBucketsResult', { Owner: OWNER, Buckets: { Bucket: buckets } })
}

/** CreateBucket. In us-east-1 making a bucket that one owns already succeeds, as in S3. */
export async function createBucket(store: Store, request: S3Request, signature: VerifiedSignature): Promise<void> {
  checkBucketName(request.bucket)
  const sink = memorySink()
  await receiveBody(request, signature, sink, { md5: false, checksum: null, maxBytes: 64 * 1024 })
  const body = sink.bytes().toString().trim()
  if (body !== '') {
    const constraint = xmlText(parseXml(body, 'CreateBucketConfiguration'), 'LocationConstraint')
    if (constraint && constraint !== 'us-east-1')
      throw new S3Error('InvalidArgument', 'The embedded object store has one region, us-east-1.')
  }
  store.catalog.createBucket(request.bucket)
  respondEmpty(request, 200, { location: `/${request.bucket}` })
}

/** HeadBucket. */
export async function headBucket(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  respondEmpty(request, 200, { 'x-amz-bucket-region': 'us-east-1' })
}

/** DeleteBucket. Throws BucketNotEmpty. Unfinished uploads go with the bucket. */
export async function deleteBucket(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  if (!store.catalog.bucketIsEmpty(request.bucket))
    throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty')
  const unused = store.catalog.deleteBucket(request.bucket)
  respondEmpty(request, 204)
  await store.blobs.remove(unused)
}

/** GetBucketLocation: empty for us-east-1, as in S3. */
export async function getBucketLocation(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  respondXml(request, 'LocationConstraint', {})
}

/** GetBucketVersioning: never enabled. rclone and others ask before they list or delete. */
export async function getBucketVersioning(store: Store, request: S3Request): Promise<void> {
  requireBucket(store, request.bucket)
  respondXml(request, 'VersioningConfiguration', {})
}
