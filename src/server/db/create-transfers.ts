import { type Failure, TransferError } from '../domain/failure.ts'
import { fileNameFromUrl } from '../domain/file-name.ts'
import { redactUrl } from '../domain/redact.ts'
import { keyProblem, type TransferInput } from '../domain/transfer-input.ts'
import type { Sealer } from '../secrets.ts'
import type { Db } from './client.ts'
import type { Prisma } from './generated/client.ts'
import { newId } from './new-id.ts'
import { notifyIds } from './notifications.ts'

type NewTransfer = Prisma.TransferCreateManyInput & { id: string }

/** What became of one item: the new transfer's id, or why there is none. */
export type CreateResult = { id: string } | { error: Failure }

/**
 * Queues transfers: each with a row, the claim that stands for its plan (part 0) and an event, all in one transaction; then the
 * engines are told. Items are independent: one with an unknown bucket or a key that does not fit is answered with its failure.
 */
export async function createTransfers(
  db: Db,
  sealer: Sealer,
  inputs: readonly TransferInput[],
): Promise<CreateResult[]> {
  const bucketIds = [...new Set(inputs.map((input) => input.bucketId))]
  const buckets = await db.bucket.findMany({ where: { id: { in: bucketIds } }, select: { id: true, prefix: true } })
  const prefixes = new Map(buckets.map((bucket) => [bucket.id, bucket.prefix]))
  const rows: NewTransfer[] = []
  const results = inputs.map((input): CreateResult => {
    const prefix = prefixes.get(input.bucketId)
    if (prefix === undefined)
      return {
        error: new TransferError(
          'not_found',
          'There is no such bucket. It may have been removed; choose one of the list.',
        ).toFailure(),
      }
    const key = input.key ?? prefix + fileNameFromUrl(input.sourceUrl)
    const problem = keyProblem(key)
    if (problem) return { error: new TransferError('invalid_key', problem).toFailure() }
    const row = toRow(input, key, sealer)
    rows.push(row)
    return { id: row.id }
  })
  if (rows.length > 0) await insert(db, rows)
  return results
}

/** One transfer. Throws its failure. */
export async function createTransfer(db: Db, sealer: Sealer, input: TransferInput): Promise<{ id: string }> {
  const [result] = await createTransfers(db, sealer, [input])
  if (result && 'id' in result) return result
  const failure = result?.error
  throw new TransferError(failure?.code ?? 'internal_error', failure?.message ?? 'Nothing was created.', failure)
}

async function insert(db: Db, rows: NewTransfer[]): Promise<void> {
  await db.$transaction([
    db.transfer.createMany({ data: rows }),
    db.partClaim.createMany({ data: rows.map((row) => ({ transferId: row.id, firstPart: 0, lastPart: 0 })) }),
    db.event.createMany({
      data: rows.map((row) => ({
        transferId: row.id,
        code: 'created',
        message: row.startAt ? `Created, to start at ${new Date(row.startAt).toISOString()}.` : 'Created and queued.',
      })),
    }),
  ])
  await notifyIds(
    db,
    'sluice_transfers',
    rows.map((row) => row.id),
  )
}

function toRow(input: TransferInput, key: string, sealer: Sealer): NewTransfer {
  const id = newId()
  const headers = input.sourceHeaders && Object.keys(input.sourceHeaders).length > 0 ? input.sourceHeaders : null
  return {
    id,
    sourceUrlSealed: sealer.seal(input.sourceUrl, `Transfer.sourceUrl:${id}`),
    sourceUrl: redactUrl(input.sourceUrl),
    sourceHost: new URL(input.sourceUrl).host,
    sourceHeadersSealed: headers ? sealer.seal(JSON.stringify(headers), `Transfer.sourceHeaders:${id}`) : null,
    bucketId: input.bucketId,
    key,
    ifExists: input.ifExists ?? 'fail',
    partSizing: input.partSizing ?? null,
    wantedPartSizeBytes: input.partSizeBytes === undefined ? null : BigInt(input.partSizeBytes),
    wantedLanes: input.lanes ?? null,
    bandwidthLimitBytesPerSecond:
      input.bandwidthLimitBytesPerSecond === undefined ? null : BigInt(input.bandwidthLimitBytesPerSecond),
    priority: input.priority ?? 0,
    expectedChecksum: input.expectedChecksum,
    startAt: input.startAt ?? null,
    trustLengthAndDate: input.trustLengthAndDate ?? false,
    oneTimeLink: input.oneTimeLink ?? false,
  }
}
