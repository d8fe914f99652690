import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { openRangeFixture, type RangeFixture } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 300_000

/** A GET in HTTP/1.0: what came, and whether the connection ended as if that were all. */
function getAsOld(): Promise<{ readonly body: Buffer; readonly endsCleanly: boolean }> {
  const { promise, resolve } = Promise.withResolvers<{ readonly body: Buffer; readonly endsCleanly: boolean }>()
  const chunks: Buffer[] = []
  const over = (endsCleanly: boolean) => {
    const all = Buffer.concat(chunks)
    resolve({ body: all.subarray(all.indexOf('\r\n\r\n') + 4), endsCleanly })
  }
  connect(fixture.port, '127.0.0.1')
    .on('data', (chunk) => chunks.push(chunk))
    .on('end', () => over(true))
    .on('error', () => over(false))
    .write('GET /o/files/a HTTP/1.0\r\n\r\n')
  return promise
}

test('a reader of HTTP/1.0 gets a file of unknown length whole', async () => {
  fixture = await openRangeFixture()
  fixture.serve('/a', { sizeBytes: SIZE, ranges: 'ignored', length: 'chunked' })
  const { body, endsCleanly } = await getAsOld()
  expect([body.equals(patternBytes(0, SIZE)), endsCleanly]).toEqual([true, true])
})

test('one of which the origin breaks off never ends as if it were whole (correctness 43)', async () => {
  fixture = await openRangeFixture()
  const broken = { breakAfterBytes: 200_000, breakBy: 'reset' } as const
  fixture.serve('/a', { sizeBytes: SIZE, ranges: 'ignored', length: 'chunked', ...broken })
  expect((await getAsOld()).endsCleanly).toBe(false)
})
