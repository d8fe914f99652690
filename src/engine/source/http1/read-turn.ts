/** Any connection may read this much before others, timers and readers, have their turn of the thread's loop. */
const LEAST_BYTES = 256 * 1024
/** All connections together, by how long the last turn took: an eighth or so of what the thread moves in that time. */
const BYTES_PER_MS = 128 * 1024
const MOST_BYTES = 8 * 1024 * 1024

let startedMs = 0
let mostBytes = 0
let readBytes = 0
let isOpen = false

const end = () => {
  isOpen = false
}

/** Looked at only by who has read its least, so that a slow source costs nothing of it. */
function mayReadOn(bytes: number): boolean {
  if (!isOpen) {
    const nowMs = performance.now()
    mostBytes = Math.min(MOST_BYTES, (nowMs - startedMs) * BYTES_PER_MS)
    startedMs = nowMs
    readBytes = 0
    isOpen = true
    setImmediate(end)
  }
  readBytes += bytes
  return readBytes < mostBytes
}

/**
 * A connection's part in the turns of the loop. The kernel's buffer fills while it is emptied, so a fast source would be read without an end;
 * but where others fill the turns, with a thousand readers say, it would starve with the least.
 */
export class ReadTurn {
  #bytes = 0

  /** Counts what was read; false where others have their turn first. */
  goesOn(bytes: number): boolean {
    this.#bytes += bytes
    if (this.#bytes < LEAST_BYTES) return true
    const read = this.#bytes
    this.#bytes = 0
    return mayReadOn(read)
  }
}
