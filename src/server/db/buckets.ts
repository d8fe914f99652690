import type { BucketCapabilities, BucketConnection, BucketSave, BucketView } from '../domain/bucket.ts'
import { bucketCapabilitiesSchema } from '../domain/bucket.ts'
import { type Failure, failureSchema, TransferError } from '../domain/failure.ts'
import type { Sealer } from '../secrets.ts'
import type { Db, DbOrTx } from './client.ts'
import { isUniqueViolation } from './database-failure.ts'
import { Prisma } from './generated/client.ts'
import { newId } from './new-id.ts'

const ENDED = ['completed', 'failed', 'cancelled'] as const

/** All buckets by name, with how many transfers point at each. Of the keys only the hint. */
export async function listBuckets(db: DbOrTx): Promise<BucketView[]> {
  const rows = await db.bucket.findMany({
    orderBy: { name: 'asc' },
    select: {
      id: true,
      name: true,
      endpoint: true,
      region: true,
      bucket: true,
      prefix: true,
      forcePathStyle: true,
      accessKeyIdHint: true,
      embedded: true,
      capabilities: true,
      testedAt: true,
      testFailure: true,
      createdAt: true,
      _count: { select: { transfers: true } },
    },
  })
  return rows.map(({ _count, capabilities, testFailure, ...row }) => ({
    ...row,
    capabilities: readCapabilities(capabilities),
    testFailure: failureSchema.safeParse(testFailure).data ?? null,
    transfers: _count.transfers,
  }))
}

/**
 * Adds a bucket, or with an `id` changes one. Keys left empty stay as they are; for a new bucket both are needed. What the store
 * was seen to support is forgotten when endpoint, bucket or keys change, because it was seen elsewhere.
 * Throws `invalid_input` (a name that is taken, a key that is missing), `not_found`, or `not_allowed_in_state` where it is to lead to another
 * bucket while uploads are open in this one: nobody could remove them any more. The endpoint may change, because the same store may move.
 */
export async function saveBucket(
  db: Db,
  sealer: Sealer,
  input: BucketSave,
  options: { embedded?: boolean } = {},
): Promise<{ id: string }> {
  const id = input.id ?? newId()
  const old = input.id
    ? await db.bucket.findUnique({ where: { id }, select: { endpoint: true, bucket: true, embedded: true } })
    : null
  if (input.id && !old) throw bucketNotFound()
  if (old?.embedded && !options.embedded)
    throw new TransferError(
      'not_allowed_in_state',
      'This bucket belongs to the embedded object store, which keeps its settings itself. Add another bucket instead.',
    )
  if (old && old.bucket !== input.bucket && !options.embedded) await mustHaveNoUploads(db, id, old.bucket)
  checkKeys(input)
  const endpoint = input.endpoint.replace(/\/$/, '')
  const settings = {
    name: input.name,
    endpoint,
    region: input.region,
    bucket: input.bucket,
    forcePathStyle: input.forcePathStyle,
    prefix: input.prefix ?? '',
    ...(options.embedded === undefined ? {} : { embedded: options.embedded }),
  }
  const keys = sealKeys(sealer, id, input)
  const moved = old !== null && (old.endpoint !== endpoint || old.bucket !== input.bucket || keys !== null)
  try {
    if (old) {
      const forgotten = moved ? { capabilities: Prisma.DbNull, testedAt: null, testFailure: Prisma.DbNull } : {}
      await db.bucket.update({ where: { id }, data: { ...settings, ...keys, ...forgotten }, select: { id: true } })
    } else if (keys) await db.bucket.create({ data: { id, ...settings, ...keys }, select: { id: true } })
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new TransferError('invalid_input', `There is already a bucket named "${input.name}". Choose another name.`, {
      cause: error,
    })
  }
  return { id }
}

async function mustHaveNoUploads(db: Db, bucketId: string, bucket: string): Promise<void> {
  const isOpen = [{ uploadId: { not: null } }, { uploadStartingAt: { not: null } }]
  const open = await db.transfer.count({ where: { bucketId, OR: isOpen } })
  if (open === 0) return
  throw new TransferError(
    'not_allowed_in_state',
    `${count(open, 'transfer')} ${open === 1 ? 'has' : 'have'} an unfinished upload in ${bucket}. Finish or cancel ${open === 1 ? 'it' : 'them'} first, or add the other bucket beside this one.`,
  )
}

/**
 * Removes a bucket from Sluice; objects in it stay. Refused while any transfer names it, because a transfer without its bucket
 * could neither be cleaned up, nor tried again, nor verified: cancel the open ones, remove the ended ones, then the bucket.
 */
