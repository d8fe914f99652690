import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './buckets.ts'
import { completeUpload } from './complete-upload.ts'
import { copyObject, uploadPartCopy } from './copy-object.ts'
import { deleteObject, deleteObjects } from './delete-objects.ts'
import { getObject } from './get-object.ts'
import { listObjects } from './list-objects.ts'
import { listParts, listUploads } from './list-uploads.ts'
import { putObject } from './put-object.ts'
import type { S3Request } from './request.ts'
import { S3Error } from './s3-error.ts'
import type { Store } from './store.ts'
import { getObjectAcl, getObjectTagging } from './tags-and-acl.ts'
import { uploadPart } from './upload-part.ts'
import { abortUpload, createUpload } from './uploads.ts'
import type { VerifiedSignature } from './verify-signature.ts'

export type Handler = (store: Store, request: S3Request, signature: VerifiedSignature) => Promise<void>

/** Query parameters that name a part of S3 (a sub-resource). What no handler below takes is answered NotImplemented. */
const SUBRESOURCES =
  `accelerate acl analytics append attributes cors delete encryption intelligent-tiering inventory legal-hold lifecycle
  location logging metadataTable metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock
  renameObject replication requestPayment restore retention select session tagging torrent uploadId uploads versioning
  versions website`.split(/\s+/)

const BUCKET: Record<string, Handler> = {
  'GET ': listObjects,
  'GET location': getBucketLocation,
  'GET uploads': listUploads,
  'GET versioning': getBucketVersioning,
  'PUT ': createBucket,
  'HEAD ': headBucket,
  'DELETE ': deleteBucket,
  'POST delete': deleteObjects,
}

const OBJECT: Record<string, Handler> = {
  'GET ': getObject,
  'HEAD ': getObject,
  'GET tagging': getObjectTagging,
  'GET acl': getObjectAcl,
  'PUT ': putObject,
  'PUT copy': copyObject,
  'DELETE ': deleteObject,
  'GET uploadId': listParts,
  'POST uploads': createUpload,
  'PUT uploadId': uploadPart,
  'PUT uploadId copy': uploadPartCopy,
  'POST uploadId': completeUpload,
  'DELETE uploadId': abortUpload,
}

/** The handler of a request. Throws NotImplemented for parts of S3 that this store does not have, MethodNotAllowed. */
export function route(request: S3Request): Handler {
  const subresources = SUBRESOURCES.filter((name) => request.param(name) !== undefined)
  if (!['GET', 'PUT', 'POST', 'HEAD', 'DELETE'].includes(request.method))
    throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.')
  if (request.bucket === '') {
    if (request.method === 'GET' && request.key === '' && subresources.length === 0) return listBuckets
    throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against the list of buckets.')
  }
  const version = request.param('versionId')
  if (version !== undefined && version !== 'null')
    throw new S3Error('InvalidArgument', 'This store keeps no versions; leave versionId out.')
  if (request.key !== '' && request.header('x-amz-copy-source') !== undefined) subresources.push('copy')
  const handler = (request.key === '' ? BUCKET : OBJECT)[`${request.method} ${subresources.join(' ')}`]
  if (handler) return handler
  throw new S3Error('NotImplemented', 'The embedded object store does not have this part of S3.')
}
