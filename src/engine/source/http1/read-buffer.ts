import type { OnReadOpts } from 'node:net'

/** Measured: 64 KiB costs 1.13 CPU-s/GiB, 256 KiB to 1 MiB cost 0.8; and this much stays in the core's own cache. */
const READ_BYTES = 256 * 1024
/** A shorter place is not worth a read of its own: what comes goes to a buffer of the connection, up to 256 KiB of it. */
export const LEAST_PLACE_BYTES = 16 * 1024

let shared: Buffer | null = null

/**
 * The `onread` of a socket: bytes are handed to `take` in a buffer that is reused, valid during the call. One buffer serves all
 * sockets of the thread where the kernel fills it right before the call. After each read `place` may name where the next one goes
 * instead; that memory must stay until then or the socket's end. On Windows reads are begun ahead: a buffer each, and no places.
 */
export function reusedRead(take: (bytes: Buffer, length: number) => boolean, place: () => Buffer | null): OnReadOpts {
  if (process.platform === 'win32') {
    const own = Buffer.allocUnsafeSlow(READ_BYTES)
    return { buffer: own, callback: (length) => take(own, length) }
  }
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES)
  const usual = shared
  return { buffer: () => place() ?? usual, callback: (length, bytes) => take(bytes as Buffer, length) }
}
