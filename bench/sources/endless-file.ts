import { createCipheriv } from 'node:crypto'
import { encodeCrc32c, updateCrc32c } from '../../src/engine/upload/crc32c.ts'

/** Bytes after which the file repeats; odd, so that no two aligned slices near each other are alike. */
const PERIOD_BYTES = 4 * 1024 * 1024 + 4099
/** Files of one folder begin at different places of the same bytes. */
const STRIDE_BYTES = 65_537

let known: Buffer | null = null

/** Random-looking bytes, the same on every machine: a key stream of AES in counter mode. */
function base(): Buffer {
  known ??= createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(Buffer.alloc(PERIOD_BYTES))
  return known
}

/**
 * Bytes of the endless file `index` from `offset` on: a view of at most `maxBytes`, at least one. It costs nothing to make, which is
 * what a source that must not be the bottleneck needs; bytes at a wrong offset change the checksum.
 */
export function endlessBytes(index: number, offset: number, maxBytes: number): Buffer {
  const from = (offset + index * STRIDE_BYTES) % PERIOD_BYTES
  return base().subarray(from, Math.min(PERIOD_BYTES, from + maxBytes))
}

const checksums = new Map<string, string>()

/** CRC32C (base64, as S3 writes it) of the first `sizeBytes` of the endless file `index`. About 0.15 s per GiB, once. */
export function endlessCrc32c(index: number, sizeBytes: number): string {
  const name = `${index} ${sizeBytes}`
  const earlier = checksums.get(name)
  if (earlier !== undefined) return earlier
  let crc = 0
  for (let offset = 0; offset < sizeBytes; ) {
    const bytes = endlessBytes(index, offset, sizeBytes - offset)
    crc = updateCrc32c(bytes, crc)
    offset += bytes.length
  }
  const encoded = encodeCrc32c(crc)
  checksums.set(name, encoded)
  return encoded
}

/** The path a source serves a file of a work under; the size is in it, so a source needs not be told its files. */
export function endlessPath(count: number, index: number, sizeBytes: number): string {
  return `/${count}x${sizeBytes}/${index}.bin`
}

/** Reads what `endlessPath` wrote; null where it is another path. */
export function parseEndlessPath(path: string): { index: number; sizeBytes: number } | null {
  const match = /^\/\d+x(\d+)\/(\d+)\.bin$/.exec(path)
  return match ? { sizeBytes: Number(match[1]), index: Number(match[2]) } : null
}
