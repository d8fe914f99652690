import { describe, expect, it } from 'vitest'
import type { Evidence, Verification } from '../../src/server/domain/transfer.ts'
import { verdictLines } from './verdict-lines.ts'

const size: Evidence = { kind: 'size', expected: '5', actual: '5' }
const bucket: Evidence = { kind: 'bucket-checksum', algorithm: 'CRC32C', expected: 'yZRlqg==', actual: 'yZRlqg==' }
const of = (verdict: Verification['verdict'], ...evidence: Evidence[]) =>
  verdictLines({ id: 'i', key: 'a/b.bin', bucketName: 'media', verification: { verdict, evidence } })

describe('the verdict on a terminal', () => {
  it('names what it rests on, strongest first, and ends with 0 only where bytes were compared', () => {
    const expected: Evidence = { kind: 'expected-checksum', algorithm: 'SHA256', expected: 'LPJN', actual: 'LPJN' }
    const verified = of('verified', expected, bucket, size)
    expect(verified.exitCode).toBe(0)
    expect(verified.lines).toEqual([
      'media: a/b.bin',
      'verified: SHA-256 given by you, CRC32C by the bucket',
      '  = SHA-256 given by you  LPJN',
      '  = CRC32C by the bucket  yZRlqg==',
      '  = Length by the bucket  5 bytes',
    ])
    const source: Evidence = { kind: 'source-digest', algorithm: 'MD5', expected: 'a', actual: 'a' }
    expect(of('verified', source).lines[1]).toBe('verified: MD5 by the source')
  })

  it('says size only, and that reading back says more', () => {
    const only = of('size-only', size)
    expect(only.exitCode).toBe(2)
    expect(only.lines[1]).toBe('size only')
    expect(only.lines.at(-1)).toContain('--reread')
  })

  it('shows what was given but not compared without a mark, and why an unpinned source is not verified', () => {
    const given: Evidence = { kind: 'source-digest-not-compared', algorithm: 'MD5', expected: 'a' }
    expect(of('verified', bucket, given).lines.slice(1)).toEqual([
      'verified: CRC32C by the bucket',
      '  = CRC32C by the bucket  yZRlqg==',
      '    MD5 given by the source, not compared  a',
    ])
    const unpinned = of('size-only', bucket, { kind: 'source-not-pinned' })
    expect(unpinned.exitCode).toBe(2)
    expect(unpinned.lines.at(-1)).toContain('nothing that tells its versions apart')
    expect(unpinned.lines.at(-1)).not.toContain('--reread')
  })

  it('shows both sides of what differs, and ends with 1', () => {
    const differs = of('mismatch', { ...bucket, actual: 'AAAAAA==' }, size)
    expect(differs.exitCode).toBe(1)
    expect(differs.lines).toContain('  ! CRC32C by the bucket  AAAAAA==, expected yZRlqg==')
  })

  it('has nothing to say of what was never verified', () => {
    expect(verdictLines({ id: 'i', key: 'k', bucketName: 'b', verification: null }).exitCode).toBe(3)
  })
})
