import { requireObject } from './get-object.ts'
import type { S3Request } from './request.ts'
import { respondXml } from './respond.ts'
import type { Store } from './store.ts'

/** GetObjectTagging: no object here has tags. aws-cli 2 asks before it copies an object of several parts. */
export async function getObjectTagging(store: Store, request: S3Request): Promise<void> {
  requireObject(store, request.bucket, request.key)
  respondXml(request, 'Tagging', { TagSet: '' })
}

/** GetObjectAcl: the owner of the keys has all rights, nobody else any. */
export async function getObjectAcl(store: Store, request: S3Request): Promise<void> {
  requireObject(store, request.bucket, request.key)
  const owner = { ID: 'sluice', DisplayName: 'sluice' }
  respondXml(request, 'AccessControlPolicy', {
    Owner: owner,
    AccessControlList: { Grant: { Grantee: owner, Permission: 'FULL_CONTROL' } },
  })
}
