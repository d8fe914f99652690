import type { Db } from '../../src/server/db/client.ts'
import type { Prisma } from '../../src/server/db/generated/client.ts'
import { newId } from '../../src/server/db/new-id.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import type { Sealer } from '../../src/server/secrets.ts'
import type { SeedTransfer } from './seed-transfer.ts'

const PART_BYTES = 128 * MIB
/** Parts beyond this are left out of the seed: a page shows no more of them. */
const MAX_PARTS = 2000
/** Of the transfers after this one only the row is written, so that a long history is seeded in seconds. */
const DETAILED_TRANSFERS = 80

/** A seeded transfer that runs, for the live loop to move on. */
export interface RunningSeed {
  id: string
  sizeBytes: number
  doneBytes: number
  bytesPerSecond: number
}

/** Writes the transfers with parts, samples and events. Returns those that run. */
export async function writeTransfers(
  db: Db,
  sealer: Sealer,
  transfers: readonly SeedTransfer[],
  bucketIds: ReadonlyMap<string, string>,
  engineIds: readonly string[],
): Promise<RunningSeed[]> {
  const nowMs = Date.now()
  const running: RunningSeed[] = []
  const rows: Prisma.TransferCreateManyInput[] = []
  const parts: Prisma.PartCreateManyInput[] = []
  const samples: Prisma.SampleCreateManyInput[] = []
  const events: Prisma.EventCreateManyInput[] = []
  for (const [index, seed] of transfers.entries()) {
    const createdMs = nowMs - seed.createdSecondsAgo * 1000 - index
    const id = newId(createdMs)
    const bucketId = bucketIds.get(seed.bucket)
    if (!bucketId) throw new Error(`The scenario names the bucket ${seed.bucket}, which it does not make.`)
    const doneBytes = Math.round((seed.sizeBytes ?? 0) * seed.progress)
    const started = seed.status !== 'queued' && seed.sizeBytes !== null
    const tookMs = seed.bytesPerSecond > 0 ? Math.max(900, (doneBytes / seed.bytesPerSecond) * 1000) : 60_000
    const ended = seed.status === 'completed' || seed.status === 'failed' || seed.status === 'cancelled'
    const startedMs = Math.max(createdMs + 400, ended ? createdMs + 400 : nowMs - tookMs)
    const finishedMs = Math.min(nowMs - 1000, startedMs + tookMs)
    const partsTotal = seed.sizeBytes === null ? null : Math.ceil(seed.sizeBytes / PART_BYTES)
    const partsDone = Math.min(partsTotal ?? 0, Math.floor(doneBytes / PART_BYTES) + (seed.progress === 1 ? 1 : 0))
    rows.push({
      id,
      status: seed.status,
      sourceUrl: seed.sourceUrl,
      sourceUrlSealed: sealer.seal(seed.sourceUrl, `Transfer.sourceUrl:${id}`),
      sourceHost: new URL(seed.sourceUrl).host,
      bucketId,
      key: seed.key,
      sizeBytes: seed.sizeBytes,
      etag: seed.sizeBytes === null ? null : `"${id.slice(-6)}"`,
      acceptsRanges: seed.sizeBytes === null ? null : true,
      partSizeBytes: seed.sizeBytes === null ? null : PART_BYTES,
      partsTotal,
      doneBytes,
      partsDone,
      createdAt: new Date(createdMs),
      startedAt: started ? new Date(startedMs) : null,
      finishedAt: ended ? new Date(finishedMs) : null,
      startAt: seed.startInSeconds ? new Date(nowMs + seed.startInSeconds * 1000) : null,
      warnings: seed.warnings ?? [],
      ...(seed.failure ? { failure: { ...seed.failure } } : {}),
      ...(seed.status === 'completed'
        ? { verification: { verdict: 'verified', evidence: [{ kind: 'bucket-checksum', algorithm: 'crc64nvme' }] } }
        : {}),
    })
    events.push(...eventsOf(seed, id, createdMs, finishedMs))
    if (!started || index >= DETAILED_TRANSFERS) continue
    for (let number = 1; number <= Math.min(partsDone, MAX_PARTS); number++)
      parts.push(
        partOf(id, number, seed, engineIds, startedMs + (tookMs * (number - 1)) / Math.max(1, partsDone), tookMs / 12),
      )
    samples.push(...samplesOf(id, seed, engineIds[index % engineIds.length], startedMs, ended ? finishedMs : nowMs))
    if (seed.status === 'running')
      running.push({ id, sizeBytes: seed.sizeBytes ?? 0, doneBytes, bytesPerSecond: seed.bytesPerSecond })
  }
  await db.transfer.createMany({ data: rows })
  await inChunks(parts, (data) => db.part.createMany({ data }))
  await inChunks(samples, (data) => db.sample.createMany({ data }))
  await inChunks(events, (data) => db.event.createMany({ data }))
  return running
}

