import type { ServerResponse } from 'node:http'
import { TransferError } from '../../server/domain/failure.ts'
import { sliceBytes } from '../slice/slice-plan.ts'
import type { SliceRun } from '../slice/slice-run.ts'
import type { SlicedFile } from '../slice/sliced-file.ts'
import type { ByteRange } from './byte-ranges.ts'
import type { Writer, WriteTurns } from './write-turns.ts'

/** What is sent, in order: the slices of a range, with what comes before it in a multipart answer. */
export interface BodyPart {
  readonly preamble: Buffer | null
  readonly range: ByteRange
  readonly run: SliceRun
}

export interface BodyOptions {
  readonly response: ServerResponse
  readonly turns: WriteTurns
  readonly file: SlicedFile
  readonly parts: readonly BodyPart[]
  readonly epilogue: Buffer | null
  /** A reader that takes nothing for so long is cut off. */
  readonly stallMs: number
  /** How long one slice may be waited for. */
  readonly waitMs: number
  readonly onSent: (bytes: number) => void
  /** Called once. `failed`: the connection was cut because of it; `aborted`: the reader went away, which is no error. */
  readonly onEnd: (outcome: 'sent' | 'aborted' | { readonly failed: unknown }) => void
}

/** What every reader gets at once, however much is going out just now. */
export const FIRST_BYTES = 64 * 1024
/** What a reader gets in one turn where others wait for theirs. */
const PIECE_BYTES = 256 * 1024

/**
 * Sends the body of one answer, slice by slice, as fast as the reader takes it and others leave room. What cannot be had after the head is out cuts the
 * connection (correctness.md case 43): a body that ends early must never look whole. No promise and no closure for a slice in memory.
 */
export class AnswerBody implements Writer {
  readonly #options: BodyOptions
  #partIndex = 0
  #position: number
  /** What is left to send of the slice at hand. */
  #rest: Uint8Array | null = null
  #hasBegun = false
  #isOver = false
  #isWaiting = false
  #isListening = false
  #waitTimer: NodeJS.Timeout | undefined

  constructor(options: BodyOptions) {
    this.#options = options
    this.#position = options.parts[0]?.range.startByte ?? 0
  }

  /** Begins with a slice that was proven before the head went out. */
  start(first: Uint8Array): void {
    const { response, parts, stallMs } = this.#options
    response.on('close', this.#onClose)
    // Goes with the answer: the server sets its own time for an idle connection when this one is through.
    response.setTimeout(stallMs, this.#onStall)
    const [part] = parts
    if (part?.preamble) response.write(part.preamble)
    this.#take(first)
    this.#pump()
  }

  takeTurn(): void {
    this.#pump()
  }

  readonly #pump = (): void => {
    const { response, parts, turns } = this.#options
    while (!this.#isOver && !this.#isWaiting) {
      if (this.#rest === null) {
        const part = parts[this.#partIndex]
        if (!part) return
        const slice = part.run.next()
        if (!(slice instanceof Uint8Array)) {
          this.#await(slice)
          return
        }
        this.#take(slice)
        continue
      }
      if (turns.hasRoom) this.#send(turns.waiting === 0 ? this.#rest.byteLength : PIECE_BYTES)
      else if (this.#hasBegun) {
        turns.wait(this)
        return
      } else this.#send(FIRST_BYTES)
      if (response.writableNeedDrain) return
    }
  }

  /** Takes what the range needs of a slice. */
  #take(slice: Uint8Array): void {
    const { file, parts } = this.#options
    const part = parts[this.#partIndex] as BodyPart
    const sliceStart = Math.floor(this.#position / file.sliceSizeBytes) * file.sliceSizeBytes
    const { endByte } = sliceBytes(sliceStart / file.sliceSizeBytes, file.sizeBytes, file.sliceSizeBytes)
    if (slice.byteLength !== endByte - sliceStart) {
      this.#fail(new Error(`A slice of ${slice.byteLength} bytes came where ${endByte - sliceStart} were due.`))
      return
    }
    const until = Math.min(endByte, part.range.endByte)
    this.#rest = slice.subarray(this.#position - sliceStart, until - sliceStart)
  }

  /** Sends so many bytes of the slice at hand, and goes on to the next range after the last one of a range. */
  #send(mostBytes: number): void {
    const { response, parts, epilogue, turns, onSent } = this.#options
    const part = parts[this.#partIndex] as BodyPart
    const rest = this.#rest as Uint8Array
    const bytes = rest.subarray(0, mostBytes)
    this.#rest = bytes.byteLength < rest.byteLength ? rest.subarray(mostBytes) : null
    this.#hasBegun = true
    this.#position += bytes.byteLength
    turns.spend(bytes.byteLength)
    onSent(bytes.byteLength)
    if (this.#position < part.range.endByte) {
      this.#write(bytes)
      return
    }
    part.run.close()
    this.#partIndex++
    const next = parts[this.#partIndex]
    if (next) {
      this.#position = next.range.startByte
      this.#write(bytes)
      if (next.preamble) this.#write(next.preamble)
      return
    }
    if (epilogue) {
      this.#write(bytes)
      response.end(epilogue, this.#onFinish)
    } else response.end(bytes, this.#onFinish)
  }

  #write(bytes: Uint8Array): void {
    const { response } = this.#options
    if (response.write(bytes) || this.#isListening) return
    // Once for the whole answer: what is made for each piece outlives the young generation, with a thousand readers who wait.
    this.#isListening = true
    response.on('drain', this.#pump)
  }

  #await(slice: Promise<Uint8Array>): void {
    this.#isWaiting = true
    this.#waitTimer = setTimeout(() => this.#fail(waitedTooLong(this.#options.waitMs)), this.#options.waitMs)
    slice.then(
      (bytes) => {
        clearTimeout(this.#waitTimer)
        this.#isWaiting = false
        if (this.#isOver) return
        this.#take(bytes)
        if (!this.#options.response.writableNeedDrain) this.#pump()
      },
      (error) => this.#fail(error),
    )
  }

  readonly #onFinish = (): void => this.#end('sent')
  readonly #onClose = (): void => this.#end('aborted')

  readonly #onStall = (): void => {
    // Waiting for the origin is none of the reader's doing.
    if (this.#isWaiting) return
    this.#options.response.destroy()
    this.#end('aborted')
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#end({ failed: error })
    this.#options.response.destroy()
  }

  #end(outcome: Parameters<BodyOptions['onEnd']>[0]): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#waitTimer)
    const { response, parts, turns, onEnd } = this.#options
    turns.leave(this)
    this.#rest = null
    response.off('close', this.#onClose)
    response.off('drain', this.#pump)
    for (const { run } of parts) run.close()
    onEnd(outcome)
  }
}

/** A waiter's limit is over (B1). */
export function waitedTooLong(waitMs: number): TransferError {
  return new TransferError('timed_out', `A slice did not come within ${waitMs / 1000} s.`, { retry: 'later' })
}
