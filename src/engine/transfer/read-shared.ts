import type { SpanWriter } from '../part/span-writer.ts'
import type { Slice } from '../slice/slice.ts'
import { EngineBandwidth } from './engine-bandwidth.ts'
import { keepsPace, type PacedRun } from './keep-pace.ts'
import { RateLimiter } from './rate-limiter.ts'
import type { FileMember } from './shared-file.ts'
import type { TransferRun } from './transfer-run.ts'

/** How often a slice that is waited for is looked after. */
const LOOK_MS = 500
/** A slice that takes so many times as long as one request should is asked for without the others. */
const SLOW_TIMES = 4

/** A transfer's own limit counts all that it gets, that of the engine only what its requests bring. */
const NO_BANDWIDTH_LIMIT = new EngineBandwidth()
const NO_RATE_LIMIT = new RateLimiter()

/**
 * Fills a span from slices that all transfers of the file share, in order. False where the rest has to be read without them: the slice
 * failed, or is slower than it should be. Nothing is held up by that: whoever reads for itself has its own retries and end game.
 * Rejects with the part's reason where that was closed.
 */
export async function readShared(
  run: TransferRun,
  writer: SpanWriter,
  member: FileMember,
  signal: AbortSignal,
): Promise<boolean> {
  run.meter.pooledReads++
  try {
    while (!writer.isDone) {
      const room = roomFor(writer, signal)
      if (room) await room
      signal.throwIfAborted()
      let endByte = Math.min(writer.endByte, member.sliceEnd(writer.nextByte, writer.roomSlices))
      if (run.limiter.bytesPerSecond !== null || run.bandwidth.bytesPerSecond !== null) {
        // Paid for before it is asked for, a slice at a time: what has come cannot be held back any more.
        const { nextByte } = writer
        endByte = Math.min(endByte, member.sliceEnd(nextByte, 1))
        await pace({ ...run, bandwidth: NO_BANDWIDTH_LIMIT }, endByte - nextByte, signal)
        await member.paid(nextByte, (bytes) => pace({ ...run, limiter: NO_RATE_LIMIT }, bytes, signal), signal)
      }
      if (!(await fill(run, writer, member, endByte, signal))) return false
    }
    return true
  } finally {
    run.meter.pooledReads--
    // The next span may be asked for.
    run.board.notify()
  }
}

async function fill(
  run: TransferRun,
  writer: SpanWriter,
  member: FileMember,
  endByte: number,
  signal: AbortSignal,
): Promise<boolean> {
  const slices = member.want(writer.nextByte, endByte)
  let next = 0
  try {
    for (; next < slices.length; next++) {
      const slice = slices[next] as Uint8Array | Slice
      const bytes = slice instanceof Uint8Array ? slice : await inTime(slice, run, member, signal)
      signal.throwIfAborted()
      if (bytes === null) return false
      const atByte = writer.nextByte
      const sliceByte = member.sliceEnd(atByte, 1) - bytes.length
      const piece = bytes.subarray(atByte - sliceByte, Math.min(bytes.length, endByte - sliceByte))
      // A whole slice goes in as it is: the same object for all, so that its checksum is known to all.
      writer.adopt(piece.length === bytes.length ? bytes : piece)
      member.taken(atByte, piece.length)
      if (!(slice instanceof Uint8Array)) slice.release()
    }
    return true
  } finally {
    for (const slice of slices.slice(next)) if (!(slice instanceof Uint8Array)) slice.release()
  }
}

/** Waits until the window of a span has room; null where there is nothing to wait for. */
export function roomFor(writer: SpanWriter, signal: AbortSignal): Promise<void> | null {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (!writer.waitsForRoom(resolve)) return null
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}

/** The bytes of a slice; null where it failed or is too slow. Rejects with the signal's reason. */
async function inTime(
  slice: Slice,
  run: TransferRun,
  member: FileMember,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const { promise: gaveUp, resolve, reject } = Promise.withResolvers<null>()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  let fetchingSinceMs: number | null = null
  const look = setInterval(() => {
    // Who waits for a lane waits no shorter alone; what was not asked for yet is no slow answer.
    if (slice.state !== 'fetching') fetchingSinceMs = null
    else fetchingSinceMs ??= performance.now()
    if (fetchingSinceMs !== null && performance.now() - fetchingSinceMs > patienceMs(run, member)) resolve(null)
  }, LOOK_MS)
  try {
    return await Promise.race([slice.bytes.catch(() => null), gaveUp])
  } finally {
    clearInterval(look)
    signal.removeEventListener('abort', onAbort)
  }
}

/** How long a slice may take once its request has begun. */
function patienceMs({ origin }: TransferRun, { file }: FileMember): number {
  const { firstByteMs, laneBytesPerSecond } = origin
  const usualMs = laneBytesPerSecond === 0 ? 0 : firstByteMs + (file.longestSpanBytes / laneBytesPerSecond) * 1000
  return Math.max(file.waitLimitMs, SLOW_TIMES * usualMs)
}

/** Waits until the limits of a run allow so many bytes. Rejects with the signal's reason. */
function pace(run: PacedRun, bytes: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (keepsPace(run, bytes, resolve, signal)) return Promise.resolve()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}
