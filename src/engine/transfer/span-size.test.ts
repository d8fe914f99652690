import { describe, expect, it } from 'vitest'
import { MIB } from '../../server/domain/bytes.ts'
import { aheadBytesNow, lastSpanBytes, readsThroughWindows, spanBytesNow } from './span-size.ts'
import type { TransferRun } from './transfer-run.ts'

/** As much of a run as lengths depend on: parts of 100 MiB, ten upload lanes, a budget of 256 MiB. */
function runWith({
  lanes = 8,
  open = 10,
  isExhausted = false,
  isClosed = false,
  restBytes = 0,
  rateMib = 5,
  learnedLanes = null as number | null,
  limit = null as number | null,
}) {
  const origin = { lanes, prospectiveLanes: lanes, firstByteMs: 0, laneBytesPerSecond: rateMib * MIB, learnedLanes }
  return {
    limits: { uploadLanes: 10, spanBytes: 8 * MIB, shape: 'streamed' },
    plan: { partSizeBytes: 100 * MIB },
    ...{ limiter: { bytesPerSecond: limit }, bandwidth: { bytesPerSecond: null } },
    ...{ file: null, origin, pool: { bufferBytes: MIB }, budget: { totalBytes: 256 * MIB } },
    ...{
      board: { size: open, isClosed, all: [{ stream: { endByte: restBytes, nextSpanByte: 0 } }] },
      work: { isExhausted },
    },
  } as unknown as TransferRun
}

describe('how a streamed part is read', () => {
  it('goes through windows where each lane has a part of its own', () => {
    expect(readsThroughWindows(runWith({}))).toBe(true)
    expect(readsThroughWindows(runWith({ lanes: 11 }))).toBe(false)
  })

  it('asks through a window for no more than a second of one connection, and for little while nobody knows its rate', () => {
    const spanMib = (origin: Parameters<typeof runWith>[0]) => spanBytesNow(runWith(origin)) / MIB
    expect([1, 5, 12, 500].map((rateMib) => spanMib({ rateMib }))).toEqual([2, 5, 12, 16])
    expect(spanMib({ rateMib: 0 })).toBe(2)
    // Its lanes are known: then it is the bucket that held all requests back, and nothing waits behind them.
    expect(spanMib({ rateMib: 0, learnedLanes: 8 })).toBe(16)
    // Under a limit a connection is slow, whatever the source is.
    expect([0, 5].map((rateMib) => spanMib({ rateMib, limit: 100 * MIB }))).toEqual([16, 16])
  })

  it('has all lanes read ahead in the parts that are left, of a file of one part too', () => {
    for (const last of [{ isExhausted: true }, { isClosed: true }]) {
      const run = runWith({ lanes: 8, open: 1, ...last })
      expect(readsThroughWindows(run)).toBe(false)
      const spanBytes = spanBytesNow(run)
      // Eight requests fit between the upload lane and the mark.
      expect(aheadBytesNow(run, spanBytes) / spanBytes).toBe(8)
      expect(aheadBytesNow(runWith({ lanes: 8, open: 4, ...last }), spanBytes) / spanBytes).toBe(2)
    }
    // Parts that are to come still will have lanes of their own.
    expect(readsThroughWindows(runWith({ lanes: 8, open: 1 }))).toBe(true)
  })

  it('shares the last bytes out, so that all lanes end together', () => {
    const spanBytes = 8 * MIB
    const wanted = (restMib: number, last = { isExhausted: true }) =>
      lastSpanBytes(runWith({ lanes: 20, restBytes: restMib * MIB, ...last }), spanBytes) / MIB
    // 200 MiB are enough for twenty whole requests; of 61 each lane would have 3.05, in whole slices 4.
    expect([wanted(200), wanted(61), wanted(60), wanted(1)]).toEqual([8, 4, 3, 1])
    // While there is more to come, nobody knows what is last.
    expect(wanted(60, { isExhausted: false })).toBe(8)
    // A lane for each part reads through a window, however long the request.
    expect(lastSpanBytes(runWith({ lanes: 10, restBytes: 10 * MIB, isExhausted: true }), spanBytes)).toBe(spanBytes)
  })
})
