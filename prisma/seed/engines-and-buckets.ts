import type { Db } from '../../src/server/db/client.ts'
import { newId } from '../../src/server/db/new-id.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import type { EngineStats } from '../../src/server/domain/engine.ts'
import type { Sealer } from '../../src/server/secrets.ts'
import { answerQuestions, cacheFigures } from './origins-and-cache.ts'
import type { RunningSeed } from './write-transfers.ts'

const PLACES: Record<string, { endpoint: string; region: string; forcePathStyle: boolean; prefix?: string }> = {
  sluice: { endpoint: 'http://127.0.0.1:9000', region: 'us-east-1', forcePathStyle: true },
  media: { endpoint: 'https://s3.eu-central-1.amazonaws.com', region: 'eu-central-1', forcePathStyle: false },
  models: { endpoint: 'https://9c1f0e7d.r2.cloudflarestorage.com', region: 'auto', forcePathStyle: true },
  lake: { endpoint: 'https://ceph.storage.example.net', region: 'us-east-1', forcePathStyle: true, prefix: 'raw/' },
  cold: { endpoint: 'https://s3.eu-central-003.backblazeb2.com', region: 'eu-central-003', forcePathStyle: true },
}

/** Makes the named buckets with keys that open nothing. Returns their ids by name. */
export async function writeBuckets(db: Db, sealer: Sealer, names: readonly string[]): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const [index, name] of names.entries()) {
    const place = PLACES[name]
    if (!place) throw new Error(`There is no place for the bucket ${name}.`)
    const id = newId()
    ids.set(name, id)
    await db.bucket.create({
      data: {
        id,
        name,
        bucket: name === 'sluice' ? 'sluice' : `acme-${name}`,
        ...place,
        accessKeyIdSealed: sealer.seal('SEEDEDACCESSKEY', `Bucket.accessKeyId:${id}`),
        secretAccessKeySealed: sealer.seal('seeded-secret-key', `Bucket.secretAccessKey:${id}`),
        accessKeyIdHint: ['K7QX', 'T4WZ', 'M2PL', '9HCA', 'R8VD'][index % 5] ?? 'K7QX',
        embedded: name === 'sluice',
        testedAt: name === 'cold' ? null : new Date(Date.now() - (index + 1) * 5_400_000),
        ...(name === 'cold'
          ? {}
          : {
              capabilities: {
                checksumHeaders: true,
                checksumTrailers: true,
                fullObjectChecksum: name !== 'models',
                conditionalWrites: true,
                metadata: true,
              },
            }),
      },
    })
  }
  return ids
}

/** Makes engines a, b, ... that beat now; only `keepAlive` keeps them beating. */
export async function writeEngines(db: Db, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < count; index++) {
    const id = newId()
    ids.push(id)
    await db.engine.create({
      data: {
        id,
        name: `engine-${String.fromCharCode(97 + index)}`,
        version: '0.1.0',
        pid: 4100 + index,
        url: `http://127.0.0.1:${3001 + index}`,
        startedAt: new Date(Date.now() - 7 * 3_600_000 - index * 900_000),
        stats: statsOf([], index),
      },
    })
  }
  return ids
}

/**
 * Plays the engines until `signal`: once a second a heartbeat, progress and a sample for each transfer that still runs. What
 * reaches its end starts over, so that a page can be looked at for as long as one likes.
 */
export async function keepAlive(
  db: Db,
  engineIds: readonly string[],
  running: RunningSeed[],
  signal: AbortSignal,
): Promise<void> {
  for (let tick = 0; !signal.aborted; tick++) {
    for (const [index, transfer] of running.entries()) {
      const rate = Math.round(
        transfer.bytesPerSecond * (0.9 + 0.08 * Math.sin(tick / 7 + index) + 0.05 * Math.sin(tick * 1.7)),
      )
      transfer.doneBytes =
        transfer.doneBytes + rate >= transfer.sizeBytes
          ? Math.round(transfer.sizeBytes * 0.05)
          : transfer.doneBytes + rate
      const engineId = engineIds[index % engineIds.length]
      if (!engineId) continue
      const at = new Date()
      const entry = {
        at: at.toISOString(),
        inflightBytes: 24 * MIB,
        bytesPerSecond: rate,
        readLanes: 12,
        uploadLanes: 10,
        bufferedBytes: 38 * MIB,
        movingParts: movingParts(transfer),
      }
      await db.transfer.updateMany({
        where: { id: transfer.id, status: 'running' },
        data: {
          doneBytes: transfer.doneBytes,
          partsDone: Math.floor(transfer.doneBytes / (128 * MIB)),
          live: { [engineId]: entry },
        },
      })
      await db.sample.create({
        data: {
          transferId: transfer.id,
          engineId,
          at,
          durationMs: 1000,
          sourceBytes: rate,
          bucketBytes: rate,
          bufferedBytes: 38 * MIB,
          readLanes: 12,
          uploadLanes: 10,
          retries: 0,
        },
      })
    }
    for (const id of engineIds) await answerQuestions(db, id)
    for (const [index, id] of engineIds.entries()) {
      const mine = running.filter((_, place) => place % engineIds.length === index)
      await db.engine.update({ where: { id }, data: { heartbeatAt: new Date(), stats: statsOf(mine, index) } })
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000)
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  }
}

function movingParts(transfer: RunningSeed): number[] {
  const first = Math.floor(transfer.doneBytes / (128 * MIB)) + 1
  const last = Math.ceil(transfer.sizeBytes / (128 * MIB))
  return Array.from({ length: 10 }, (_, index) => first + index).filter((number) => number <= last)
}

function statsOf(transfers: readonly RunningSeed[], index: number): EngineStats {
  const rate = transfers.reduce((sum, transfer) => sum + transfer.bytesPerSecond, 0)
  return {
    sourceBytesPerSecond: Math.round(rate * 1.01),
    bucketBytesPerSecond: rate,
    transfers: transfers.length,
    readLanes: 12 * transfers.length,
    uploadLanes: 10 * transfers.length,
    bufferedBytes: 38 * MIB * transfers.length,
    memoryBudgetBytes: 256 * MIB,
    rssBytes: (118 + 41 * index) * MIB + 40 * MIB * transfers.length,
    cpuPercent: transfers.length === 0 ? 0.4 : 31 + 14 * index,
    ...(transfers.length === 0 ? {} : cacheFigures(index)),
  }
}
