import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ObjectStoreCredentials } from '../../src/embedded/object-store/credentials.ts'
import { SAMPLE_NAME } from '../../src/embedded/sample-bytes.ts'
import { getBucketConnection, saveBucket } from '../../src/server/db/buckets.ts'
import type { Db } from '../../src/server/db/client.ts'
import { createTransfer } from '../../src/server/db/create-transfers.ts'
import { TransferError } from '../../src/server/domain/failure.ts'
import type { Sealer } from '../../src/server/secrets.ts'

/** The name of the embedded store's bucket, in the store and in the list. */
export const EMBEDDED_BUCKET = 'sluice'
const SAMPLE_PART_BYTES = 16 * 1024 * 1024

/**
 * Keeps the embedded store's bucket in the list up to date with its endpoint and keys, and returns its id. Nothing is
 * written where nothing changed, so what was learned about the store is kept.
 */
export async function saveEmbeddedBucket(
  db: Db,
  sealer: Sealer,
  credentials: ObjectStoreCredentials,
): Promise<{ id: string }> {
  const existing = await db.bucket.findFirst({ where: { embedded: true }, select: { id: true, name: true } })
  if (existing && (await isUpToDate(db, sealer, existing.id, credentials))) return { id: existing.id }
  const save = (name: string) =>
    saveBucket(
      db,
      sealer,
      {
        id: existing?.id,
        name,
        endpoint: credentials.endpoint,
        region: credentials.region,
        bucket: EMBEDDED_BUCKET,
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey,
        forcePathStyle: true,
        prefix: '',
      },
      { embedded: true },
    )
  try {
    return await save(existing?.name ?? EMBEDDED_BUCKET)
  } catch (error) {
    // A bucket of the person's own has the name already: theirs stays, ours gets another.
    if (existing || !(error instanceof TransferError) || error.code !== 'invalid_input') throw error
    return save(`${EMBEDDED_BUCKET} (embedded)`)
  }
}

async function isUpToDate(db: Db, sealer: Sealer, id: string, credentials: ObjectStoreCredentials): Promise<boolean> {
  try {
    const kept = await getBucketConnection(db, sealer, id)
    return (
      kept.endpoint === credentials.endpoint &&
      kept.region === credentials.region &&
      kept.bucket === EMBEDDED_BUCKET &&
      kept.accessKeyId === credentials.accessKeyId &&
      kept.secretAccessKey === credentials.secretAccessKey
    )
  } catch (error) {
    // Sealed with a key that is gone: sealed anew.
    if (error instanceof TransferError && error.code === 'secret_key_changed') return false
    throw error
  }
}

/**
 * Queues the sample transfer, once in the life of a data folder and only into a database without transfers, so that the
 * first screen is alive. Returns whether it did.
 */
export async function createSampleTransfer(
  db: Db,
  sealer: Sealer,
  options: { dataDir: string; bucketId: string; fileUrl: string },
): Promise<boolean> {
  const marker = join(options.dataDir, 'sample-transfer')
  if (existsSync(marker)) return false
  const isFirst = (await db.transfer.count()) === 0
  if (isFirst)
    await createTransfer(db, sealer, {
      sourceUrl: options.fileUrl,
      bucketId: options.bucketId,
      key: `sample/${SAMPLE_NAME}`,
      partSizeBytes: SAMPLE_PART_BYTES,
      ifExists: 'overwrite',
    })
  writeFileSync(marker, `${new Date().toISOString()}\n`)
  return isFirst
}
