import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRanges } from './byte-ranges.ts'

/** What a header means for a file of 1,000 bytes: `[start, end)` pairs, or what else happens. */
function meaning(header: string, sizeBytes = 1000): [number, number][] | 'ignore' | 'refuse' {
  const verdict = parseRanges(header, sizeBytes)
  return verdict.kind === 'ranges' ? verdict.ranges.map(({ startByte, endByte }) => [startByte, endByte]) : verdict.kind
}

describe('one range', () => {
  test.each<[string, [number, number][]]>([
    ['bytes=0-0', [[0, 1]]],
    ['bytes=0-499', [[0, 500]]],
    ['bytes=999-', [[999, 1000]]],
    ['bytes=500-', [[500, 1000]]],
    ['bytes=0-', [[0, 1000]]],
    ['bytes=900-5000', [[900, 1000]]],
    ['bytes=0-999999999999999', [[0, 1000]]],
    ['bytes=-1', [[999, 1000]]],
    ['bytes=-1000', [[0, 1000]]],
    ['bytes=-99999', [[0, 1000]]],
    ['BYTES=1-2', [[1, 3]]],
    ['bytes = 1-2', [[1, 3]]],
    ['bytes= 1-2 ', [[1, 3]]],
    ['bytes=007-8', [[7, 9]]],
  ])('%s', (header, ranges) => {
    expect(meaning(header)).toEqual(ranges)
  })
})

describe('several ranges', () => {
  test.each<[string, [number, number][]]>([
    [
      'bytes=0-0,-1',
      [
        [0, 1],
        [999, 1000],
      ],
    ],
    [
      'bytes=500-509, 0-9',
      [
        [500, 510],
        [0, 10],
      ],
    ],
    ['bytes=,0-9,,', [[0, 10]]],
    ['bytes=0-9,5000-', [[0, 10]]],
    ['bytes=0-499,400-599', [[0, 600]]],
    ['bytes=0-9,10-19', [[0, 20]]],
    ['bytes=0-9,100-109', [[0, 110]]],
    ['bytes=200-,0-,-1', [[0, 1000]]],
    [
      'bytes=990-999,0-9,995-999',
      [
        [990, 1000],
        [0, 10],
      ],
    ],
  ])('%s', (header, ranges) => {
    expect(meaning(header)).toEqual(ranges)
  })
})

describe('what is no range is ignored', () => {
  test.each(['items=0-5', 'bytes', 'bytes:0-5', 'bytes=a-b', 'bytes=0-5,x', 'bytes=--5', 'bytes=-', 'bytes=0--1', ''])(
    '%s',
    (header) => expect(meaning(header)).toBe('ignore'),
  )
})

describe('what cannot be satisfied is refused (correctness 11)', () => {
  test.each(['bytes=1000-', 'bytes=5000-6000', 'bytes=5-4', 'bytes=-0', 'bytes=', 'bytes=,', 'bytes=1000-,-0'])(
    '%s',
    (header) => expect(meaning(header)).toBe('refuse'),
  )
})

describe('an empty file', () => {
  test.each([
    ['bytes=0-', 'refuse'],
    ['bytes=0-0', 'refuse'],
    ['bytes=-0', 'refuse'],
    ['bytes=-5', 'ignore'],
    ['bytes=0--1', 'ignore'],
  ])('%s: %s', (header, outcome) => {
    expect(meaning(header, 0)).toBe(outcome)
  })
})

describe('abuse is bounded', () => {
  test('three hundred times the whole file is refused, sixty times is sent once', () => {
    const times = (count: number) => `bytes=${Array(count).fill('0-').join()}`
    expect(meaning(times(300))).toBe('refuse')
    expect(meaning(times(60))).toEqual([[0, 1000]])
  })

  test('more than sixteen far ranges are refused', () => {
    const far = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, at) => `${at * 1000}-${at * 1000}`).join()}`
    expect(meaning(far(16), 1e6)).toHaveLength(16)
    expect(meaning(far(17), 1e6)).toBe('refuse')
  })

  test('whatever is asked for, no byte is sent twice and none beyond the file', () => {
    const spec = fc.oneof(
      fc.tuple(fc.nat(1500), fc.nat(1500)).map(([first, length]) => `${first}-${first + length}`),
      fc.nat(1500).map((first) => `${first}-`),
      fc.nat(1500).map((suffix) => `-${suffix}`),
    )
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 20 }), fc.nat(1200), (specs, sizeBytes) => {
        const ranges = meaning(`bytes=${specs.join()}`, sizeBytes)
        if (typeof ranges === 'string') return
        const sorted = [...ranges].sort(([a], [b]) => a - b)
        for (const [index, [start, end]] of sorted.entries()) {
          expect(start).toBeLessThan(end)
          expect(end).toBeLessThanOrEqual(sizeBytes)
          expect(start).toBeGreaterThanOrEqual(sorted[index - 1]?.[1] ?? 0)
        }
      }),
    )
  })

  test('no header is slow to read', () => {
    fc.assert(fc.property(fc.string({ maxLength: 8000 }), (text) => void parseRanges(`bytes=${text}`, 1000)))
  })
})
