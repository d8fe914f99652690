import { expect, test } from 'vitest'
import type { ReadLane } from '../source/origin.ts'
import type { RangeRequest, ReadResult, Source } from '../source/source.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { RANKS } from './fetch-queue.ts'
import { OriginBreaker } from './origin-breaker.ts'
import { OriginGate } from './origin-gate.ts'
import { RequestLimiter } from './request-limiter.ts'
import { Slice } from './slice.ts'
import { type FileSlice, SlicedFile } from './sliced-file.ts'
import { type ReadCounters, SpanFetch } from './span-fetch.ts'
import { createPlainCache } from './testing/plain-cache.ts'

const SLICE = 1000
const SIZE = 3 * SLICE
const LANE = { delivered: () => undefined } as unknown as ReadLane

/** A span over three slices, and the request that it has made; or the answer of a first contact, which carries `joined` of them. */
function beginSpan(joined: readonly number[] | null = null) {
  const read = Promise.withResolvers<ReadResult>()
  const requests: RangeRequest[] = []
  const source = {
    readRange(request: RangeRequest) {
      requests.push(request)
      request.signal.addEventListener('abort', () => read.reject(request.signal.reason))
      return { done: read.promise, resume: () => undefined }
    },
  } as unknown as Source
  const counters: ReadCounters = {
    ...{ originFetches: 0, originBytes: 0, failedFetches: 0, abortedFetches: 0 },
    ...{ retries: 0, coalescedSlices: 0, prefetchedSlices: 0, fallbacks: 0 },
  }
  const meter = { originBytes: 0 }
  const cache = createPlainCache()
  const file = new SlicedFile({
    ...{ objectId: 'o', version: 'v', target: { url: 'http://origin/a', headers: {} }, sliceSizeBytes: SLICE, cache },
    identity: { sizeBytes: SIZE, etag: '"v1"', lastModified: null, acceptsRanges: true },
    gate: new OriginGate({
      lanes: () => expect.fail(),
      limiter: new RequestLimiter({ maxRequests: 1, maxQueued: 1, maxBytes: SIZE }),
      breaker: new OriginBreaker({ isOn: false, failures: 1, openMs: 1 }),
      hasPriorities: true,
      meter,
    }),
  })
  const slices: FileSlice[] = [0, 1, 2].map((index) => new Slice(file, index, RANKS.short, async () => true))
  const opened = joined && { discard: () => undefined }
  const span = new SpanFetch(slices, source, counters, 10_000, { opened })
  for (const index of joined ?? []) span.join(slices[index] as FileSlice)
  const done = span.run(LANE)
  const send = (startByte: number, endByte: number) => {
    requests[0]?.sink(patternBytes(startByte, endByte))
    if (endByte === SIZE) read.resolve({ bytes: SIZE, lengthVerified: true })
  }
  const fetchOn = (left: readonly FileSlice[]) => {
    const next = new SpanFetch(left, source, counters, 10_000)
    void next.run(LANE).catch(() => undefined)
    return requests.at(-1) as RangeRequest
  }
  const isGivenUp = () => requests[0]?.signal.aborted
  return { span, done, send, fail: read.reject, fetchOn, slices, counters, meter, cache, isGivenUp }
}

test('what lies behind the last slice that is wanted was not taken, though it came in the same chunk', async () => {
  const { span, done, send, slices, counters, meter, cache, isGivenUp } = beginSpan()
  send(0, 700)
  expect(span.giveAway(1)).toEqual(slices.slice(1))
  expect(isGivenUp()).toBe(false)
  send(700, 2300)
  await done
  expect(isGivenUp()).toBe(true)
  expect(await slices[0]?.bytes).toEqual(patternBytes(0, SLICE))
  expect([counters.originBytes, meter.originBytes, span.receivedBytes]).toEqual([SLICE, SLICE, SLICE])
  expect(cache.slices.size).toBe(1)
  // The others are whoever's they were given to.
  expect(slices.slice(1).map(({ state, filledBytes }) => [state, filledBytes])).toEqual([
    ['resting', 0],
    ['resting', 0],
  ])
})

test('what is read past on the way to one that is wanted has come, and counts', async () => {
  const { done, send, slices, counters, meter } = beginSpan()
  slices[1]?.release()
  send(0, 2500)
  send(2500, SIZE)
  await done
  expect(await slices[2]?.bytes).toEqual(patternBytes(2 * SLICE, SIZE))
  expect([counters.originBytes, meter.originBytes]).toEqual([SIZE, SIZE])
})

test('one that is known to be missing late joins the answer that will pass it, which then brings it', async () => {
  const { span, done, send, slices } = beginSpan([0])
  send(0, 500)
  expect(slices.slice(1).map((slice) => span.join(slice))).toEqual([true, true])
  send(500, SIZE)
  await done
  expect(await slices[2]?.bytes).toEqual(patternBytes(2 * SLICE, SIZE))
  expect(span.join(slices[2] as FileSlice)).toBe(false)
})

test('what was given to others is not read past for one that is known to be missing late', async () => {
  const { span, done, send, slices, counters } = beginSpan([0, 1])
  send(0, 500)
  expect(span.giveAway(1)).toEqual([slices[1]])
  expect(span.join(slices[2] as FileSlice)).toBe(false)
  send(500, SIZE)
  await done
  expect([slices[2]?.state, counters.originBytes]).toEqual(['looking', SLICE])
})

test('one still looked for whose bytes pass before those that are wanted has come with them', async () => {
  const { done, send, slices } = beginSpan([1])
  send(0, SIZE)
  await done
  expect(await slices[0]?.bytes).toEqual(patternBytes(0, SLICE))
  expect(slices.map(({ state }) => state)).toEqual(['over', 'over', 'looking'])
})

test('a request that has failed is joined by none, and what came of a slice still looked for is gone on with', async () => {
  const { span, done, send, fail, fetchOn, slices } = beginSpan([1])
  send(0, 500)
  fail(new Error('the connection was lost'))
  await expect(done).rejects.toThrow('the connection was lost')
  const [first] = slices as [FileSlice]
  expect(span.join(first)).toBe(false)
  const { startByte, endByte, sink } = fetchOn([first])
  expect([startByte, endByte]).toEqual([500, SLICE])
  sink(patternBytes(500, SLICE))
  expect(await first.bytes).toEqual(patternBytes(0, SLICE))
})
