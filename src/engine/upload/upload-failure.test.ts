import { describe, expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { dialectOf } from './s3-dialects.ts'
import { readHeaders, StoreAnswerError, uploadFailure } from './upload-failure.ts'

const connection = { endpoint: 'https://s3.example.org', region: 'eu-north-1', bucket: 'media' }
const context = { connection, doing: 'sending part 7' }
const answered = (status: number, code: string | null, region: string | null = null, server: string | null = null) =>
  new StoreAnswerError({ status, code, region, server, retryAfterMs: undefined }, null)

describe('uploadFailure', () => {
  for (const [status, s3Code, code, retry] of [
    [404, 'NoSuchBucket', 'bucket_not_found', 'never'],
    [400, 'InvalidBucketName', 'bucket_not_found', 'never'],
    [403, 'InvalidAccessKeyId', 'bucket_unauthorized', 'never'],
    [403, 'SignatureDoesNotMatch', 'bucket_unauthorized', 'never'],
    [403, 'AccessDenied', 'bucket_unauthorized', 'never'],
    [403, null, 'bucket_unauthorized', 'never'],
    [400, 'ExpiredToken', 'bucket_unauthorized', 'never'],
    [403, 'RequestTimeTooSkewed', 'clock_skewed', 'later'],
    [503, 'SlowDown', 'bucket_slow_down', 'now'],
    [503, null, 'bucket_slow_down', 'now'],
    [429, null, 'bucket_slow_down', 'now'],
    [500, 'InternalError', 'bucket_error', 'now'],
    [502, null, 'bucket_error', 'now'],
    [400, 'RequestTimeout', 'bucket_error', 'now'],
    [507, 'XMinioStorageFull', 'bucket_error', 'later'],
    [403, 'QuotaExceeded', 'bucket_error', 'later'],
    [301, 'PermanentRedirect', 'bucket_error', 'never'],
    [307, null, 'bucket_error', 'never'],
    [400, 'EntityTooLarge', 'too_large', 'never'],
    [400, 'KeyTooLongError', 'invalid_key', 'never'],
    [400, 'BadDigest', 'checksum_mismatch', 'now'],
    [400, 'XAmzContentChecksumMismatch', 'checksum_mismatch', 'now'],
    [501, 'NotImplemented', 'bucket_protocol_error', 'never'],
    [400, 'NeverHeardOf', 'bucket_protocol_error', 'never'],
    [404, null, 'bucket_protocol_error', 'never'],
    [400, 'constructor', 'bucket_protocol_error', 'never'],
  ] as const)
    it(`makes ${code}, retry ${retry}, of ${status} ${s3Code ?? 'without a code'}`, () => {
      const failure = uploadFailure(answered(status, s3Code), context)
      expect(failure).toMatchObject({ code, retry, facts: { status, s3Code } })
      expect(failure.message).toMatch(/^.{20,}\.$/)
    })

  it('takes NoSuchKey for a lost upload only where an upload was asked for', () => {
    expect(uploadFailure(answered(404, 'NoSuchKey'), { ...context, ofUpload: true }).code).toBe('upload_lost')
    expect(uploadFailure(answered(404, 'NoSuchKey'), context).code).toBe('bucket_protocol_error')
  })

  it('takes a 400 without a code for a broken connection where an upload was begun, and for no S3 store else', () => {
    const ofUpload = uploadFailure(answered(400, null), { ...context, ofUpload: true })
    expect(ofUpload).toMatchObject({ code: 'bucket_error', retry: 'now' })
    expect(uploadFailure(answered(400, null), context)).toMatchObject({ code: 'bucket_protocol_error', retry: 'never' })
  })

  it('names the right region, and takes the code without one for a wrong key', () => {
    const moved = uploadFailure(answered(400, 'AuthorizationHeaderMalformed', 'us-west-2'), context)
    expect(moved.message).toContain('is in region us-west-2, not in eu-north-1')
    expect(uploadFailure(answered(400, 'AuthorizationHeaderMalformed'), context).code).toBe('bucket_unauthorized')
  })

  it('knows what stores call by other names', () => {
    const r2 = { ...connection, endpoint: 'https://account.r2.cloudflarestorage.com' }
    const failure = uploadFailure(answered(401, 'Unauthorized'), { ...context, connection: r2 })
    expect(failure.message).toContain('does not know this access key ID')
    expect(uploadFailure(answered(400, 'XMinioStorageFull', null, 'MinIO'), context)).toMatchObject({
      code: 'bucket_error',
      retry: 'later',
    })
  })

  for (const [network, code, retry] of [
    ['ENOTFOUND', 'bucket_unreachable', 'later'],
    ['ECONNREFUSED', 'bucket_unreachable', 'now'],
    ['ECONNRESET', 'bucket_unreachable', 'now'],
    ['UND_ERR_CONNECT_TIMEOUT', 'bucket_unreachable', 'now'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_failed', 'never'],
    ['EPROTO', 'tls_failed', 'never'],
  ] as const)
    it(`makes ${code}, retry ${retry}, of ${network}, however deep it is`, () => {
      const cause = Object.assign(new Error('secret text'), { code: network })
      const failure = uploadFailure(new Error('outer', { cause: new AggregateError([cause]) }), context)
      expect(failure).toMatchObject({ code, retry, facts: { network } })
      expect(failure.message).not.toContain('secret text')
    })

  it('lets a refusal of the guard through as it is', () => {
    const refusal = new TransferError('address_refused', 'Not there.')
    expect(uploadFailure(new Error('connect', { cause: refusal }), context)).toBe(refusal)
  })
})

describe('readHeaders', () => {
  it('finds region, server, date and how long to wait', () => {
    const headers = { 'x-amz-bucket-region': 'us-west-2', server: ['MinIO'], 'retry-after': '3', date: 'today' }
    expect(readHeaders(headers)).toEqual({ region: 'us-west-2', server: 'MinIO', retryAfterMs: 3000, date: 'today' })
    expect(readHeaders({})).toEqual({ region: null, server: null, retryAfterMs: undefined, date: null })
  })
})

describe('dialectOf', () => {
  it('goes by the host, then by the Server header, then takes nothing for granted', () => {
    expect(dialectOf('https://s3.eu-central-1.amazonaws.com').name).toBe('aws')
    expect(dialectOf('https://x.r2.cloudflarestorage.com', 'Ceph Object Gateway (squid)').name).toBe('r2')
    expect(dialectOf('http://10.0.0.5:7480', 'Ceph Object Gateway (squid)').name).toBe('ceph')
    expect(dialectOf('http://10.0.0.5:9000').capabilities).toMatchObject({ checksumHeaders: false, metadata: true })
    expect(dialectOf('https://amazonaws.com.evil.example').name).toBe('unknown')
  })
})
