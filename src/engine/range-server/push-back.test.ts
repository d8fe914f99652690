import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 48 * SLICE

/** Six readers, each of eight slices of its own, at once. */
async function readInSix() {
  const ranges = Array.from({ length: 6 }, (_, at) => ({ start: at * 8 * SLICE, end: (at + 1) * 8 * SLICE }))
  const answers = await Promise.all(
    ranges.map(({ start, end }) => fixture.get('/a', { range: `bytes=${start}-${end - 1}` })),
  )
  return answers.map(({ body, status, isCut }, at) => {
    const { start, end } = ranges[at] as { start: number; end: number }
    return { status, isCut, isRight: body.equals(patternBytes(start, end)) }
  })
}

describe('correctness 24: a 403', () => {
  test('to a file that nobody has read is passed on at once, and says nothing against the origin', async () => {
    fixture = await openRangeFixture({ origin: { ttlSeconds: 0 } })
    let isForbidden = true
    fixture.serve('/a', () => (isForbidden ? { status: 403 } : { sizeBytes: SIZE }))
    // More often than failures open the breaker.
    for (let time = 0; time < 8; time++) expect((await fixture.get('/a')).status).toBe(403)
    expect(fixture.hostile.requests('/a')).toHaveLength(8)
    expect(fixture.figures().origins[0]).toMatchObject({ breaker: 'closed' })
    isForbidden = false
    const { status, body } = await fixture.get('/a')
    expect([status, body.equals(patternBytes(0, SIZE))]).toEqual([200, true])
  })

  test('to some of many requests for a file that others get is push-back: every reader has its bytes', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', {
      sizeBytes: SIZE,
      bytesPerSecond: 2 * 1024 * 1024,
      maxConcurrent: 2,
      surplus: { status: 403 },
    })
    // The first slice has been read, so the file is one that we may read.
    expect((await fixture.get('/a', { range: 'bytes=0-9' })).status).toBe(206)
    for (const answer of await readInSix()) expect(answer).toEqual({ status: 206, isCut: false, isRight: true })
    expect(fixture.hostile.requests('/a').filter(({ status }) => status === 403)).not.toEqual([])
    expect(fixture.figures().origins[0]).toMatchObject({ breaker: 'closed', errors: 0 })
  })

  test('that stays ends the reading after the tries there are, and trips no breaker', async () => {
    fixture = await openRangeFixture()
    let isForbidden = false
    fixture.serve('/a', () => (isForbidden ? { status: 403 } : { sizeBytes: SIZE }))
    expect((await fixture.get('/a', { range: 'bytes=0-9' })).status).toBe(206)
    isForbidden = true
    const before = fixture.hostile.requests('/a').length
    expect((await fixture.get('/a', { range: `bytes=${40 * SLICE}-${40 * SLICE + 9}` })).status).toBe(403)
    expect(fixture.hostile.requests('/a').length - before).toBe(1 + 2)
    expect(fixture.figures().origins[0]).toMatchObject({ breaker: 'closed' })
    // What was read before is of the same version still.
    expect((await fixture.get('/a', { range: 'bytes=0-9' })).status).toBe(206)
  })
})
