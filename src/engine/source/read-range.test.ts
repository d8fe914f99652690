import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { firstly, type HostileBehaviour } from '../testing/hostile-behaviour.ts'
import {
  type HostileFixture,
  openHostileFixture,
  outcomeOf,
  pinnedIdentity,
  type ReadOutcome,
} from '../testing/hostile-fixture.ts'
import { HTTP_CLIENTS } from './http-client.ts'
import type { SourceIdentity } from './source.ts'

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  let fixture: HostileFixture
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient })
  })
  afterEach(() => fixture.close())

  const START = 300_000
  const END = 700_001
  const LATER = 'Tue, 03 Nov 2026 10:00:00 GMT'
  const EARLIER = 'Mon, 02 Nov 2026 10:00:00 GMT'

  function readFrom(
    behaviour: HostileBehaviour,
    changes: Partial<SourceIdentity> = {},
    startByte = START,
    endByte = END,
  ): Promise<ReadOutcome> {
    const url = fixture.hostile.serve('/file', behaviour)
    return outcomeOf((sink) =>
      fixture.source.readRange({
        target: { url, headers: {} },
        identity: pinnedIdentity(changes),
        startByte,
        endByte,
        sink,
        signal: new AbortController().signal,
      }),
    )
  }

  /** Refused with this code, and the sink never got a byte. */
  async function expectRefusedBeforeBytes(outcome: Promise<ReadOutcome>, code: string): Promise<unknown> {
    const { bytes, error } = await outcome
    expect(error).toMatchObject({ code })
    expect(bytes.length).toBe(0)
    return error
  }

  test('correctness 10, 15 and 18: a range is asked for absolutely, as identity, without If-Range and Referer, and arrives byte for byte', async () => {
    const { bytes, result } = await readFrom({})
    expect(result).toEqual({ bytes: END - START, lengthVerified: true })
    expect(bytes.equals(patternBytes(START, END))).toBe(true)
    const headers = fixture.hostile.requests('/file')[0]?.headers
    expect(headers).toMatchObject({
      range: 'bytes=300000-700000',
      'accept-encoding': 'identity',
      'user-agent': 'Sluice/test',
    })
    expect(headers).not.toHaveProperty('referer')
    expect(headers).not.toHaveProperty('if-range')
  })

  test('a single byte, and the last byte of the file, arrive', async () => {
    const last = 1024 * 1024 - 1
    expect((await readFrom({}, {}, 0, 1)).bytes.equals(patternBytes(0, 1))).toBe(true)
    expect((await readFrom({}, {}, last, last + 1)).bytes.equals(patternBytes(last, last + 1))).toBe(true)
  })

  test('an empty range asks nobody', async () => {
    expect((await readFrom({}, {}, 5, 5)).result).toEqual({ bytes: 0, lengthVerified: true })
    expect(fixture.hostile.requests()).toHaveLength(0)
  })

  test('correctness 1: a 200 to a ranged GET is refused before a byte reaches the sink, and its body is cut off', async () => {
    const big = 256 * 1024 * 1024
    await expectRefusedBeforeBytes(
      readFrom({ ranges: 'ignored', sizeBytes: big }, { sizeBytes: big }),
      'source_range_refused',
    )
    await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
    expect(fixture.hostile.bytesSent()).toBeLessThan(big / 4)
  })

  test('correctness 2: ignoring Range has a code of its own, so that a caller reads one stream instead of retrying', async () => {
    const error = await expectRefusedBeforeBytes(readFrom({ ranges: 'ignored' }), 'source_range_refused')
    expect(error).toMatchObject({ retry: 'later' })
    expect(String(error)).toContain('the whole file (200)')
  })

  test('correctness 3: range support that comes back is used by the next read', async () => {
    const behaviour = firstly(1, { ranges: 'ignored' }, {})
    await expectRefusedBeforeBytes(readFrom(behaviour), 'source_range_refused')
    expect((await readFrom(behaviour)).bytes.equals(patternBytes(START, END))).toBe(true)
  })

  test('correctness 4: a 200 with the exact Content-Range and length is the slice it says', async () => {
    const { bytes } = await readFrom({ ranges: 'slice-as-200' })
    expect(bytes.equals(patternBytes(START, END))).toBe(true)
  })

  test('correctness 4: a 200 with a Content-Range but without a length is not believed', async () => {
    await expectRefusedBeforeBytes(readFrom({ ranges: 'slice-as-200', length: 'chunked' }), 'source_range_refused')
  })

  test('correctness 5: a 206 with another start is refused', async () => {
    const error = await expectRefusedBeforeBytes(readFrom({ ranges: 'wrong-start' }), 'source_range_refused')
    expect(String(error)).toContain('299008-700000 instead of 300000-700000')
  })

  test('correctness 5: a 206 with another end is refused', async () => {
    await expectRefusedBeforeBytes(readFrom({ ranges: 'too-much' }), 'source_range_refused')
  })

  test.each(['malformed', 'missing-total', 'no-content-range'] as const)(
    'correctness 6: a 206 with a Content-Range that is %s is refused',
    async (ranges) => {
      await expectRefusedBeforeBytes(readFrom({ ranges }), 'source_range_refused')
    },
  )

  test('correctness 6: a Content-Range with "*" for the total passes only where a strong ETag proves the file', async () => {
    expect((await readFrom({ ranges: 'star-total' })).error).toBeNull()
    const dated = { etag: null, lastModified: EARLIER }
    await expectRefusedBeforeBytes(readFrom({ ranges: 'star-total', ...dated }, dated), 'source_range_refused')
  })

  test('a 206 whose Content-Length contradicts its Content-Range is refused', async () => {
    await expectRefusedBeforeBytes(readFrom({ headers: { 'content-length': '17' } }), 'source_range_refused')
  })

  test('correctness 11: a 416 that names another size is a changed file, one that does not is a refused range', async () => {
    const shrunk = await expectRefusedBeforeBytes(readFrom({ sizeBytes: 1000 }), 'source_changed')
    expect(shrunk).toMatchObject({ facts: { validator: 'size', pinned: '1048576', seen: '1000' } })
    await expectRefusedBeforeBytes(readFrom({ ranges: 'refused' }), 'source_range_refused')
  })

  test('correctness 12: another ETag is a changed file, with both validators side by side', async () => {
    const error = await expectRefusedBeforeBytes(readFrom({ etag: '"v2"' }), 'source_changed')
    expect(error).toMatchObject({ retry: 'never', facts: { validator: 'ETag', pinned: '"v1"', seen: '"v2"' } })
    expect(String(error)).toContain('its ETag was "v1" and is now "v2"')
  })

  test('correctness 12: where there is no ETag, another Last-Modified is a changed file', async () => {
    const pinned = { etag: null, lastModified: EARLIER }
    const error = await expectRefusedBeforeBytes(
      readFrom({ etag: null, lastModified: LATER }, pinned),
      'source_changed',
    )
    expect(error).toMatchObject({ facts: { validator: 'Last-Modified', pinned: EARLIER, seen: LATER } })
    expect((await readFrom({ etag: null, lastModified: EARLIER }, pinned)).error).toBeNull()
  })

  test('correctness 12: a pinned validator that the answer leaves out is a changed file', async () => {
    await expectRefusedBeforeBytes(readFrom({ etag: null }), 'source_changed')
    const pinned = { etag: null, lastModified: EARLIER }
    await expectRefusedBeforeBytes(readFrom({ etag: '"new"' }, pinned), 'source_changed')
  })

  test('correctness 13: another total is a changed file although start, end and ETag fit', async () => {
    const error = await expectRefusedBeforeBytes(readFrom({ ranges: 'wrong-total' }), 'source_changed')
    expect(error).toMatchObject({ facts: { validator: 'size', pinned: '1048576', seen: '1048577' } })
  })

  test('correctness 14: an ETag that differs by node is never accepted in silence, not even with an equal Last-Modified', async () => {
    const pinned = { lastModified: EARLIER }
    await expectRefusedBeforeBytes(readFrom({ etag: '"node-b"', lastModified: EARLIER }, pinned), 'source_changed')
  })

  test('correctness 16: a weak ETag proves nothing, Last-Modified decides', async () => {
    const pinned = { etag: 'W/"v1"', lastModified: EARLIER }
    expect((await readFrom({ etag: 'W/"other"', lastModified: EARLIER }, pinned)).error).toBeNull()
    await expectRefusedBeforeBytes(readFrom({ etag: 'W/"v1"', lastModified: LATER }, pinned), 'source_changed')
  })

  test('correctness 16: a weak ETag where a strong one was pinned does not prove the file', async () => {
    await expectRefusedBeforeBytes(readFrom({ etag: 'W/"v1"' }), 'source_changed')
  })

  test('correctness 18: a 206 with a Content-Encoding is refused', async () => {
    const error = await expectRefusedBeforeBytes(readFrom({ contentEncoding: 'gzip' }), 'source_encoded')
    expect(String(error)).toContain('gzip')
  })

  test('correctness 19: an answer that ends early is truncated, to be retried now from the byte it reached', async () => {
    for (const length of ['declared', 'chunked', 'close'] as const) {
      const { bytes, error } = await readFrom({ length, breakAfterBytes: 100_000, breakBy: 'end' })
      expect(error).toMatchObject({ code: 'source_truncated', retry: 'now', facts: { receivedBytes: 100_000 } })
      expect(bytes.equals(patternBytes(START, START + 100_000))).toBe(true)
    }
  })

  test('correctness 19: chunks that break off without their end are truncated also where the connection would close', async () => {
    const headers = { connection: 'close' }
    const { error } = await readFrom({ length: 'chunked', headers, breakAfterBytes: 100_000, breakBy: 'end' })
    expect(error).toMatchObject({ code: 'source_truncated', retry: 'now' })
  })

  test('correctness 20: an answer with more bytes than the range fails instead of being cut to size', async () => {
    for (const length of ['chunked', 'close'] as const) {
      const { bytes, error } = await readFrom({ length, extraBytes: 70_000 })
      expect(error).toMatchObject({ code: 'source_protocol_error', retry: 'later' })
      expect(bytes.length).toBeLessThanOrEqual(END - START)
    }
  })

  test('correctness 20: a chunked range without a length is counted and passes', async () => {
    expect((await readFrom({ length: 'chunked' })).bytes.equals(patternBytes(START, END))).toBe(true)
    expect((await readFrom({ length: 'close' })).bytes.equals(patternBytes(START, END))).toBe(true)
  })

  test('a reset in the middle is a lost connection, to be retried now', async () => {
    const { bytes, error } = await readFrom({ breakAfterBytes: 130_000, breakBy: 'reset' })
    expect(error).toMatchObject({ code: 'connection_lost', retry: 'now' })
    expect(bytes.equals(patternBytes(START, START + bytes.length))).toBe(true)
  })

  test('correctness 24: 429 above a number of connections carries Retry-After, 0 included', async () => {
    const wait = async (value: string) => {
      const { error } = await readFrom({ status: 429, headers: { 'retry-after': value } })
      expect(error).toMatchObject({ code: 'source_rate_limited', retry: 'later' })
      return (error as { retryAfterMs?: number }).retryAfterMs
    }
    expect(await wait('0')).toBe(0)
    expect(await wait('7')).toBe(7000)
    expect(await wait('soon')).toBeUndefined()
  })

  test('correctness 24: a 503 carries Retry-After as a date', async () => {
    const headers = { date: 'Mon, 02 Nov 2026 10:00:00 GMT', 'retry-after': 'Mon, 02 Nov 2026 10:00:09 GMT' }
    const { error } = await readFrom({ status: 503, headers })
    expect(error).toMatchObject({ code: 'source_error', retry: 'later', retryAfterMs: 9000 })
  })

  test('correctness 24: a source that takes four connections refuses the fifth and no other', async () => {
    const url = fixture.hostile.serve('/few', { maxConcurrent: 4, breakAfterBytes: 1000, breakBy: 'stall' })
    const abort = new AbortController()
    const read = (index: number) =>
      fixture.source.readRange({
        target: { url, headers: {} },
        identity: pinnedIdentity(),
        startByte: index * 10_000,
        endByte: index * 10_000 + 5000,
        sink: () => true,
        signal: abort.signal,
      }).done
    const stalled = [0, 1, 2, 3].map(read)
    await fixture.hostile.until(() => fixture.hostile.bytesSent('/few') === 4000)
    await expect(read(4)).rejects.toMatchObject({ code: 'source_rate_limited' })
    abort.abort(new Error('enough'))
    for (const each of stalled) await expect(each).rejects.toThrow('enough')
  })

  test.each([
    [401, 'source_unauthorized', 'never'],
    [403, 'source_forbidden', 'never'],
    [404, 'source_not_found', 'never'],
    [410, 'source_gone', 'never'],
    [408, 'source_error', 'later'],
    [418, 'source_error', 'never'],
    [500, 'source_error', 'later'],
    [502, 'source_error', 'later'],
    [304, 'source_error', 'never'],
  ])('status %i is %s, retry %s', async (status, code, retry) => {
    const error = await expectRefusedBeforeBytes(readFrom({ status, body: status === 304 ? '' : 'no' }), code)
    expect(error).toMatchObject({ retry })
  })

  test('headers of the user go along, except those that Sluice decides itself', async () => {
    const url = fixture.hostile.serve('/file', {})
    const headers = { Authorization: 'Bearer canary', 'Accept-Encoding': 'gzip', Range: 'bytes=0-9', 'X-Team': 'a' }
    await fixture.source.readRange({
      target: { url, headers },
      identity: pinnedIdentity(),
      startByte: 10,
      endByte: 20,
      sink: () => true,
      signal: new AbortController().signal,
    }).done
    expect(fixture.hostile.requests('/file')[0]?.headers).toMatchObject({
      authorization: 'Bearer canary',
      'x-team': 'a',
      'accept-encoding': 'identity',
      range: 'bytes=10-19',
    })
  })

  test('a sink that throws ends the read with its error and closes the connection', async () => {
    const url = fixture.hostile.serve('/file', {})
    const read = fixture.source.readRange({
      target: { url, headers: {} },
      identity: pinnedIdentity(),
      startByte: START,
      endByte: END,
      sink: () => {
        throw new Error('no room')
      },
      signal: new AbortController().signal,
    })
    await expect(read.done).rejects.toThrow('no room')
    await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
  })
})
