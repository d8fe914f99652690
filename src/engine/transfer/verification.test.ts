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

  it('compares the checksum of the parts where the store keeps that one alone', () => {
    // CRC32C of "a" and of "b", and of these eight bytes, by another program.
    const partCrc32cs = ['wdBDMA==', '0oCwxA==']
    const composite = { checksums: { crc32c: 'zR0P4A==-2' }, checksumType: 'COMPOSITE' } as const
    const expected = { sizeBytes: 10, crc32c: 'right', partCrc32cs }
    const verified = judgeObject(object(composite), expected)
    expect(verified.verdict).toBe('verified')
    expect(describeVerification(verified)).toBe('verified: CRC32C of all parts by the bucket')
    // Stores from before checksum types show it without one.
    expect(judgeObject(object({ ...composite, checksumType: null }), expected).verdict).toBe('verified')
    const turned = { ...expected, partCrc32cs: partCrc32cs.toReversed() }
    expect(judgeObject(object(composite), turned).verdict).toBe('mismatch')
    expect(judgeObject(object(composite), { ...expected, partCrc32cs: null }).verdict).toBe('size-only')
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
