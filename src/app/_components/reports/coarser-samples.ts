import type { Sample } from '../../../server/domain/sample.ts'

/** One row of the table beside a curve; `atMs` counts from the first sample. */
export interface SampleRow {
  atMs: number
  sourceBytes: number
  bucketBytes: number
  bufferedBytes: number
  readLanes: number
  uploadLanes: number
  retries: number
}

/** Samples in at most `mostRows` rows of one length: bytes and retries added up, lanes and held bytes as they were at the end. */
export function coarserSamples(
  samples: readonly Sample[],
  stepMs: number,
  mostRows: number,
): { rows: SampleRow[]; rowMs: number } {
  const firstMs = samples[0]?.at.getTime() ?? 0
  const lengthMs = (samples.at(-1)?.at.getTime() ?? 0) - firstMs + stepMs
  const rowMs = stepMs * Math.max(1, Math.ceil(lengthMs / stepMs / mostRows))
  const rows = new Map<number, SampleRow>()
  for (const sample of samples) {
    const atMs = Math.floor((sample.at.getTime() - firstMs) / rowMs) * rowMs
    const row = rows.get(atMs)
    rows.set(atMs, {
      atMs,
      sourceBytes: (row?.sourceBytes ?? 0) + sample.sourceBytes + sample.cacheBytes,
      bucketBytes: (row?.bucketBytes ?? 0) + sample.bucketBytes,
      bufferedBytes: sample.bufferedBytes,
      readLanes: sample.readLanes,
      uploadLanes: sample.uploadLanes,
      retries: (row?.retries ?? 0) + sample.retries,
    })
  }
  return { rows: [...rows.values()], rowMs }
}
