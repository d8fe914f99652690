import { describe, expect, it } from 'vitest'
import { isCertain, sourceDigests } from './source-digests.ts'

const MD5 = 'XUFAKrxLKna5cZ2REBfFkg=='
const MD5_HEX = '5d41402abc4b2a76b9719d911017c592'
const SHA256 = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='
const of = (headers: Record<string, string>, statusCode = 206) => {
  const found = sourceDigests({ statusCode, headers })
  return Object.fromEntries(found.map(({ algorithm, value, header }) => [algorithm, `${header} ${value}`]))
}

describe('digests that a source gives of the whole file', () => {
  it('are read from the headers of RFC 9530 and RFC 3230', () => {
    expect(of({ 'repr-digest': `sha-256=:${SHA256}:, unixsum=:AA==:` })).toEqual({ sha256: `repr-digest ${SHA256}` })
    expect(of({ digest: `MD5=${MD5}, SHA-256=${SHA256}` })).toEqual({
      md5: `digest ${MD5}`,
      sha256: `digest ${SHA256}`,
    })
  })

  it('are read from the headers of Google, Amazon and Azure', () => {
    expect(of({ 'x-goog-hash': `crc32c=yZRlqg==, md5=${MD5}` })).toEqual({
      crc32c: 'x-goog-hash yZRlqg==',
      md5: `x-goog-hash ${MD5}`,
    })
    expect(of({ 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=', 'x-amz-checksum-type': 'FULL_OBJECT' })).toEqual({
      crc64nvme: 'x-amz-checksum-crc64nvme AAAAAAAAAAA=',
    })
    expect(of({ 'x-ms-blob-content-md5': MD5 })).toEqual({ md5: `x-ms-blob-content-md5 ${MD5}` })
  })

  it('are not those of a part of the file, of parts, or of compressed bytes', () => {
    expect(of({ 'content-md5': MD5, 'content-digest': `sha-256=:${SHA256}:` })).toEqual({})
    expect(of({ 'content-md5': MD5 }, 200)).toEqual({ md5: `content-md5 ${MD5}` })
    expect(of({ 'x-amz-checksum-sha256': `${SHA256}-3` })).toEqual({})
    expect(of({ 'x-amz-checksum-crc32c': 'yZRlqg==', 'x-amz-checksum-type': 'COMPOSITE' })).toEqual({})
    expect(of({ digest: `MD5=${MD5}`, 'content-encoding': 'gzip' }, 200)).toEqual({})
    expect(of({ digest: 'MD5=not a digest' })).toEqual({})
  })

  it('correctness 34: an ETag is one only at S3, put in one piece, not encrypted with a key, and proves nothing where it differs', () => {
    const etag = `"${MD5_HEX}"`
    const s3 = { 'x-amz-request-id': 'A' }
    expect(of({ etag })).toEqual({})
    expect(of({ etag, ...s3 })).toEqual({ md5: `etag ${MD5}` })
    expect(of({ etag: `"${MD5_HEX}-2"`, ...s3 })).toEqual({})
    expect(of({ etag, ...s3, 'x-amz-server-side-encryption': 'aws:kms' })).toEqual({})
    const [digest] = sourceDigests({ statusCode: 206, headers: { etag, ...s3 } })
    expect(digest && isCertain(digest)).toBe(false)
  })
})
