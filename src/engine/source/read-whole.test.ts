import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { type HostileBehaviour, redirectTo } from '../testing/hostile-behaviour.ts'
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
  const SIZE = 1024 * 1024
  const UNKNOWN: Partial<SourceIdentity> = { sizeBytes: null, acceptsRanges: false }

  let fixture: HostileFixture
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient })
  })
  afterEach(() => fixture.close())

  function readFrom(behaviour: HostileBehaviour, changes: Partial<SourceIdentity> = {}): Promise<ReadOutcome> {
    const url = fixture.hostile.serve('/file', behaviour)
    return outcomeOf((sink) =>
      fixture.source.readWhole({
        target: { url, headers: {} },
        identity: pinnedIdentity(changes),
        sink,
        signal: new AbortController().signal,
      }),
    )
  }

  test('the whole file comes with one GET without Range', async () => {
    const { bytes, result } = await readFrom({})
    expect(result).toEqual({ bytes: SIZE, lengthVerified: true })
    expect(bytes.equals(patternBytes(0, SIZE))).toBe(true)
    expect(fixture.hostile.requests()).toHaveLength(1)
    expect(fixture.hostile.requests()[0]?.headers).not.toHaveProperty('range')
  })

  test('an empty file has no bytes and a verified length', async () => {
    const { bytes, result } = await readFrom({ sizeBytes: 0 }, { sizeBytes: 0 })
    expect(bytes.length).toBe(0)
    expect(result).toEqual({ bytes: 0, lengthVerified: true })
  })

  test('correctness 20: chunks of unknown length end verifiably', async () => {
    const { bytes, result } = await readFrom({ length: 'chunked' }, UNKNOWN)
    expect(result).toEqual({ bytes: SIZE, lengthVerified: true })
    expect(bytes.equals(patternBytes(0, SIZE))).toBe(true)
  })

  test('correctness 20: where only the close of the connection marks the end, the length is not verified', async () => {
    expect((await readFrom({ length: 'close' }, UNKNOWN)).result).toEqual({ bytes: SIZE, lengthVerified: false })
    const cut = await readFrom({ length: 'close', breakAfterBytes: 100_000, breakBy: 'end' }, UNKNOWN)
    expect(cut.result).toEqual({ bytes: 100_000, lengthVerified: false })
  })

  test('correctness 20: a reset is no end, also where only the close marks it', async () => {
    const { error } = await readFrom({ length: 'close', breakAfterBytes: 200_000, breakBy: 'reset' }, UNKNOWN)
    expect(error).toMatchObject({ code: 'connection_lost', retry: 'now' })
  })

  test('correctness 20: a size that is known from the probe verifies an answer that names none', async () => {
    expect((await readFrom({ length: 'close' })).result).toEqual({ bytes: SIZE, lengthVerified: true })
    const cut = await readFrom({ length: 'close', breakAfterBytes: 100_000, breakBy: 'end' })
    expect(cut.error).toMatchObject({
      code: 'source_truncated',
      facts: { receivedBytes: 100_000, expectedBytes: SIZE },
    })
    const long = await readFrom({ length: 'close', extraBytes: 1 })
    expect(long.error).toMatchObject({ code: 'source_protocol_error' })
  })

  test('correctness 19: fewer bytes than declared, or chunks without their end, are truncated', async () => {
    for (const length of ['declared', 'chunked'] as const) {
      const { error, bytes } = await readFrom({ length, breakAfterBytes: 100_000, breakBy: 'end' }, UNKNOWN)
      expect(error).toMatchObject({ code: 'source_truncated', retry: 'now' })
      expect(bytes.equals(patternBytes(0, 100_000))).toBe(true)
    }
  })

  test('correctness 12: another ETag or another length than at first contact is a changed file', async () => {
    const etag = await readFrom({ etag: '"v2"' })
    expect(etag.error).toMatchObject({ code: 'source_changed', facts: { pinned: '"v1"', seen: '"v2"' } })
    const length = await readFrom({ sizeBytes: SIZE + 1 })
    expect(length.error).toMatchObject({ code: 'source_changed', facts: { validator: 'size' } })
    expect(etag.bytes.length + length.bytes.length).toBe(0)
  })

  test('correctness 18: a compressed answer passes as received where the probe knew it, and is refused where it did not', async () => {
    const { bytes } = await readFrom({ contentEncoding: 'gzip' }, UNKNOWN)
    expect(bytes.equals(patternBytes(0, SIZE))).toBe(true)
    expect((await readFrom({ contentEncoding: 'gzip' })).error).toMatchObject({ code: 'source_encoded' })
  })

  test('a part of the file where all of it was asked for is refused', async () => {
    const headers = { 'content-range': 'bytes 0-9/20' }
    expect((await readFrom({ status: 206, headers, body: '0123456789' })).error).toMatchObject({
      code: 'source_protocol_error',
    })
    expect((await readFrom({ headers })).error).toMatchObject({ code: 'source_protocol_error' })
  })

  test('redirects are followed, failures keep their code', async () => {
    fixture.hostile.serve('/there', {})
    expect((await readFrom(redirectTo('/there'))).result).toEqual({ bytes: SIZE, lengthVerified: true })
    fixture.hostile.serve('/there', { status: 500, body: '' })
    expect((await readFrom(redirectTo('/there'))).error).toMatchObject({ code: 'source_error', retry: 'later' })
  })
})
