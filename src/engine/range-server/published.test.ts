import { afterEach, describe, expect, test } from 'vitest'
import { versionOf } from '../cache/slice-key.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 4 * SLICE
const versionAt = (etag: string) => versionOf({ sizeBytes: SIZE, etag, lastModified: null, sliceSizeBytes: SLICE })

describe('files of published origins, for transfers of the same', () => {
  test('are found by URL and headers, and only what is the very same', async () => {
    fixture = await openRangeFixture({ origin: { headers: { 'X-Key': 'k' } } })
    const { published } = fixture.service
    const { origin } = fixture.hostile
    const of = (url: string, headers: Record<string, string> = { 'x-key': 'k' }) =>
      published.of({ url, headers }).length
    expect(of(`${origin}/a.bin#part`)).toBe(1)
    expect(of(`${origin}/a.bin`, { 'x-KEY': 'k' })).toBe(1)
    expect(of(`${origin}/a.bin`, { 'x-key': 'other' })).toBe(0)
    expect(of(`${origin}/a.bin`, {})).toBe(0)
    expect(of(`${origin}/a.bin`, { 'x-key': 'k', cookie: 'c=1' })).toBe(0)
    expect(of('http://elsewhere.test/a.bin')).toBe(0)
    const before = published.generation
    fixture.publish({ headers: {} })
    expect(published.generation).toBeGreaterThan(before)
    expect([of(`${origin}/a.bin`), of(`${origin}/a.bin`, {})]).toEqual([0, 1])
  })

  test('have the names their slices have in the cache, and are there while somebody reads that version', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: SIZE, etag: '"v1"', lastModified: null, breakAfterBytes: SLICE, breakBy: 'stall' })
    const [file] = fixture.service.published.of({ url: `${fixture.hostile.origin}/a`, headers: {} })
    const version = versionAt('"v1"')
    expect(file?.whileRead(version)).toBeNull()
    const reader = await fixture.open('/a')
    const read = file?.whileRead(version)
    expect(read).toMatchObject({ objectId: file?.objectId, version, sizeBytes: SIZE })
    expect(file?.whileRead(versionAt('"v2"'))).toBeNull()
    await fixture.hostile.until(() => fixture.cache.slices.size > 0)
    expect(fixture.cache.has({ objectId: file?.objectId ?? '', version, index: 0 })).toBe(true)
    reader.destroy()
    await fixture.hostile.until(() => file?.whileRead(version) === null)
  })

  test('that may not be kept are nobody else’s', async () => {
    fixture = await openRangeFixture({ origin: { ttlSeconds: null } })
    const headers = { 'cache-control': 'no-store' }
    fixture.serve('/a', {
      sizeBytes: SIZE,
      etag: '"v1"',
      lastModified: null,
      headers,
      breakAfterBytes: SLICE,
      breakBy: 'stall',
    })
    const [file] = fixture.service.published.of({ url: `${fixture.hostile.origin}/a`, headers: {} })
    const reader = await fixture.open('/a')
    expect(file?.whileRead(versionAt('"v1"'))).toBeNull()
    reader.destroy()
  })
})
