import { EventEmitter } from 'node:events'
import type { OnReadOpts, Socket } from 'node:net'
import type { Connection } from '../connection.ts'

/**
 * Stands in for the socket of a connection: hands it an answer in the pieces a test chooses, and as node does it: into the buffer that is named for
 * each read, and none while reading is paused; but where `overrun` says so, as TLS hands out what it has decrypted by then. What is
 * written is counted and taken in a later turn.
 */
export class CutSocket extends EventEmitter {
  writtenBytes = 0
  writableCorked = 0
  /** Writes the kernel has not told of. */
  pendingWrites = 0
  isDestroyed = false
  readonly #overrun: () => boolean
  readonly #onread: OnReadOpts
  #isReading = true

  constructor(connection: Connection, overrun: () => boolean = () => false) {
    super()
    this.#overrun = overrun
    this.#onread = connection.onread
    connection.attach(this as unknown as Socket)
  }

  /** Resolves when the connection has read all pieces, which end at `cuts` (ascending) and at the answer's end, or is destroyed. */
  async receive(answer: Buffer, cuts: readonly number[], endsWithIt: boolean): Promise<void> {
    let at = 0
    for (const end of [...cuts, answer.length]) {
      // Pieces come in turns of the loop of their own.
      await turn()
      while (at < end && !this.isDestroyed) {
        if (!this.#isReading && !this.#overrun()) {
          await turn()
          continue
        }
        const { buffer, callback } = this.#onread
        const place = typeof buffer === 'function' ? buffer() : buffer
        const length = Math.min(place.length, end - at)
        answer.copy(place as Buffer, 0, at, at + length)
        at += length
        if (!callback(length, place)) this.#isReading = false
        // As the next read of another connection does to a buffer that all of them use.
        place.fill(0x21)
      }
    }
    while (!this.#isReading && !this.isDestroyed && !this.#overrun()) await turn()
    if (endsWithIt && !this.isDestroyed) this.emit('end')
  }

  write(data: Uint8Array | string, ...rest: unknown[]): boolean {
    this.writtenBytes += data.length
    const done = rest.at(-1)
    if (typeof done !== 'function') return true
    this.pendingWrites++
    setImmediate(() => {
      this.pendingWrites--
      done()
    })
    return true
  }

  pause(): this {
    this.#isReading = false
    return this
  }

  resume(): this {
    this.#isReading = true
    return this
  }

  cork(): void {
    this.writableCorked++
  }

  uncork(): void {
    this.writableCorked--
  }

  destroy(): this {
    this.isDestroyed = true
    return this
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
