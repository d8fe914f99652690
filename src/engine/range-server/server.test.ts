import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 1024 * 1024

describe('a published origin is served by ranges', () => {
  test('whole, then from the cache without asking the origin again', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a.bin', {})
    const cold = await fixture.get('/a.bin')
    expect(cold.status).toBe(200)
    expect(cold.body.equals(patternBytes(0, SIZE))).toBe(true)
    const asked = fixture.hostile.requests().length
    const warm = await fixture.get('/a.bin')
    expect(warm.body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(fixture.hostile.requests()).toHaveLength(asked)
    expect(warm.headers).toMatchObject({ 'cache-status': 'sluice; hit', 'content-length': String(SIZE) })
  })

  test('a range costs the origin the slices it lies in, aligned, whatever was asked for (correctness 49)', async () => {
    fixture = await openRangeFixture({ settings: { prefetchSlices: 0 } })
    fixture.serve('/a.bin', {})
    const { status, headers, body } = await fixture.get('/a.bin', { range: 'bytes=70000-70009' })
    expect(status).toBe(206)
    expect(headers['content-range']).toBe(`bytes 70000-70009/${SIZE}`)
    expect(body.equals(patternBytes(70_000, 70_010))).toBe(true)
    const ranges = fixture.hostile.requests('/a.bin').map(({ range }) => range)
    expect(ranges).toEqual([{ startByte: TEST_SLICE_BYTES, endByte: 2 * TEST_SLICE_BYTES }])
  })
})
