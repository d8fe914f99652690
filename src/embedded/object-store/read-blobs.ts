import type { FileHandle } from 'node:fs/promises'
import type { BlobFiles } from './blob-files.ts'
import type { ByteRange } from './byte-range.ts'
import type { ObjectBlob } from './stored-object.ts'

const READ_BYTES = 1024 * 1024

/**
 * Reads [start, end) over a list of blobs, in pieces of at most 1 MiB, and hands each to `take`. A piece's buffer is used again once the
 * piece after it has been taken, so `take` resolves when it is done with it; one read is always under way ahead.
 * The caller pins the blobs. Throws where a file is shorter than the catalog says.
 */
export async function readBlobs(
  blobs: BlobFiles,
  list: readonly ObjectBlob[],
  range: ByteRange,
  take: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const buffers = [Buffer.allocUnsafeSlow(bufferBytes(range)), Buffer.allocUnsafeSlow(bufferBytes(range))]
  let turn = 0
  let taking: Promise<void> = Promise.resolve()
  let offset = 0
  try {
    for (const blob of list) {
      const start = Math.max(0, range.start - offset)
      const end = Math.min(blob.sizeBytes, range.end - offset)
      offset += blob.sizeBytes
      if (start >= end) continue
      const file = await blobs.open(blob.id)
      try {
        for (let position = start; position < end; ) {
          const buffer = buffers[turn] ?? Buffer.allocUnsafeSlow(READ_BYTES)
          turn = 1 - turn
          const bytes = await readFully(file, buffer, Math.min(buffer.length, end - position), position)
          await taking
          taking = take(buffer.subarray(0, bytes))
          // Its failure is thrown by the await above or below; this keeps Node from calling it unhandled in between.
          taking.catch(() => undefined)
          position += bytes
        }
      } finally {
        await file.close()
      }
    }
  } finally {
    await taking
  }
}

function bufferBytes(range: ByteRange): number {
  return Math.max(1, Math.min(READ_BYTES, range.end - range.start))
}

async function readFully(file: FileHandle, buffer: Buffer, bytes: number, position: number): Promise<number> {
  let filled = 0
  while (filled < bytes) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled, position + filled)
    if (bytesRead === 0) throw new Error('A file of the object store is shorter than its catalog says.')
    filled += bytesRead
  }
  return filled
}
