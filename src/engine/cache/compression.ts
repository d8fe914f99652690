import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib'
import type { Codec } from './entry-format.ts'

/** `SLUICE_CACHE_COMPRESSION`. */
export type Compression = 'off' | Exclude<Codec, 'none'>

/** Compressing must save at least this share, or it costs more at every read than it is worth. */
const WORTHWHILE_SHARE = 0.8
const SAMPLE_BYTES = 16 * 1024
/** Where in the slice the pieces of the sample begin, as shares: headers of files are often unlike the rest. */
const SAMPLE_PLACES = [0.1, 0.5, 0.9]

// Fast levels: a slice is compressed once and may be read a thousand times, but it also has to be written before the next ones come.
const COMPRESS: Readonly<Record<Exclude<Codec, 'none'>, (bytes: Uint8Array) => Promise<Buffer>>> = {
  zstd: (bytes) => promisify(zstdCompress)(bytes),
  brotli: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 3 }),
}

const DECOMPRESS: Readonly<Record<Exclude<Codec, 'none'>, (payload: Uint8Array, limit: number) => Promise<Buffer>>> = {
  zstd: (payload, maxOutputLength) => promisify(zstdDecompress)(payload, { maxOutputLength }),
  brotli: (payload, maxOutputLength) => promisify(brotliDecompress)(payload, { maxOutputLength }),
  gzip: (payload, maxOutputLength) => promisify(gunzip)(payload, { maxOutputLength }),
}

/**
 * The slice as it is to be stored: compressed where three samples of it, and then the whole of it, become a fifth smaller, else as it
 * is. Works on the threads of zlib, not on the event loop. Never rejects.
 */
export async function compressSlice(
  bytes: Uint8Array,
  compression: Compression,
): Promise<{ codec: Codec; payload: Uint8Array }> {
  const asItIs = { codec: 'none', payload: bytes } as const
  if (compression === 'off' || bytes.byteLength < SAMPLE_BYTES) return asItIs
  try {
    const compress = COMPRESS[compression]
    const sample = sampleOf(bytes)
    if ((await compress(sample)).byteLength > sample.byteLength * WORTHWHILE_SHARE) return asItIs
    const payload = await compress(bytes)
    return payload.byteLength > bytes.byteLength * WORTHWHILE_SHARE ? asItIs : { codec: compression, payload }
  } catch {
    return asItIs
  }
}

/** The slice out of what was stored; null where that does not give exactly `sizeBytes`. Never rejects. */
export async function expandSlice(codec: Codec, payload: Uint8Array, sizeBytes: number): Promise<Uint8Array | null> {
  try {
    const bytes = codec === 'none' ? payload : await DECOMPRESS[codec](payload, Math.max(1, sizeBytes))
    return bytes.byteLength === sizeBytes ? bytes : null
  } catch {
    return null
  }
}

function sampleOf(bytes: Uint8Array): Uint8Array {
  const length = Math.floor(SAMPLE_BYTES / SAMPLE_PLACES.length)
  return Buffer.concat(
    SAMPLE_PLACES.map((place) => {
      const start = Math.floor(bytes.byteLength * place)
      return bytes.subarray(start, start + length)
    }),
  )
}
