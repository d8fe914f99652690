import { z } from 'zod'
import type { IndexedObject, ObjectUse } from './object-index.ts'

const usesSchema = z.record(z.string(), z.tuple([z.number().int().min(0), z.number()]))

/** Uses by object id, as they are kept beside a disk tier: `{ "ID": [hits, lastAccessAtMs] }`. */
export function formatUses(objects: Iterable<IndexedObject>): string {
  const uses: z.infer<typeof usesSchema> = {}
  for (const { objectId, record, disk, hits, lastAccessAtMs } of objects)
    if (record !== null || disk.size > 0) uses[objectId] = [hits, lastAccessAtMs]
  return JSON.stringify(uses)
}

/** Empty where the text is none: then nothing is known of the time before. */
export function parseUses(text: string): Map<string, ObjectUse> {
  try {
    const { data = {} } = usesSchema.safeParse(JSON.parse(text))
    return new Map(Object.entries(data).map(([id, [hits, lastAccessAtMs]]) => [id, { hits, lastAccessAtMs }]))
  } catch {
    return new Map()
  }
}

/** What readers had of the objects that a sweep found: as it was written down, or as their files show it where that is later. */
export function usesBefore(
  saved: ReadonlyMap<string, ObjectUse>,
  found: {
    readonly entries: readonly { readonly key: { readonly objectId: string }; readonly touchedAtMs: number }[]
    readonly records: readonly { readonly objectId: string; readonly storedAtMs: number }[]
  },
): Map<string, ObjectUse> {
  const uses = new Map<string, ObjectUse>()
  const seen = (objectId: string, atMs: number) => {
    const { hits, lastAccessAtMs } = uses.get(objectId) ?? saved.get(objectId) ?? { hits: 0, lastAccessAtMs: 0 }
    uses.set(objectId, { hits, lastAccessAtMs: Math.max(lastAccessAtMs, atMs) })
  }
  for (const { objectId, storedAtMs } of found.records) seen(objectId, storedAtMs)
  for (const { key, touchedAtMs } of found.entries) seen(key.objectId, touchedAtMs)
  return uses
}
