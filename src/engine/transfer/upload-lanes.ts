import type { EndRequest } from '../upload/bucket-pace.ts'
import { encodeCrc32c } from '../upload/crc32c.ts'
import type { PartBody, UploadedPart } from '../upload/object-store.ts'
import { Attempts } from './backoff.ts'
import type { OpenPart } from './part-board.ts'
import { Stop } from './stop.ts'
import { logRetry, newStream, type TransferRun } from './transfer-run.ts'

/** Uploads parts as they become ready, `limits.uploadLanes` at once. Each lane rejects with what it cannot mend. */
export function uploadInLanes(run: TransferRun): Promise<void>[] {
  return Array.from({ length: run.limits.uploadLanes }, () => uploadLane(run))
}

async function uploadLane(run: TransferRun): Promise<void> {
  for (;;) {
    const part = await run.board.takeForUpload(run.signal)
    if (!part) return
    run.meter.laneOpened('upload')
    try {
      run.onPart(part, await uploadPart(run, part))
    } finally {
      run.meter.laneClosed('upload')
    }
    await run.board.close(part)
  }
}

/** Sends one part until the bucket has it. A held part is sent again from memory, a streamed one is read again. */
async function uploadPart(run: TransferRun, part: OpenPart): Promise<UploadedPart> {
  const attempts = new Attempts()
  if (part.task.number === 1 && part.stream.shape === 'held') tellFirstBytes(run, part.stream.heldSlices())
  const crc32c = part.stream.shape === 'held' ? encodeCrc32c(part.stream.crc32c) : null
  for (;;) {
    const { stream } = part
    const body: PartBody =
      crc32c === null ? await streamedBody(run, part) : { kind: 'held', slices: stream.heldSlices(), crc32c }
    const done = await whenTaken(run, part)
    run.meter.bucketRequests++
    try {
      const uploaded = await run.store.uploadPart({
        key: run.plan.key,
        uploadId: run.plan.uploadId,
        number: part.task.number,
        sizeBytes: stream.sizeBytes,
        body,
        signal: run.signal,
        onBytes: (bytes) => {
          part.sentBytes += bytes
          run.meter.addBucket(bytes)
        },
      })
      done(null)
      return uploaded
    } catch (error) {
      part.sentBytes = 0
      part.hasRequest = false
      logRetry(run, `part ${part.task.number} could not be sent`, error)
      const isAskedForLess = done(error)
      // After a stop nobody would close a stream that is made anew.
      run.signal.throwIfAborted()
      // A bucket that asks for less slows all that goes into it, and costs this part no attempt.
      if (!isAskedForLess) await attempts.failed(error, run.signal)
      run.meter.partRetries++
      part.retries++
      if (stream.shape === 'streamed') {
        part.stream = newStream(run, part.task.number, stream.startByte, stream.endByte)
        run.board.notify()
        await stream.dispose(new Stop('part-closed'))
      }
    }
  }
}

/** Waits until the bucket takes another request; other parts are not held up by this one meanwhile. */
async function whenTaken(run: TransferRun, part: OpenPart): Promise<EndRequest> {
  part.isHeldUp = part.stream.shape === 'streamed'
  // Its bytes are none that reading pauses for any more.
  run.board.notify()
  try {
    const done = await run.pace.begin(run.signal)
    part.hasRequest = true
    return done
  } finally {
    part.isHeldUp = false
    run.board.notify()
  }
}

/** Waits for the first bytes: a connection that is taken before them would stand there without a request until its store closes it. */
async function streamedBody(run: TransferRun, { task, stream }: OpenPart): Promise<PartBody> {
  const slices = stream.consume()
  const first = await slices.next()
  if (task.number === 1 && first.value?.length >= FIRST_BYTES) tellFirstBytes(run, [first.value])
  return { kind: 'streamed', slices: goOn(first, slices), sliceCrc32c: () => stream.consumedCrc32c }
}

async function* goOn(first: IteratorResult<Uint8Array>, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (!first.done) yield first.value
  yield* rest
}

const FIRST_BYTES = 4

function tellFirstBytes(run: TransferRun, slices: readonly Uint8Array[]): void {
  const [first] = slices
  if (first && first.length > 0) run.onFirstBytes(first.subarray(0, FIRST_BYTES))
}
