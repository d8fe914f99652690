import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './buckets.ts'
import type { S3Request } from './request.ts'
import { S3Error } from './s3-error.ts'
import type { Store } from './store.ts'
import type { VerifiedSignature } from './verify-signature.ts'

export type Handler = (store: Store, request: S3Request, signature: VerifiedSignature) => Promise<void>

/** Query parameters that name a part of S3 (a sub-resource). One that no handler below takes is answered NotImplemented. */
const SUBRESOURCES = [
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
]

const BUCKET: Record<string, Handler> = {
  'GET location': getBucketLocation,
  'GET versioning': getBucketVersioning,
  'PUT ': createBucket,
  'HEAD ': headBucket,
  'DELETE ': deleteBucket,
}

/** The handler of a request. Throws NotImplemented for parts of S3 that this store does not have, MethodNotAllowed. */
export function route(request: S3Request): Handler {
  const subresource = SUBRESOURCES.find((name) => request.param(name) !== undefined) ?? ''
  const known = ['GET', 'PUT', 'POST', 'HEAD', 'DELETE'].includes(request.method)
  if (!known) throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.')
  if (request.bucket === '') {
    if (request.method === 'GET' && subresource === '') return listBuckets
    throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against the list of buckets.')
  }
  const handler = BUCKET[`${request.method} ${subresource}`]
  if (handler) return handler
  throw new S3Error('NotImplemented', 'The embedded object store does not have this part of S3.')
}
