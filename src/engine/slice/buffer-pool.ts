/** Counts what buffers cost (product.md A2); one per transfer. */
export interface BufferCounters {
  buffersAllocated: number
  bufferReuses: number
}

/**
 * Buffers are cut from blocks of this much: malloc gives blocks above 32 MiB to the system as soon as they are freed, where smaller ones
 * would stay with the process. Of a block only what was written to takes memory.
 */
const BLOCK_BYTES = 36 * 1024 * 1024

interface Block {
  readonly memory: ArrayBuffer
  /** Buffers of it that were handed out at least once, and those of them that are back. */
  cut: number
  free: number
}

/**
 * Fixed buffers of one slice each, used again and again, the one that came back last first: it is the likeliest to be in the
 * processor's caches. How many there are at once is bounded by the byte budget, which is asked first; the pool itself never waits.
 */
export class BufferPool {
  readonly bufferBytes: number
  readonly #perBlock: number
  readonly #blocks = new Map<ArrayBufferLike, Block>()
  readonly #free: Uint8Array[] = []
  #open: Block | null = null

  constructor(bufferBytes: number) {
    this.bufferBytes = bufferBytes
    this.#perBlock = Math.max(1, Math.floor(BLOCK_BYTES / bufferBytes))
  }

  get freeBytes(): number {
    return this.#free.length * this.bufferBytes
  }

  take(counters: BufferCounters): Uint8Array {
    const buffer = this.#free.pop()
    if (!buffer) {
      counters.buffersAllocated++
      return this.#cut()
    }
    counters.bufferReuses++
    const block = this.#blocks.get(buffer.buffer)
    if (block) block.free--
    return buffer
  }

  /** Gives a buffer back. The caller no longer touches it. */
  give(buffer: Uint8Array): void {
    this.#free.push(buffer)
    const block = this.#blocks.get(buffer.buffer)
    if (block) block.free++
  }

  /** Gives idle memory back to the system at once: blocks of which no buffer is in use. */
  clear(): void {
    for (const [memory, block] of this.#blocks) {
      if (block.free < block.cut) continue
      this.#blocks.delete(memory)
      if (this.#open === block) this.#open = null
      // Frees it now; the collector would come when it comes.
      block.memory.transfer(0)
    }
    const kept = this.#free.filter(({ buffer }) => this.#blocks.has(buffer))
    this.#free.splice(0, this.#free.length, ...kept)
  }

  #cut(): Uint8Array {
    if (!this.#open || this.#open.cut === this.#perBlock) {
      const memory = new ArrayBuffer(this.#perBlock * this.bufferBytes)
      this.#open = { memory, cut: 0, free: 0 }
      this.#blocks.set(memory, this.#open)
    }
    return Buffer.from(this.#open.memory, this.#open.cut++ * this.bufferBytes, this.bufferBytes)
  }
}
