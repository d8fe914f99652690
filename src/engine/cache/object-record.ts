import { z } from 'zod'
import type { JsonValue, ObjectRecord } from './slice-cache.ts'

const recordSchema = z.object({
  objectId: z.string().regex(/^[0-9a-f]{48}$/),
  originId: z.string().nullable(),
  originName: z.string(),
  path: z.string(),
  version: z.string().regex(/^[0-9a-f]{20}$/),
  sizeBytes: z.number().int().min(0).nullable(),
  sliceSizeBytes: z.number().int().min(1),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  freshness: z.json(),
  storedAtMs: z.number(),
})

/** A record as it was written to disk or to the shared tier; null where the text is none, or that of another object. */
export function parseRecord(text: string, objectId: string): ObjectRecord | null {
  try {
    const { data } = recordSchema.safeParse(JSON.parse(text))
    return data && data.objectId === objectId ? { ...data, freshness: data.freshness as JsonValue } : null
  } catch {
    return null
  }
}
