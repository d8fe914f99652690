import type { PartStream } from '../part/part-stream.ts'
import { Changes } from './changes.ts'
import type { PartTask } from './remaining-work.ts'
import { Stop } from './stop.ts'

/** A part between source and bucket, and what is known about its way. */
export interface OpenPart {
  readonly task: PartTask
  /** Replaced by a fresh one when a streamed part has to be read again. */
  stream: PartStream
  isUploading: boolean
  /** Streamed, and opened before there was an upload lane for it; false from when one takes it. */
  isAhead: boolean
  /** Streamed, and its lane waits until the bucket takes another request. */
  isHeldUp: boolean
  /** The bucket takes a request for it now: what is read of it can go out. */
  hasRequest: boolean
  /** Bytes of this part that the bucket's socket has taken in the present attempt. */
  sentBytes: number
  retries: number
}

/**
 * The parts that are open on this engine, in order: read lanes put bytes in on one side, upload lanes take parts off on the
 * other, and both wait here for something to change.
 */
export class PartBoard {
  readonly #parts = new Map<number, OpenPart>()
  readonly #changes = new Changes()
  readonly #closing = new Set<Promise<void>>()
  /** True once no further part will be opened. */
  isClosed = false

  /** Wakes everybody who waits; part streams call it with every slice. */
  readonly notify = (): void => this.#changes.notify()

  /** Counts the changes; see `changed`. */
  get version(): number {
    return this.#changes.version
  }

  /** Resolves with the next change, or at once where there was one after the version `seen`. */
  changed(signal: AbortSignal, seen?: number): Promise<void> {
    return this.#changes.next(signal, seen)
  }

  get size(): number {
    return this.#parts.size
  }

  get all(): Iterable<OpenPart> {
    return this.#parts.values()
  }

  get isDone(): boolean {
    return this.isClosed && this.#parts.size === 0
  }

  /**
   * Bytes that wait for the bucket, which could take them now: whole parts that no lane has taken yet, and slices that come next in theirs.
   * Not what comes behind bytes that the source still owes, and not parts that are read ahead of the upload lanes: those keep within the
   * budget, and a lane that waits for bytes of its part must not wait for them.
   */
  get waitingBytes(): number {
    return this.#waiting(() => true)
  }

  /** Of these, what reading pauses for: a part that the bucket takes must not wait for those whose requests it wants later. */
  get bytesAtMarks(): number {
    return this.#waiting(({ isHeldUp }) => !isHeldUp)
  }

  #waiting(isMeant: (part: OpenPart) => boolean): number {
    let bytes = 0
    for (const part of this.#parts.values()) {
      const { stream, isUploading, isAhead } = part
      if (isAhead || !isMeant(part)) continue
      if (stream.shape === 'streamed' || (stream.isFilled && !isUploading)) bytes += stream.readyBytes
    }
    return bytes
  }

  /** Some lane waits until the bucket takes another request. */
  get hasHeldUp(): boolean {
    for (const { isHeldUp } of this.#parts.values()) if (isHeldUp) return true
    return false
  }

  /** Bytes of parts that are here: read and not yet taken by the bucket for good. */
  get bufferedBytes(): number {
    let bytes = 0
    for (const { stream } of this.#parts.values()) bytes += stream.waitingBytes
    return bytes
  }

  /** Bytes of unfinished parts that the bucket has taken. */
  get sentBytes(): number {
    let bytes = 0
    for (const part of this.#parts.values()) bytes += part.sentBytes
    return bytes
  }

  open(task: PartTask, stream: PartStream, isAhead = false): OpenPart {
    const noneYet = { isUploading: false, isHeldUp: false, hasRequest: false, sentBytes: 0, retries: 0 }
    const part: OpenPart = { task, stream, isAhead, ...noneYet }
    this.#parts.set(task.number, part)
    this.notify()
    return part
  }

  /**
   * The part to read from next. A held one first; else, of the streamed ones that are begun, one with less than a span ahead of its lane,
   * because no request to a bucket may stand still for long; else the lowest that has not `maxAheadBytes` yet. So parts end one after
   * another, and there is always one to read from: all at the same pace, they would end at once and leave nothing to ask for. Then one
   * that is not begun. One that has no lane yet, or whose lane is held up, comes last, and only with `mayBeAhead`. Of streamed ones, those
   * that the bucket takes no request for yet are left out without `mayBeUnsent`.
   */
  nextToRead(maxAheadBytes: number, spanBytes: number, mayBeAhead = false, mayBeUnsent = true): OpenPart | null {
    let hungry: OpenPart | null = null
    let begun: OpenPart | null = null
    let fresh: OpenPart | null = null
    let ahead: OpenPart | null = null
    for (const part of this.#parts.values()) {
      const { stream } = part
      if (!stream.hasUnrequested) continue
      if (stream.shape === 'held') return part
      if (!part.hasRequest && !mayBeUnsent) continue
      if (part.isAhead || part.isHeldUp) ahead ??= part
      else if (stream.aheadBytes >= maxAheadBytes) continue
      else if (stream.nextSpanByte === stream.startByte) fresh ??= part
      else if (stream.aheadBytes >= spanBytes) begun ??= part
      else if (!hungry || stream.aheadBytes < hungry.stream.aheadBytes) hungry = part
    }
    return hungry ?? begun ?? fresh ?? (mayBeAhead ? ahead : null)
  }

  /** Waits for a part an upload lane can take; null once there will be none. */
  async takeForUpload(signal: AbortSignal): Promise<OpenPart | null> {
    for (;;) {
      for (const part of this.#parts.values()) {
        if (part.isUploading || (part.stream.shape === 'held' && !part.stream.isFilled)) continue
        part.isUploading = true
        if (part.isAhead) {
          part.isAhead = false
          // What it lacks may be asked for now, whatever else there is.
          this.notify()
        }
        return part
      }
      if (this.isDone) return null
      await this.changed(signal)
    }
  }

  /** There are more parts to be opened after all; too late where nothing is open and the lanes have ended. */
  reopen(): void {
    if (this.isDone) return
    this.isClosed = false
    this.notify()
  }

  /** Takes a part off: it is in the bucket. */
  async close(part: OpenPart): Promise<void> {
    this.#parts.delete(part.task.number)
    await this.#dispose(part, new Stop('part-closed'))
    this.notify()
  }

  /** Ends everything that is open, and waits until no buffer is in use any more, those of parts closed before included. */
  async closeAll(reason: unknown): Promise<void> {
    this.isClosed = true
    const parts = [...this.#parts.values()]
    this.#parts.clear()
    for (const part of parts) void this.#dispose(part, reason)
    await Promise.all(this.#closing)
    this.notify()
  }

  #dispose(part: OpenPart, reason: unknown): Promise<void> {
    const closing = part.stream.dispose(reason).finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
    return closing
  }
}
