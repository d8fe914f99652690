import { PartStream } from '../part/part-stream.ts'
import type { Meter } from '../progress/meter.ts'
import type { Origin } from '../source/origin.ts'
import type { SourceProbe, SourceTarget } from '../source/source.ts'
import { Attempts } from './backoff.ts'
import type { Share } from './engine-bandwidth.ts'
import { keepsPace, placeWithin } from './keep-pace.ts'
import { SMALL_BYTES } from './one-request.ts'
import { isTooMuch, pushBackOf, tellOrigin } from './push-back.ts'
import type { RateLimiter } from './rate-limiter.ts'
import { Stop } from './stop.ts'
import type { WorkContext } from './work-context.ts'

/** Refusals of one file, nothing getting through, that still make the origin's lanes fewer (as in read-span.ts). */
const REFUSALS_THAT_COUNT = 3

/** What reading a small file needs. */
export interface SmallRead {
  readonly target: SourceTarget
  readonly mostBytes: number
  readonly origin: Origin
  readonly meter: Meter
  readonly limiter: RateLimiter
  readonly share: Share
  readonly signal: AbortSignal
  /** Bytes begin to come into it; null when they were given up. */
  readonly onBytes: (bytes: PartStream | null) => void
}

/** What the first contact has brought: the probe, and the whole file in memory where it is small. */
export interface ReadSmall {
  readonly probe: SourceProbe
  /** Whoever gets it disposes of it, which gives its buffers and reserved bytes back. */
  readonly bytes: PartStream | null
}

/**
 * Probes a source and reads it with the same request where it is small. Room is reserved before it is asked, and a lane of its
 * origin is had for it. All bytes come from the one answer that was probed; a read that breaks begins anew, with another probe. A larger
 * file is given up then, for the long way can go on from where it breaks again. A source that pushes back is asked again later, with fewer
 * lanes; other failures of the probe are the caller's.
 */
export async function readSmall(context: WorkContext, read: SmallRead): Promise<ReadSmall> {
  const attempts = new Attempts()
  for (;;) {
    const outcome = await readOnce(context, read, attempts)
    if ('probe' in outcome) return outcome
    const { error, begun } = outcome
    read.signal.throwIfAborted()
    const isLarger = (begun?.identity.sizeBytes ?? 0) > SMALL_BYTES
    const pushBack = pushBackOf(error)
    if (pushBack && isTooMuch(pushBack.error)) await attempts.refused(pushBack.error, read.signal)
    else if (!begun) throw error
    else if (!isLarger) await attempts.failed(error, read.signal)
    read.meter.sourceRetries++
    if (begun && isLarger) return { probe: begun, bytes: null }
  }
}

/** `begun`: what was probed of an answer that broke while it was read; null where it did not come so far. */
type Outcome = ReadSmall | { readonly error: unknown; readonly begun: SourceProbe | null }

async function readOnce(context: WorkContext, read: SmallRead, attempts: Attempts): Promise<Outcome> {
  const { source, pool, budget } = context
  const { meter, origin, limiter, signal } = read
  const paced = { limiter, bandwidth: context.bandwidth, share: read.share, origin, meter, signal }
  const wholeSlices = (bytes: number) => Math.ceil(bytes / pool.bufferBytes) * pool.bufferBytes
  let reservedBytes = wholeSlices(read.mostBytes)
  if (!budget.tryReserve(reservedBytes)) {
    meter.pause('memory')
    await budget.reserve(reservedBytes, signal).finally(() => meter.resume())
  }
  let stream: PartStream | null = null
  let begun: SourceProbe | null = null
  try {
    const lane = await origin.acquire(signal, context)
    meter.sourceRequests++
    meter.laneOpened('read')
    try {
      const askedMs = performance.now()
      const { probe, whole } = await source.firstContact(read.target, read.mostBytes, signal, { keepsWhole: true })
      origin.met(performance.now() - askedMs)
      if (!whole) return { probe, bytes: null }
      // What the answer does not need goes to others at once.
      const neededBytes = wholeSlices(whole.sizeBytes)
      budget.release(reservedBytes - neededBytes)
      reservedBytes = 0
      begun = probe
      stream = new PartStream({
        ...{ number: 1, startByte: 0, endByte: whole.sizeBytes, shape: 'held' },
        ...{ pool, budget, counters: meter, onChange: () => {} },
      })
      read.onBytes(stream)
      const span = stream.takeSpan(whole.sizeBytes)
      const writer = span ? stream.writer(span) : null
      const goOn = () => reading.resume()
      const sink = (chunk: Uint8Array) => {
        const bytes = writer?.write(chunk) ?? 0
        meter.addSource(bytes)
        lane.delivered(bytes)
        return keepsPace(paced, chunk.length, goOn)
      }
      const reading = whole.read(sink, () => placeWithin(paced, writer?.place() ?? null))
      await reading.done
      const bytes = stream
      stream = null
      return { probe, bytes }
    } catch (error) {
      if (!signal.aborted) tellOrigin(origin, lane, error, attempts.count < REFUSALS_THAT_COUNT)
      return { error, begun }
    } finally {
      meter.laneClosed('read')
      lane.release()
    }
  } finally {
    if (reservedBytes > 0) budget.release(reservedBytes)
    if (stream) {
      read.onBytes(null)
      await stream.dispose(new Stop('part-closed'))
    }
  }
}