export async function removeBucket(db: Db, id: string): Promise<{ id: string }> {
  const bucket = await db.bucket.findUnique({ where: { id }, select: { name: true, embedded: true } })
  if (!bucket) throw bucketNotFound()
  if (bucket.embedded)
    throw new TransferError(
      'not_allowed_in_state',
      'This bucket belongs to the embedded object store and is always there. Other buckets can be removed.',
    )
  const open = await db.transfer.count({ where: { bucketId: id, status: { notIn: [...ENDED] } } })
  if (open > 0)
    throw new TransferError(
      'not_allowed_in_state',
      `${count(open, 'transfer')} into "${bucket.name}" ${open === 1 ? 'is' : 'are'} not finished. Wait, or cancel ${open === 1 ? 'it' : 'them'}, before you remove the bucket.`,
    )
  const removed = await db.$executeRaw`
    DELETE FROM "Bucket" b WHERE b.id = ${id}::uuid
      AND NOT EXISTS (SELECT 1 FROM "Transfer" t WHERE t."bucketId" = b.id)`
  if (removed === 1) return { id }
  const ended = await db.transfer.count({ where: { bucketId: id } })
  throw new TransferError(
    'not_allowed_in_state',
    `${count(ended, 'ended transfer')} into "${bucket.name}" ${ended === 1 ? 'is' : 'are'} kept in the history. Remove ${ended === 1 ? 'it' : 'them'} first, then the bucket.`,
  )
}

/** Endpoint and opened keys of a bucket, for the engine. Throws `not_found` or `secret_key_changed`. */
export async function getBucketConnection(db: DbOrTx, sealer: Sealer, id: string): Promise<BucketConnection> {
  const row = await db.bucket.findUnique({
    where: { id },
    select: {
      endpoint: true,
      region: true,
      bucket: true,
      forcePathStyle: true,
      capabilities: true,
      accessKeyIdSealed: true,
      secretAccessKeySealed: true,
    },
  })
  if (!row) throw bucketNotFound()
  const { accessKeyIdSealed, secretAccessKeySealed, capabilities, ...settings } = row
  return {
    ...settings,
    capabilities: readCapabilities(capabilities),
    accessKeyId: sealer.open(accessKeyIdSealed, `Bucket.accessKeyId:${id}`),
    secretAccessKey: sealer.open(secretAccessKeySealed, `Bucket.secretAccessKey:${id}`),
  }
}

/** Remembers what a store was seen to support. */
export async function saveBucketCapabilities(db: DbOrTx, id: string, capabilities: BucketCapabilities): Promise<void> {
  const data = { capabilities, testedAt: new Date(), testFailure: Prisma.DbNull }
  await db.bucket.updateMany({ where: { id }, data })
}

/** Remembers that a test of a bucket failed, and why. What its store was seen to support before stays. */
export async function saveBucketTestFailure(db: DbOrTx, id: string, failure: Failure): Promise<void> {
  await db.bucket.updateMany({ where: { id }, data: { testFailure: { ...failure }, testedAt: new Date() } })
}

/** Whether it is known what the store of a bucket supports. */
export async function isBucketTested(db: DbOrTx, id: string): Promise<boolean> {
  const row = await db.bucket.findUnique({ where: { id }, select: { capabilities: true } })
  return row !== null && row.capabilities !== null
}

/** A new bucket needs both keys; a saved one both or none. Throws `invalid_input`. */
export function checkKeys(input: BucketSave): void {
  const given = [input.accessKeyId, input.secretAccessKey].filter((key) => key !== '').length
  if (!input.id && given < 2)
    throw new TransferError('invalid_input', 'A new bucket needs both an access key ID and a secret access key.')
  if (given === 1)
    throw new TransferError(
      'invalid_input',
      'The two keys belong together: fill in both, or leave both empty to keep them.',
    )
}

/** Throws `not_found` where there is no such bucket. */
export async function checkBucketExists(db: DbOrTx, id: string): Promise<void> {
  if (!(await db.bucket.findUnique({ where: { id }, select: { id: true } }))) throw bucketNotFound()
}

function sealKeys(sealer: Sealer, id: string, input: BucketSave) {
  if (input.accessKeyId === '' || input.secretAccessKey === '') return null
  return {
    accessKeyIdSealed: sealer.seal(input.accessKeyId, `Bucket.accessKeyId:${id}`),
    secretAccessKeySealed: sealer.seal(input.secretAccessKey, `Bucket.secretAccessKey:${id}`),
    accessKeyIdHint: input.accessKeyId.slice(-4),
  }
}

function readCapabilities(json: Prisma.JsonValue): BucketCapabilities | null {
  return bucketCapabilitiesSchema.safeParse(json).data ?? null
}

function bucketNotFound(): TransferError {
  return new TransferError('not_found', 'There is no such bucket. It may have been removed; choose one of the list.')
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
