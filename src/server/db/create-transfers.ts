import { type Failure, TransferError } from '../domain/failure.ts'
import { fileNameFromUrl } from '../domain/file-name.ts'
import { redactUrl } from '../domain/redact.ts'
import { keyProblem, type TransferInput } from '../domain/transfer-input.ts'
import type { Sealer } from '../secrets.ts'
import type { Db } from './client.ts'
import { newId } from './new-id.ts'
import { notifyIds } from './notifications.ts'

/** The columns that are given; all others have their defaults. As JSON: dates become text, and no number is above 2^53. */
type NewTransfer = ReturnType<typeof toRow>

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

/**
 * One statement with one parameter, however many there are: Prisma's `createMany` of 500 plans for as long as it inserts, and
 * again for each other number of rows.
 */
async function insert(db: Db, rows: readonly NewTransfer[]): Promise<void> {
  await db.$executeRaw`
    WITH input AS MATERIALIZED (
      SELECT * FROM jsonb_populate_recordset(NULL::"Transfer", ${JSON.stringify(rows)}::jsonb)
    ), created AS (
      INSERT INTO "Transfer" (id, "sourceUrlSealed", "sourceUrl", "sourceHost", "sourceHeadersSealed", "bucketId", key, "ifExists",
        "partSizing", "wantedPartSizeBytes", "wantedLanes", "bandwidthLimitBytesPerSecond", priority, "expectedChecksum", "startAt",
        "trustLengthAndDate", "oneTimeLink")
      SELECT id, "sourceUrlSealed", "sourceUrl", "sourceHost", "sourceHeadersSealed", "bucketId", key, "ifExists",
        "partSizing", "wantedPartSizeBytes", "wantedLanes", "bandwidthLimitBytesPerSecond", priority, "expectedChecksum", "startAt",
        "trustLengthAndDate", "oneTimeLink" FROM input
    ), planned AS (
      INSERT INTO "PartClaim" (id, "transferId", "firstPart", "lastPart") SELECT gen_random_uuid(), id, 0, 0 FROM input
    )
    INSERT INTO "Event" ("transferId", code, message)
    SELECT id, 'created', CASE WHEN "startAt" IS NULL THEN 'Created and queued.'
      ELSE to_char("startAt" AT TIME ZONE 'UTC', '"Created, to start at "YYYY-MM-DD HH24:MI" UTC."') END FROM input`
  await notifyIds(
    db,
    'sluice_transfers',
    rows.map((row) => row.id),
  )
}

function toRow(input: TransferInput, key: string, sealer: Sealer) {
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
    wantedPartSizeBytes: input.partSizeBytes ?? null,
    wantedLanes: input.lanes ?? null,
    bandwidthLimitBytesPerSecond: input.bandwidthLimitBytesPerSecond ?? null,
    priority: input.priority ?? 0,
    expectedChecksum: input.expectedChecksum ?? null,
    startAt: input.startAt ?? null,
    trustLengthAndDate: input.trustLengthAndDate ?? false,
    oneTimeLink: input.oneTimeLink ?? false,
  }
}
