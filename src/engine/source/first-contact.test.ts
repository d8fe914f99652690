import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { firstly, type HostileBehaviour, once } from '../testing/hostile-behaviour.ts'
import { type HostileFixture, openHostileFixture, outcomeOf } from '../testing/hostile-fixture.ts'
import { HTTP_CLIENTS } from './http-client.ts'

const MOST = 100_000

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  let fixture: HostileFixture
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient })
  })
  afterEach(() => fixture.close())

  const contact = (behaviour: HostileBehaviour) =>
    fixture.source.firstContact(
      { url: fixture.hostile.serve('/a.bin', behaviour), headers: {} },
      MOST,
      new AbortController().signal,
    )
  const ranges = () => fixture.hostile.requests().map(({ headers }) => headers.range)

  test.each([1, 5000, MOST])('a file of %i bytes comes with its probe, in one request', async (sizeBytes) => {
    const { probe, whole } = await contact({ sizeBytes })
    expect(probe.identity).toMatchObject({ sizeBytes, etag: '"v1"', acceptsRanges: true })
    expect(whole?.sizeBytes).toBe(sizeBytes)
    const { bytes, error } = await outcomeOf((sink) => whole?.read(sink) ?? expect.fail())
    expect(error).toBeNull()
    expect(bytes).toEqual(patternBytes(0, sizeBytes))
    expect(ranges()).toEqual(['bytes=0-99999'])
  })

  test('case 9: so a small file of a link that works once arrives', async () => {
    const { whole } = await contact(once({ sizeBytes: 5000 }))
    expect((await outcomeOf((sink) => whole?.read(sink) ?? expect.fail())).bytes).toEqual(patternBytes(0, 5000))
  })

  test('a larger file is only probed, and its body is cut off', async () => {
    const { probe, whole } = await contact({ sizeBytes: 256 * 1024 * 1024 })
    expect(whole).toBeNull()
    expect(probe).toMatchObject({ identity: { sizeBytes: 256 * 1024 * 1024, acceptsRanges: true }, warnings: [] })
    expect(ranges()).toEqual(['bytes=0-99999'])
    expect(fixture.hostile.bytesSent()).toBeLessThanOrEqual(MOST)
  })

  test('an empty file is seen to be empty', async () => {
    const { probe, whole } = await contact({ sizeBytes: 0 })
    expect([probe.identity.sizeBytes, whole]).toEqual([0, null])
  })

  test('case 2: a 200 with all of a small file is taken, and says nothing of ranges', async () => {
    const { probe, whole } = await contact({ sizeBytes: 5000, ranges: 'ignored' })
    expect(probe).toMatchObject({ identity: { sizeBytes: 5000, acceptsRanges: false }, warnings: [] })
    expect((await outcomeOf((sink) => whole?.read(sink) ?? expect.fail())).bytes).toEqual(patternBytes(0, 5000))
  })

  test('case 2: a 200 with a larger file, or one of unknown length, is a source without ranges', async () => {
    const larger = await contact({ sizeBytes: MOST + 1, ranges: 'ignored' })
    expect(larger).toMatchObject({ whole: null, probe: { identity: { sizeBytes: MOST + 1, acceptsRanges: false } } })
    const unknown = await contact({ sizeBytes: 5000, ranges: 'ignored', length: 'chunked' })
    expect(unknown).toMatchObject({ whole: null, probe: { identity: { sizeBytes: null, acceptsRanges: false } } })
  })

  test.each(['malformed', 'missing-total', 'no-content-range', 'star-total', 'wrong-start'] as const)(
    'cases 1, 5 and 6: no byte is taken of an odd answer (%s)',
    async (odd) => {
      const { probe, whole } = await contact({ sizeBytes: 5000, ranges: odd })
      expect([probe.identity.acceptsRanges, whole]).toEqual([false, null])
      expect(ranges().slice(0, 1)).toEqual(['bytes=0-99999'])
    },
  )

  test('case 18: a compressed answer is not taken for the file', async () => {
    const { probe, whole } = await contact({ sizeBytes: 5000, contentEncoding: 'gzip' })
    expect(whole).toBeNull()
    expect(probe.warnings.map(({ code }) => code)).toContain('encoded')
  })

  test.each(['end', 'reset'] as const)('case 19: a body cut short by %s is an error, never a file', async (breakBy) => {
    const { whole } = await contact({ sizeBytes: 5000, breakAfterBytes: 3000, breakBy })
    const { error } = await outcomeOf((sink) => whole?.read(sink) ?? expect.fail())
    expect(error).toMatchObject({ retry: 'now' })
  })

  test('a server that breaks off what it does not like is asked for one byte', async () => {
    const { probe, whole } = await contact(firstly(1, { status: 501 }, { sizeBytes: 5000 }))
    expect([probe.identity.sizeBytes, whole?.sizeBytes ?? null]).toEqual([5000, null])
    expect(ranges()).toEqual(['bytes=0-99999', 'bytes=0-0'])
  })
})
