import { expect, it } from 'vitest'
import { describeRequest } from './store-fault.ts'

it.each([
  ['POST', '/media/a/b%20c?uploads=', 'CreateMultipartUpload', 'a/b c'],
  ['PUT', '/media/k?partNumber=3&uploadId=u', 'UploadPart', 'k'],
  ['POST', '/media/k?uploadId=u', 'CompleteMultipartUpload', 'k'],
  ['DELETE', '/media/k?uploadId=u&x-id=AbortMultipartUpload', 'AbortMultipartUpload', 'k'],
  ['GET', '/media/k?uploadId=u', 'ListParts', 'k'],
  ['GET', '/media?uploads=&prefix=k', 'ListMultipartUploads', ''],
  ['HEAD', '/media/k', 'HeadObject', 'k'],
  ['GET', '/media/k?x-id=GetObject', 'GetObject', 'k'],
  ['PUT', '/media/k', 'PutObject', 'k'],
  ['DELETE', '/media/k', 'DeleteObject', 'k'],
  ['GET', '/media?list-type=2', 'other', ''],
])('%s %s is %s', (method, target, operation, key) => {
  expect(describeRequest(method, target)).toMatchObject({ operation, key })
})
