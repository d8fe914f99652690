import { setImmediate as turn } from 'node:timers/promises'
import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { Meter } from '../progress/meter.ts'
import type { ReadLane } from '../source/origin.ts'
import { createDigests } from '../upload/object-digest.ts'
import { Attempts } from './backoff.ts'
import { keepsPace, type PacedRun } from './keep-pace.ts'
import type { Digests, KnownDigest } from './known-digests.ts'
import { pinnedIdentity } from './pinned-identity.ts'
import { pushBackOf, tellOrigin } from './push-back.ts'
import { RateLimiter } from './rate-limiter.ts'
import { Stop } from './stop.ts'
import { openTarget, type WorkContext } from './work-context.ts'

const SPAN_BYTES = 2 * MIB
/** Requests ahead of the one whose bytes are summed: a digest takes them in order, and one connection alone may be slow. */
const MOST_LANES = 4
/** Of the memory budget: transfers that move bytes go on beside this. */
const BUDGET_SHARE = 1 / 8
/** Between two turns of the loop. */
const PIECE_BYTES = MIB / 4
/** How often the user's wishes are looked at: cancelled, or another bandwidth limit. */
const LOOK_MS = 1_000

/**
 * Digests of a source with ranges, read once more in order. That these are the bytes in the bucket shows the CRC32C: it has to be that of
 * the parts. Lanes, bandwidth limits and the memory budget count as for any read. Throws `source_changed` where other bytes came, a Stop
 * where the transfer is cancelled meanwhile, and as reads do; a read that breaks goes on from the byte it reached.
 */
export async function digestsOfSource(
  context: WorkContext,
  row: TransferRow,
  known: readonly KnownDigest[],
  crc32c: string,
  signal: AbortSignal,
): Promise<Digests> {
  const digests = createDigests(['crc32c', ...known.map(({ algorithm }) => algorithm)])
  if (!digests) return {}
  const { budget } = context
  const stop = new AbortController()
  const lanes = Math.max(1, Math.min(MOST_LANES, Math.floor((budget.totalBytes * BUDGET_SHARE) / SPAN_BYTES)))
  const reader = await openReader(context, row, AbortSignal.any([signal, stop.signal]))
  const looking = setInterval(() => void look(context, row.id, reader.limiter, stop), LOOK_MS)
  await look(context, row.id, reader.limiter, stop)
  const spans: Promise<Buffer>[] = []
  try {
    await budget.reserve(lanes * SPAN_BYTES, reader.signal)
    try {
      const sizeBytes = Number(row.sizeBytes)
      let askedByte = 0
      for (;;) {
        for (; spans.length < lanes && askedByte < sizeBytes; askedByte += SPAN_BYTES) {
          const span = readSpanAgain(reader, askedByte, Math.min(askedByte + SPAN_BYTES, sizeBytes))
          span.catch(() => {})
          spans.push(span)
        }
        const bytes = await spans[0]
        if (!bytes) break
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          digests.update(bytes.subarray(at, at + PIECE_BYTES))
          await turn()
        }
        spans.shift()
      }
    } finally {
      stop.abort(new Stop('sibling-failed'))
      await Promise.allSettled(spans)
      budget.release(lanes * SPAN_BYTES)
    }
  } finally {
    clearInterval(looking)
  }
  const values = await digests.values()
  if (values.crc32c === crc32c) return values
  throw new TransferError(
    'source_changed',
    `The source sent other bytes when it was read once more: their CRC32C is ${values.crc32c}, that of the parts ${crc32c}. Nothing was written; start the transfer over.`,
    { facts: { validator: 'CRC32C', pinned: crc32c, seen: values.crc32c ?? null } },
  )
}

type Reader = Awaited<ReturnType<typeof openReader>>

async function openReader(context: WorkContext, row: TransferRow, signal: AbortSignal) {
  const { source, bandwidth, metrics } = context
  const target = openTarget(context, row)
  const limiter = new RateLimiter()
  const origin = await context.origins.of(target.url)
  const paced: PacedRun = { limiter, bandwidth, share: bandwidth.share(), origin, meter: new Meter(), signal }
  return { source, target, identity: pinnedIdentity(row), origin, paced, limiter, metrics, signal }
}

/** A database that does not answer changes nothing: it is asked again soon. */
async function look({ db }: WorkContext, id: string, limiter: RateLimiter, stop: AbortController): Promise<void> {
  const select = { cancelRequestedAt: true, bandwidthLimitBytesPerSecond: true }
  const wishes = await db.transfer.findUnique({ where: { id }, select }).catch(() => undefined)
  if (wishes === undefined) return
  if (!wishes || wishes.cancelRequestedAt) return stop.abort(new Stop('user'))
  const limit = wishes.bandwidthLimitBytesPerSecond
  limiter.setLimit(limit === null ? null : Number(limit))
}

async function readSpanAgain(reader: Reader, startByte: number, endByte: number): Promise<Buffer> {
  const { source, target, identity, origin, paced, metrics, signal } = reader
  const bytes = Buffer.allocUnsafe(endByte - startByte)
  const attempts = new Attempts()
  let reached = 0
  while (reached < bytes.length) {
    const before = reached
    const lane: ReadLane = await origin.acquire(signal, reader)
    // Few lanes are wanted here, which says nothing about how many the source has.
    origin.heldBack()
    try {
      const read = source.readRange({
        ...{ target, identity, startByte: startByte + reached, endByte, signal },
        sink: (chunk) => {
          bytes.set(chunk, reached)
          reached += chunk.length
          lane.delivered(chunk.length)
          metrics.sourceBytes.inc(chunk.length)
          return keepsPace(paced, chunk.length, () => read.resume())
        },
      })
      await read.done
    } catch (error) {
      if (!signal.aborted) tellOrigin(origin, lane, error, attempts.count < 3)
      lane.release()
      if (reached > before) attempts.progressed()
      const pushBack = pushBackOf(error)
      await (pushBack ? attempts.refused(pushBack.error, signal) : attempts.failed(error, signal))
    } finally {
      lane.release()
    }
  }
  return bytes
}
