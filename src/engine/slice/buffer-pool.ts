/** Counts what buffers cost (product.md A2); one per transfer. */
export interface BufferCounters {
  buffersAllocated: number
  bufferReuses: number
}

/**
 * Fixed buffers of one slice each, used again and again. How many there are at once is bounded by the byte budget, which
 * is asked first; the pool itself never waits.
 */
export class BufferPool {
  readonly bufferBytes: number
  readonly #free: Uint8Array[] = []

  constructor(bufferBytes: number) {
    this.bufferBytes = bufferBytes
  }

  get freeBytes(): number {
    return this.#free.length * this.bufferBytes
  }

  take(counters: BufferCounters): Uint8Array {
    const buffer = this.#free.pop()
    if (buffer) {
      counters.bufferReuses++
      return buffer
    }
    counters.buffersAllocated++
    return Buffer.allocUnsafeSlow(this.bufferBytes)
  }

  /** Gives a buffer back. The caller no longer touches it. */
  give(buffer: Uint8Array): void {
    this.#free.push(buffer)
  }

  /** Lets go of idle memory, when nothing runs. */
  clear(): void {
    this.#free.length = 0
  }
}
