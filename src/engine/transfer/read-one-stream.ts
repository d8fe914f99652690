import { TransferError } from '../../server/domain/failure.ts'
import { MAX_PARTS } from '../../server/domain/transfer-input.ts'
import type { SpanWriter } from '../part/span-writer.ts'
import type { SourceRead } from '../source/source.ts'
import { keepsPace, placeWithin } from './keep-pace.ts'
import type { OpenPart } from './part-board.ts'
import { openPart, reserveWhole, type TransferRun, waitForWater, wholeSlices } from './transfer-run.ts'

/**
 * Reads a source without ranges or without a length through one GET, part after part. The connection is paused while the
 * next part waits for room. A read that breaks cannot be taken up again: the error goes to the caller, which starts over.
 * Resolves when the last byte is in a part; upload lanes may still be busy then.
 */
export async function readOneStream(run: TransferRun): Promise<void> {
  const reader = new OneStreamReader(run)
  await reader.openNext()
  run.meter.sourceRequests++
  run.meter.laneOpened('read')
  try {
    const { lengthVerified } = await reader.start().done
    await reader.settled()
    await reader.end(lengthVerified)
  } finally {
    await reader.settled().catch(() => {})
    run.meter.laneClosed('read')
  }
}

/** State over the life of one GET: the part being filled, and bytes that came while the next one was not open yet. */
class OneStreamReader {
  readonly #run: TransferRun
  #part: OpenPart | null = null
  #writer: SpanWriter | null = null
  #read: SourceRead | null = null
  #carry: Uint8Array | null = null
  #isHeldToRate = false
  #opening: Promise<void> | null = null
  #failure: { error: unknown } | null = null
  #totalBytes = 0
  #number = 0

  constructor(run: TransferRun) {
    this.#run = run
  }

  start(): SourceRead {
    const { source, plan, signal } = this.#run
    this.#read = source.readWhole({
      target: plan.target,
      identity: plan.identity,
      signal,
      opened: this.#run.opened,
      place: () => placeWithin(this.#run, this.#writer?.place() ?? null),
      sink: (chunk) => {
        if (this.#failure) throw this.#failure.error
        this.#run.inOrder?.update(chunk)
        this.#run.meter.addSource(chunk.length)
        this.#totalBytes += chunk.length
        const isTaken = this.#take(chunk)
        this.#isHeldToRate = !keepsPace(this.#run, chunk.length, this.#onPace)
        return isTaken && !this.#isHeldToRate
      },
    })
    return this.#read
  }

  async openNext(): Promise<void> {
    const { plan, signal, work } = this.#run
    const number = ++this.#number
    if (number > MAX_PARTS)
      throw new TransferError(
        'too_large',
        `The source did not say its size and sent more than ${MAX_PARTS.toLocaleString('en')} parts of ${plan.partSizeBytes} bytes, the limit of S3. Choose a larger part size and start again.`,
      )
    const startByte = (number - 1) * plan.partSizeBytes
    const endByte = Math.min(startByte + plan.partSizeBytes, plan.sizeBytes ?? Number.POSITIVE_INFINITY)
    const task = work.take()
    if (!task) throw new TransferError('source_protocol_error', 'The source sent more bytes than it had announced.')
    await waitForWater(this.#run, signal)
    const reservation = await reserveWhole(this.#run, wholeSlices(this.#run, endByte - startByte), signal)
    this.#part = openPart(this.#run, task, startByte, endByte, { reservation })
    const span = this.#part.stream.takeSpan(endByte - startByte)
    this.#writer = span ? this.#part.stream.writer(span) : null
  }

  /** Waits until bytes that came last have found their part. */
  async settled(): Promise<void> {
    while (this.#opening) await this.#opening
    if (this.#failure) throw this.#failure.error
  }

  /** Closes the last part where the source has ended, and tells how much it was. */
  async end(lengthVerified: boolean): Promise<void> {
    const { plan, board, onEnd } = this.#run
    const sizeBytes = this.#totalBytes
    if (plan.sizeBytes !== null && sizeBytes !== plan.sizeBytes)
      throw new TransferError(
        'source_truncated',
        `The source announced ${plan.sizeBytes} bytes and sent ${sizeBytes}. Nothing was written; try again.`,
        { retry: 'now' },
      )
    if (this.#part && !this.#part.stream.isFilled) this.#part.stream.endAt(sizeBytes)
    const digests = (await this.#run.inOrder?.values()) ?? {}
    const end = { sizeBytes, partsTotal: this.#number, lengthVerified, digests }
    if (this.#part) await onEnd(this.#part.task.claim, end)
    board.isClosed = true
    board.notify()
  }

  /** Fills the open part; what does not fit any more is kept until the next one is open. */
  #take(chunk: Uint8Array): boolean {
    const taken = this.#writer?.write(chunk) ?? 0
    if (taken === chunk.length) return true
    this.#writer = null
    this.#carry = Buffer.from(chunk.subarray(taken))
    this.#opening = this.openNext()
      .then(() => {
        const rest = this.#carry
        this.#carry = null
        this.#opening = null
        if (!rest || this.#take(rest)) this.#resume()
      })
      .catch((error) => {
        this.#opening = null
        // There is no part for these bytes; the read goes on, to end with the failure at its next.
        this.#carry = null
        this.#failure = { error }
        this.#resume()
      })
    return false
  }

  readonly #onPace = (): void => {
    this.#isHeldToRate = false
    this.#resume()
  }

  /** Both have to agree: there is room for the bytes, and the bandwidth limits let them come. */
  #resume(): void {
    if (this.#carry === null && !this.#isHeldToRate) this.#read?.resume()
  }
}
