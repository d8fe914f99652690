import { describe, expect, it } from 'vitest'
import { compareIdentity } from '../source/identity.ts'
import { isSameSource, pinnedIdentity } from './pinned-identity.ts'

const DATE = 'Mon, 02 Nov 2026 10:00:00 GMT'
const row = { sizeBytes: 10n, etag: '"a"', lastModified: DATE, acceptsRanges: true, trustLengthAndDate: false }
const seen = { sizeBytes: 10, etag: '"a"', lastModified: DATE, acceptsRanges: true }
const answer = { totalBytes: 10, etag: '"other"', lastModified: DATE }

describe('correctness 17: what is pinned holds for a whole transfer, also when it is taken up again', () => {
  it('by its strong ETag, whatever the date says', () => {
    expect(isSameSource(row, seen)).toBe(true)
    expect(isSameSource(row, { ...seen, etag: '"b"' })).toBe(false)
    expect(isSameSource(row, { ...seen, sizeBytes: 11 })).toBe(false)
    expect(isSameSource({ ...row, sizeBytes: null }, seen)).toBe(false)
  })

  it('by its date where the ETag is weak or missing, and by nothing where there is no date either', () => {
    const weak = { ...row, etag: 'W/"a"' }
    expect(isSameSource(weak, { ...seen, etag: 'W/"b"' })).toBe(true)
    expect(isSameSource(weak, { ...seen, lastModified: 'Tue, 03 Nov 2026 10:00:00 GMT' })).toBe(false)
    expect(isSameSource({ ...weak, lastModified: null }, { ...seen, lastModified: null })).toBe(false)
  })
})

describe('correctness 14: where length and date are trusted', () => {
  const trusting = { ...row, trustLengthAndDate: true }

  it('the ETag is not looked at, in answers and when a transfer is taken up again', () => {
    expect(compareIdentity(pinnedIdentity(trusting), answer)).toMatchObject({ same: true, proof: 'last-modified' })
    expect(compareIdentity(pinnedIdentity(row), answer)).toMatchObject({ same: false, validator: 'ETag' })
    expect(isSameSource(trusting, { ...seen, etag: '"b"' })).toBe(true)
  })

  it('another length or date is a change all the same, and a date that is gone too', () => {
    for (const changed of [
      { ...answer, totalBytes: 11 },
      { ...answer, lastModified: 'Tue, 03 Nov 2026 10:00:00 GMT' },
      { ...answer, lastModified: null },
    ])
      expect(compareIdentity(pinnedIdentity(trusting), changed)).toMatchObject({ same: false })
    expect(isSameSource(trusting, { ...seen, lastModified: null })).toBe(false)
  })
})
