import { formatBytes, GIB, MIB } from '../../server/domain/bytes.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { MAX_OBJECT_BYTES, MAX_PART_BYTES, MAX_PARTS } from '../../server/domain/transfer-input.ts'

/** Parts are whole slices of every profile, so that a slice never belongs to two parts. */
const PART_STEP_BYTES = 2 * MIB
/** The least a part may have where there is more than one: S3's 5 MiB, rounded up to whole steps. */
const SMALLEST_PART_BYTES = 6 * MIB
/** Part size where nobody knows how much will come: 10,000 of them are 625 GiB. */
const UNKNOWN_SIZE_PART_BYTES = 64 * MIB
/**
 * A source read in one stream holds whole parts in memory, and a part is sent once it is whole, so they stay small as long as 10,000 of
 * them are enough.
 */
const ONE_STREAM_PART_BYTES = 16 * MIB

export interface PartPlanInput {
  /** Null where the source did not say. */
  readonly sizeBytes: number | null
  readonly acceptsRanges: boolean
  readonly sizing: 'auto' | 'table'
  readonly wantedPartSizeBytes: number | null
  readonly uploadLanes: number
  /** What the store takes, where it takes less than S3. */
  readonly rules?: StorePartRules
}

/** The limits of a store; the most strict of these and S3's hold. */
export interface StorePartRules {
  readonly maxBytes: number
  readonly maxObjectBytes: number
}

export interface PartPlan {
  readonly partSizeBytes: number
  /** Null where the size is not known. */
  readonly partsTotal: number | null
}

/**
 * Part size and count of one multipart upload, fixed for its life (product.md A4). S3 takes 10,000 parts of 5 MiB to 5 GiB
 * (Amazon S3 User Guide, "Multipart upload limits"), other stores less. All parts but the last are equal, as R2 wants them. Throws
 * `too_large` above what the store takes.
 */
export function planParts(input: PartPlanInput): PartPlan {
  const { sizeBytes } = input
  if (sizeBytes !== null && sizeBytes > MAX_OBJECT_BYTES)
    throw new TransferError(
      'too_large',
      'The file is larger than 48.8 TiB, the most one S3 object can have. Split it at the source.',
    )
  const maxObjectBytes = Math.min(MAX_OBJECT_BYTES, input.rules?.maxObjectBytes ?? MAX_OBJECT_BYTES)
  if (sizeBytes !== null && sizeBytes > maxObjectBytes)
    throw new TransferError(
      'too_large',
      `The file has ${formatBytes(sizeBytes)}; an object of this bucket's store has at most ${formatBytes(maxObjectBytes)}. Split it at the source, or use another store.`,
      { facts: { sizeBytes, maxBytes: maxObjectBytes } },
    )
  const wanted = input.wantedPartSizeBytes ?? policySizeBytes(input)
  const enough = sizeBytes === null ? 0 : Math.ceil(sizeBytes / MAX_PARTS)
  const maxPartBytes = roundDown(Math.min(MAX_PART_BYTES, input.rules?.maxBytes ?? MAX_PART_BYTES))
  const partSizeBytes = Math.min(maxPartBytes, roundUp(Math.max(wanted, enough, SMALLEST_PART_BYTES)))
  return { partSizeBytes, partsTotal: sizeBytes === null ? null : Math.max(1, Math.ceil(sizeBytes / partSizeBytes)) }
}

/** Size of the one part of a file that goes as a whole. */
export function wholePartBytes(sizeBytes: number): number {
  return roundUp(sizeBytes)
}

function policySizeBytes({ sizeBytes, acceptsRanges, sizing, uploadLanes }: PartPlanInput): number {
  if (sizeBytes === null) return UNKNOWN_SIZE_PART_BYTES
  const table = tableSizeBytes(sizeBytes)
  if (sizing === 'table') return table
  const auto = Math.min(table, Math.max(8 * MIB, Math.ceil(sizeBytes / (4 * uploadLanes))))
  return acceptsRanges ? auto : Math.min(auto, ONE_STREAM_PART_BYTES)
}

function tableSizeBytes(sizeBytes: number): number {
  if (sizeBytes < 10 * GIB) return 100 * MIB
  return sizeBytes <= 100 * GIB ? 250 * MIB : 500 * MIB
}

const roundDown = (bytes: number) => Math.floor(bytes / PART_STEP_BYTES) * PART_STEP_BYTES
const roundUp = (bytes: number) => Math.ceil(bytes / PART_STEP_BYTES) * PART_STEP_BYTES

/** The bytes `[startByte, endByte)` of part `number` (from 1) of a file of known size. */
export function partRange(
  number: number,
  partSizeBytes: number,
  sizeBytes: number,
): { startByte: number; endByte: number } {
  const startByte = (number - 1) * partSizeBytes
  return { startByte, endByte: Math.min(startByte + partSizeBytes, sizeBytes) }
}

/** How many parts one claim covers: small enough that several engines share a transfer, large enough that claims stay few. */
export function partsPerClaim(partsTotal: number): number {
  return Math.min(16, Math.max(1, Math.ceil(partsTotal / 64)))
}
