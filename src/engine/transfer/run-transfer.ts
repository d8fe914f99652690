import { readInLanes } from './read-lanes.ts'
import { readOneStream } from './read-one-stream.ts'
import { Stop } from './stop.ts'
import type { TransferRun } from './transfer-run.ts'
import { uploadInLanes } from './upload-lanes.ts'

/**
 * READ FIRST. Moves the parts of one planned transfer that this engine has claimed, and returns when none is left.
 *
 *   RemainingWork ──▶ read lanes ──▶ PartBoard ──▶ upload lanes ──▶ onPart ──▶ ledger (recorder.ts)
 *   claimed parts     spans of the    parts being    UploadPart       number, size, ETag, CRC
 *                     source          filled, sent
 *
 * Both sides run at once and know nothing of each other but the board. What holds them together:
 * - the byte budget: bytes are reserved before they are asked for, and released when the bucket has them;
 * - the watermarks: reading pauses while too many bytes wait for the bucket;
 * - one abort: the first side that fails ends the other, and the first real cause is what is thrown.
 * Whatever happens, every buffer and reserved byte is back when this returns. Claims are the caller's to hand back.
 */
export async function runTransfer(run: TransferRun, stop: AbortController): Promise<void> {
  let cause: { error: unknown } | null = null
  const guard = (side: Promise<void>) =>
    side.catch((error) => {
      cause ??= { error }
      stop.abort(new Stop('sibling-failed'))
    })
  const closeOnAbort = () => void run.board.closeAll(run.signal.reason)
  run.signal.addEventListener('abort', closeOnAbort, { once: true })
  try {
    const reading = run.plan.identity.acceptsRanges ? readInLanes(run) : readOneStream(run)
    // Each lane is waited for, failed or not: none may still hold a buffer when this returns.
    await Promise.all([reading, ...uploadInLanes(run)].map(guard))
  } finally {
    run.signal.removeEventListener('abort', closeOnAbort)
    await run.board.closeAll(run.signal.reason ?? new Stop('part-closed'))
  }
  if (cause) throw (cause as { error: unknown }).error
}
