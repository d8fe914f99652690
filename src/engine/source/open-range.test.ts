import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { firstly, type HostileAnswer, type HostileBehaviour } from '../testing/hostile-behaviour.ts'
import { type HostileFixture, openHostileFixture, outcomeOf } from '../testing/hostile-fixture.ts'
import { HTTP_CLIENTS } from './http-client.ts'

const SIZE = 300_000
const WANTED = { startByte: 65_536, endByte: 131_072 }

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  let fixture: HostileFixture
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient })
  })
  afterEach(() => fixture.close())

  const { signal } = new AbortController()
  const targetOf = (behaviour: HostileBehaviour) => ({ url: fixture.hostile.serve('/a', behaviour), headers: {} })
  const ranges = () => fixture.hostile.requests().map(({ headers }) => headers.range)

  test('the range that is wanted comes with the question what the file is, in one request', async () => {
    const target = targetOf({ sizeBytes: SIZE })
    const { probe, range } = await fixture.source.openRange(target, WANTED, signal)
    expect(probe.identity).toMatchObject({ sizeBytes: SIZE, etag: '"v1"', acceptsRanges: true })
    expect(range).toEqual(WANTED)
    const { identity, opened } = probe
    const { bytes } = await outcomeOf((sink) =>
      fixture.source.readRange({ target, identity, ...WANTED, sink, signal, opened }),
    )
    expect(bytes).toEqual(patternBytes(WANTED.startByte, WANTED.endByte))
    expect(ranges()).toEqual(['bytes=65536-131071'])
  })

  test('beyond the end it is as long as the file', async () => {
    const target = targetOf({ sizeBytes: 100_000 })
    const { probe, range } = await fixture.source.openRange(target, WANTED, signal)
    expect([probe.identity.sizeBytes, range]).toEqual([100_000, { startByte: 65_536, endByte: 100_000 }])
    probe.opened?.discard()
  })

  test('what was kept is held against the identity it is read with', async () => {
    const target = targetOf({ sizeBytes: SIZE })
    const { probe } = await fixture.source.openRange(target, WANTED, signal)
    const identity = { ...probe.identity, etag: '"v2"' }
    const { bytes, error } = await outcomeOf((sink) =>
      fixture.source.readRange({ target, identity, ...WANTED, sink, signal, opened: probe.opened }),
    )
    expect([bytes?.length ?? 0, error]).toMatchObject([0, { code: 'source_changed' }])
  })

  test('all of the file instead of the range is kept to be read as one stream', async () => {
    const target = targetOf({ sizeBytes: SIZE, ranges: 'ignored' })
    const { probe, range } = await fixture.source.openRange(target, WANTED, signal)
    expect([probe.identity.acceptsRanges, range]).toEqual([false, null])
    const { identity, opened } = probe
    const { bytes } = await outcomeOf((sink) => fixture.source.readWhole({ target, identity, sink, signal, opened }))
    expect(bytes).toEqual(patternBytes(0, SIZE))
    expect(ranges()).toHaveLength(1)
  })

  test.each<[string, HostileAnswer]>([
    ['a range from elsewhere', { ranges: 'wrong-start' }],
    ['more than was asked for', { ranges: 'too-much' }],
    ['no total', { ranges: 'missing-total' }],
    ['a 206 without Content-Range', { ranges: 'no-content-range' }],
    ['a 416', { ranges: 'refused' }],
    ['an encoded body', { contentEncoding: 'gzip' }],
    ['a file of unknown length', { ranges: 'ignored', length: 'chunked' }],
  ])('%s is not kept, and a plain probe finds out', async (_, answer) => {
    const { probe, range } = await fixture.source.openRange(
      targetOf(firstly(1, { sizeBytes: SIZE, ...answer }, { sizeBytes: SIZE })),
      WANTED,
      signal,
    )
    expect([probe.opened, range]).toEqual([null, null])
    expect(probe.identity).toMatchObject({ sizeBytes: SIZE, acceptsRanges: true })
    expect(ranges()).toEqual(['bytes=65536-131071', 'bytes=0-0'])
  })

  test.each([404, 429, 500])('status %i is the failure it is', async (status) => {
    const failure = await fixture.source.openRange(targetOf({ status }), WANTED, signal).catch((error) => error)
    expect(failure.facts).toMatchObject({ status })
    expect(ranges()).toHaveLength(1)
  })
})
