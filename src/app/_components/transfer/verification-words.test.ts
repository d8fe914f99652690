import { describe, expect, it } from 'vitest'
import {
  algorithmName,
  evidenceWords,
  NOT_COMPARED,
  restsOn,
  SOURCE_NOT_PINNED,
} from '../../../server/domain/verification-words.ts'
import { evidenceAgrees, evidenceValue, verdictWords } from './verification-words.ts'

describe('verification words', () => {
  it('names what the verdict rests on', () => {
    const evidence = [{ kind: 'bucket-checksum', algorithm: 'CRC32C', expected: 'AAAA', actual: 'AAAA' }]
    expect(verdictWords({ verdict: 'verified', evidence }, false).title).toBe('Verified · CRC32C by the bucket')
  })

  it('claims no more than the length where only the length was compared', () => {
    const words = verdictWords(
      { verdict: 'size-only', evidence: [{ kind: 'size', expected: '5', actual: '5' }] },
      false,
    )
    expect(words.title).toBe('Length compared, bytes not')
  })

  it('says that a source without validators may have changed, although the bucket has what was read', () => {
    const bucket = { kind: 'bucket-checksum', algorithm: 'CRC32C', expected: 'AAAA', actual: 'AAAA' }
    const words = verdictWords({ verdict: 'size-only', evidence: [bucket, { kind: SOURCE_NOT_PINNED }] }, false)
    expect(words.title).toBe('The source may have changed on the way')
    expect(words.sentence).toMatch(/^What was read is in the bucket \(CRC32C by the bucket\)/)
  })

  it('does not warn of an object that was left as it is because the user chose so', () => {
    const differs = { verdict: 'mismatch', evidence: [{ kind: 'size', expected: '5', actual: '6' }] } as const
    expect(verdictWords({ ...differs, evidence: [...differs.evidence] }, false).sentence).toContain('Do not use it')
    expect(verdictWords({ ...differs, evidence: [...differs.evidence] }, true).sentence).toContain('was left as it was')
  })

  it('does not count a digest that was not compared among those a verdict rests on', () => {
    const given = { kind: NOT_COMPARED, algorithm: 'SHA256', expected: 'AAAA' }
    expect(evidenceWords(given)).toBe('SHA-256 given by the source, not compared')
    expect(evidenceAgrees(given)).toBeNull()
    expect(restsOn({ verdict: 'size-only', evidence: [given] })).toBe('size only')
  })

  it('writes algorithms as people do, in any case', () => {
    expect(['SHA256', 'crc64nvme', 'sha-1', undefined].map(algorithmName)).toEqual([
      'SHA-256',
      'CRC64NVME',
      'SHA-1',
      'Checksum',
    ])
  })

  it('shows a kind it does not know by its name', () => {
    expect(evidenceWords({ kind: 'moon_phase', algorithm: 'md5' })).toBe('MD5 (moon phase)')
  })

  it('sees that hexadecimal and base64 are the same digest', () => {
    const evidence = { kind: 'expected-checksum', algorithm: 'CRC32C', expected: 'c99465AA', actual: 'yZRlqg==' }
    expect(evidenceAgrees(evidence)).toBe(true)
    expect(evidenceAgrees({ ...evidence, expected: 'c99465ab' })).toBe(false)
  })

  it('does not call a one-sided evidence an agreement', () => {
    expect(evidenceAgrees({ kind: 'size', expected: '5' })).toBeNull()
    expect(evidenceAgrees({ kind: 'size', expected: '5', actual: '6' })).toBe(false)
  })
})

describe('evidenceValue', () => {
  it('shows hashes in hexadecimal, CRCs as the store writes them, and lengths in bytes', () => {
    const md5 = { kind: 'expected-checksum', algorithm: 'MD5', expected: '1B2M2Y8AsgTpgAmY7PhCfg==' }
    expect(evidenceValue(md5, md5.expected)).toBe('d41d8cd98f00b204e9800998ecf8427e')
    expect(evidenceValue({ kind: 'bucket-checksum', algorithm: 'crc32c' }, '4waSgw==')).toBe('4waSgw==')
    expect(evidenceValue({ kind: 'size' }, '12345')).toBe('12,345 bytes')
  })
})
