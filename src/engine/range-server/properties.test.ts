import fc from 'fast-check'
import { expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { EVERY_SWITCH, openRangeFixture, type RangeAnswer } from './testing/range-fixture.ts'

const SLICE = 512
const SIZE = 20 * SLICE + 77

/** What a reader may do next: read some ranges, or let the cache lose everything. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(
        fc.oneof(
          fc
            .tuple(fc.nat(SIZE + 100), fc.nat(4 * SLICE))
            .map(([first, length]) => ({ header: `${first}-${first + length}`, first, end: first + length + 1 })),
          fc.nat(SIZE + 100).map((first) => ({ header: `${first}-`, first, end: Number.POSITIVE_INFINITY })),
          fc.integer({ min: 1, max: SIZE + 100 }).map((suffix) => ({
            header: `-${suffix}`,
            first: Math.max(0, SIZE - suffix),
            end: Number.POSITIVE_INFINITY,
          })),
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((ranges) => ({ kind: 'read' as const, ranges })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'whole' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'purge' as const }) },
)

test('any sequence of reads, on a cache of any size, gives the bytes of the plain file', async () => {
  const plain = patternBytes(0, SIZE)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(1, 3, 100),
      fc.constantFrom('right', 'ignored'),
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom(...EVERY_SWITCH),
      async (rounds, maxSlices, ranges, prefetchSlices, [, features]) => {
        const settings = { sliceSizeBytes: SLICE, prefetchSlices }
        const fixture = await openRangeFixture({ maxSlices, settings, features })
        try {
          fixture.serve('/a', { sizeBytes: SIZE, ranges: ranges as 'right' | 'ignored' })
          // The steps of a round happen at once, the rounds one after the other.
          for (const round of rounds)
            await Promise.all(
              round.map(async (one) => {
                if (one.kind === 'purge') return void (await fixture.service.purge('all'))
                if (one.kind === 'whole') return expect((await fixture.get('/a')).body.equals(plain)).toBe(true)
                const header = `bytes=${one.ranges.map((range) => range.header).join()}`
                const answer = await fixture.get('/a', { range: header })
                const wanted = one.ranges.filter(({ first }) => first < SIZE)
                if (wanted.length === 0) return expect(answer.status).toBe(416)
                expect([answer.status, answer.isCut]).toEqual([206, false])
                const got = piecesOf(answer)
                for (const { start, bytes } of got)
                  expect(bytes.equals(plain.subarray(start, start + bytes.length))).toBe(true)
                for (const { first, end } of wanted)
                  expect(
                    got.some(({ start, bytes }) => start <= first && start + bytes.length >= Math.min(end, SIZE)),
                  ).toBe(true)
              }),
            )
        } finally {
          await fixture.close()
        }
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)

/** The pieces of a 206, single or multipart, each where its Content-Range says it is. */
function piecesOf({ headers, body }: RangeAnswer): { start: number; bytes: Buffer }[] {
  const single = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')
  if (single) return [{ start: Number(single[1]), bytes: body }]
  const boundary = /boundary=(\w+)/.exec(headers['content-type'] ?? '')?.[1] ?? ''
  const pieces: { start: number; bytes: Buffer }[] = []
  expect(body.subarray(-boundary.length - 8).toString('latin1')).toBe(`\r\n--${boundary}--\r\n`)
  for (let at = 0; ; ) {
    const head = body.indexOf('\r\n\r\n', at)
    if (head < 0) break
    const match = /Content-Range: bytes (\d+)-(\d+)\//i.exec(body.toString('latin1', at, head))
    if (!match) break
    const [start, last] = [Number(match[1]), Number(match[2])]
    pieces.push({ start, bytes: body.subarray(head + 4, head + 4 + last + 1 - start) })
    at = head + 4 + last + 1 - start
  }
  expect(pieces.length).toBeGreaterThan(1)
  return pieces
}
