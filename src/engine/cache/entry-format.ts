import type { SliceKey } from './slice-cache.ts'
import { updateCrc32c } from './update-crc32c.ts'

// A cached slice on disk and in the shared tier: a header of fixed length that says which slice this is and checks itself, then the
// bytes, stored as they are or compressed, with their checksum in the header. Numbers are little-endian.
//
//   0  magic "SLC1"          16  CRC32C of the payload    28  object id, 24 bytes
//   4  codec                 20  stored at, ms, float64   52  version, 10 bytes
//   8  length of the slice                                62  zero
//  12  length of the payload                              64  index
//                                                         68  CRC32C of bytes 0 to 67
//
// A change of this needs another LAYOUT_VERSION, or what an older Sluice wrote is read wrongly; entry-format.test.ts holds it.

/** The folder on disk and the prefix of keys in the shared tier; what has another one is foreign. */
export const LAYOUT_VERSION = 1
export const ENTRY_HEADER_BYTES = 72

const MAGIC = 0x31434c53
const CODECS = ['none', 'zstd', 'brotli', 'gzip'] as const
/** How the bytes of an entry are stored. */
export type Codec = (typeof CODECS)[number]

export interface EntryHeader {
  readonly key: SliceKey
  readonly codec: Codec
  /** Length of the slice itself. */
  readonly sizeBytes: number
  /** Length of what follows the header. */
  readonly payloadBytes: number
  readonly payloadCrc32c: number
  readonly storedAtMs: number
}

/** The header of an entry whose payload is `payload`: the slice, or the slice as `codec` made it. */
export function encodeHeader(
  key: SliceKey,
  payload: Uint8Array,
  facts: { readonly codec: Codec; readonly sizeBytes: number; readonly storedAtMs: number },
): Buffer {
  const header = Buffer.alloc(ENTRY_HEADER_BYTES)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt8(CODECS.indexOf(facts.codec), 4)
  header.writeUInt32LE(facts.sizeBytes, 8)
  header.writeUInt32LE(payload.byteLength, 12)
  header.writeUInt32LE(updateCrc32c(payload, 0), 16)
  header.writeDoubleLE(facts.storedAtMs, 20)
  header.write(key.objectId, 28, 24, 'hex')
  header.write(key.version, 52, 10, 'hex')
  header.writeUInt32LE(key.index, 64)
  header.writeUInt32LE(updateCrc32c(header.subarray(0, 68), 0), 68)
  return header
}

/** Reads a header; null where these are not 72 bytes that `encodeHeader` wrote. */
export function decodeHeader(bytes: Buffer): EntryHeader | null {
  if (bytes.byteLength < ENTRY_HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return null
  if (updateCrc32c(bytes.subarray(0, 68), 0) !== bytes.readUInt32LE(68)) return null
  const codec = CODECS[bytes.readUInt8(4)]
  if (codec === undefined) return null
  return {
    key: {
      objectId: bytes.toString('hex', 28, 52),
      version: bytes.toString('hex', 52, 62),
      index: bytes.readUInt32LE(64),
    },
    codec,
    sizeBytes: bytes.readUInt32LE(8),
    payloadBytes: bytes.readUInt32LE(12),
    payloadCrc32c: bytes.readUInt32LE(16),
    storedAtMs: bytes.readDoubleLE(20),
  }
}

/**
 * The header and payload of a whole entry that is the slice asked for; null where it is another slice, torn, or not what was
 * written. The payload is a view of `entry`.
 */
export function openEntry(entry: Buffer, key: SliceKey): { header: EntryHeader; payload: Buffer } | null {
  const header = decodeHeader(entry)
  if (!header || header.payloadBytes !== entry.byteLength - ENTRY_HEADER_BYTES || !isSameKey(header.key, key))
    return null
  const payload = entry.subarray(ENTRY_HEADER_BYTES)
  return updateCrc32c(payload, 0) === header.payloadCrc32c ? { header, payload } : null
}

function isSameKey(a: SliceKey, b: SliceKey): boolean {
  return a.objectId === b.objectId && a.version === b.version && a.index === b.index
}
