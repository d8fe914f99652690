import { createHash } from 'node:crypto'
import type { ObjectRecord, SliceKey } from '../slice-cache.ts'
import { objectIdOf, versionOf } from '../slice-key.ts'

/** Origins of the tests, by name. */
export const ORIGINS = {
  films: '01919191-0000-7000-8000-000000000001',
  books: '01919191-0000-7000-8000-000000000002',
} as const

/** A key of an object that is named by a word. */
export function keyOf(
  name: string,
  index: number,
  { origin = 'films' as keyof typeof ORIGINS, etag = 'a' } = {},
): SliceKey {
  return {
    objectId: objectIdOf({ origin: ORIGINS[origin], url: `https://files.example/${name}`, credentialScope: '' }),
    version: versionOf({ sizeBytes: 1000, etag, lastModified: null, sliceSizeBytes: 64 }),
    index,
  }
}

/** Bytes that only this slice has. */
export function bytesOf(key: SliceKey, length = 64): Uint8Array {
  const seed = createHash('sha512').update(JSON.stringify(key)).digest()
  return new Uint8Array(length).map((_, at) => (seed[at % 64] ?? 0) ^ (at >> 6))
}

export function recordOf(name: string, over: Partial<ObjectRecord> & { etag?: string } = {}): ObjectRecord {
  const { objectId, version } = keyOf(name, 0, { etag: over.etag ?? 'a' })
  return {
    objectId,
    originId: ORIGINS.films,
    originName: 'films',
    path: name,
    version,
    sizeBytes: 1000,
    sliceSizeBytes: 64,
    etag: 'a',
    lastModified: null,
    headers: { 'content-type': 'video/mp4' },
    freshness: { until: 12 },
    storedAtMs: 1_700_000_000_000,
    ...over,
  }
}

/** A signal that never aborts. */
export const PATIENT = new AbortController().signal