function partOf(
  transferId: string,
  number: number,
  seed: SeedTransfer,
  engineIds: readonly string[],
  startedMs: number,
  tookMs: number,
): Prisma.PartCreateManyInput {
  const last = (seed.sizeBytes ?? 0) - (number - 1) * PART_BYTES
  return {
    transferId,
    number,
    sizeBytes: Math.min(PART_BYTES, last),
    etag: `"${number.toString(16).padStart(32, '0')}"`,
    engineId: engineIds[number % Math.max(1, engineIds.length)] ?? null,
    retries: number % 41 === 7 ? 1 : 0,
    startedAt: new Date(startedMs),
    finishedAt: new Date(startedMs + tookMs),
  }
}

/** At most an hour of samples, one a second (one a 5 seconds where it took long): a slow start, waves, a dip, as real ones have. */
function samplesOf(
  transferId: string,
  seed: SeedTransfer,
  engineId: string | undefined,
  startedMs: number,
  endMs: number,
): Prisma.SampleCreateManyInput[] {
  if (!engineId || seed.bytesPerSecond === 0) return []
  const fromMs = Math.max(startedMs, endMs - 3_600_000)
  const stepMs = endMs - fromMs > 600_000 ? 5000 : 1000
  const rows: Prisma.SampleCreateManyInput[] = []
  for (let ms = fromMs; ms < endMs; ms += stepMs) {
    const t = (ms - startedMs) / 1000
    const wave = 0.88 + 0.1 * Math.sin(t / 21) + 0.06 * Math.sin(t / 3.7) + 0.03 * Math.sin(t * 1.9)
    const dip = Math.sin(t / 400) > 0.985 ? 0.35 : 1
    const bytes = Math.max(0, Math.round(seed.bytesPerSecond * (stepMs / 1000) * wave * dip * Math.min(1, (t + 1) / 6)))
    rows.push({
      transferId,
      engineId,
      at: new Date(ms),
      durationMs: stepMs,
      sourceBytes: bytes,
      bucketBytes: Math.round(bytes * (0.96 + 0.05 * Math.sin(t / 5))),
      bufferedBytes: 38 * MIB + Math.round(20 * MIB * Math.sin(t / 9)),
      readLanes: 12,
      uploadLanes: 10,
      retries: dip < 1 && Math.round(t) % 30 === 0 ? 1 : 0,
    })
  }
  return rows
}

function eventsOf(
  seed: SeedTransfer,
  transferId: string,
  createdMs: number,
  finishedMs: number,
): Prisma.EventCreateManyInput[] {
  const event = (ms: number, code: string, message: string, level = 'info') => ({
    transferId,
    at: new Date(ms),
    code,
    message,
    level,
  })
  const list = [event(createdMs, 'created', 'Transfer created.')]
  if (seed.status === 'queued') return list
  list.push(
    event(createdMs + 700, 'planned', 'The source has ranges and a strong ETag; parts of 128 MiB were planned.'),
  )
  if (seed.failure) list.push(event(finishedMs, seed.failure.code, seed.failure.message, 'error'))
  if (seed.status === 'completed')
    list.push(event(finishedMs, 'completed', 'The object is in the bucket and its checksum is right.'))
  return list
}

async function inChunks<T>(rows: T[], write: (chunk: T[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < rows.length; start += 2000) await write(rows.slice(start, start + 2000))
}
