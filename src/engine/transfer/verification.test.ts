import { describe, expect, it } from 'vitest'
import type { ObjectInfo } from '../upload/object-store.ts'
import { describeVerification, judgeObject } from './verification.ts'

const object = (over: Partial<ObjectInfo> = {}): ObjectInfo => ({
  sizeBytes: 10,
  etag: '"e"',
  checksums: { crc32c: 'right' },
  checksumType: 'FULL_OBJECT',
  metadata: {},
  ...over,
})

describe('judgeObject', () => {
  it('calls an object verified only by a checksum of the bucket over all of it', () => {
    const verified = judgeObject(object(), { sizeBytes: 10, crc32c: 'right' })
    expect(verified.verdict).toBe('verified')
    expect(verified.evidence.map(({ kind }) => kind)).toEqual(['bucket-checksum', 'size'])
    expect(describeVerification(verified)).toContain('CRC32C')
  })

  it.each([
    ['a checksum of checksums', object({ checksumType: 'COMPOSITE' }), 'right'],
    ['no checksum', object({ checksums: {} }), 'right'],
    ['no checksum of ours', object(), null],
  ])('says honestly that only the size was compared where there is %s', (_, seen, crc32c) => {
    expect(judgeObject(seen, { sizeBytes: 10, crc32c }).verdict).toBe('size-only')
  })

  it('calls another checksum or another size a mismatch, and names both values', () => {
    const checksum = judgeObject(object({ checksums: { crc32c: 'wrong' } }), { sizeBytes: 10, crc32c: 'right' })
    expect(checksum.verdict).toBe('mismatch')
    expect(describeVerification(checksum)).toBe('CRC32C differs: expected right, the bucket has wrong')
    const size = judgeObject(object({ sizeBytes: 9 }), { sizeBytes: 10, crc32c: 'right' })
    expect(size).toEqual({ verdict: 'mismatch', evidence: [{ kind: 'size', expected: '10', actual: '9' }] })
    expect(describeVerification(size)).toBe('the size differs: expected 10, the bucket has 9')
  })
})
