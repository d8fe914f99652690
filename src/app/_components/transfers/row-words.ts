import { GIB, KIB, MIB, splitBytes, TIB } from '../../../server/domain/bytes.ts'
import type { TransferView, Verification } from '../../../server/domain/transfer.ts'
import { evidenceWords, SOURCE_NOT_PINNED } from '../../../server/domain/verification-words.ts'

/** How far a transfer is, 0 to 1; null where the size is unknown. An empty file that is done is whole. */
export function progressOf(transfer: Pick<TransferView, 'sizeBytes' | 'transferredBytes' | 'status'>): number | null {
  if (transfer.sizeBytes === null) return null
  if (transfer.sizeBytes === 0) return transfer.status === 'completed' ? 1 : 0
  return Math.min(1, transfer.transferredBytes / transfer.sizeBytes)
}

/** Whole percent, rounded down, so that 100 % means all of it. */
export function percentOf(fraction: number | null): string {
  return fraction === null ? '–' : `${Math.floor(fraction * 100)}`
}

const SCALES = { B: 1, KiB: KIB, MiB: MIB, GiB: GIB, TiB: TIB, PiB: 1024 * TIB } as const

/** `4.4 / 6.2 GiB`: both numbers in the unit of the whole; without a size, what was moved alone. */
export function doneOfSize(doneBytes: number, sizeBytes: number | null): { value: string; unit: string } {
  if (sizeBytes === null) return splitBytes(doneBytes)
  const { unit } = splitBytes(sizeBytes)
  const scale = SCALES[unit as keyof typeof SCALES] ?? 1
  const digits = unit === 'B' || sizeBytes / scale >= 1000 ? 0 : 1
  return { value: `${(doneBytes / scale).toFixed(digits)} / ${(sizeBytes / scale).toFixed(digits)}`, unit }
}

/** What a finished transfer rests on, in a few words; empty where nothing is known yet. */
export function proofWords(verification: Verification | null): string {
  if (!verification) return ''
  if (verification.verdict === 'pending') return 'being verified'
  if (verification.verdict === 'size-only')
    return verification.evidence.some(({ kind }) => kind === SOURCE_NOT_PINNED)
      ? 'the source may have changed on the way'
      : 'only the size could be compared'
  if (verification.verdict === 'mismatch') return 'checksum does not match'
  const strongest = verification.evidence.find((evidence) => evidence.algorithm)
  return strongest ? evidenceWords(strongest) : 'verified'
}

/** Where to: `media/iso/file.iso`. A row names the file already, so that the folder is enough there. */
export function folderOf(transfer: Pick<TransferView, 'bucketName' | 'key'>): string {
  const folder = transfer.key.split('/').slice(0, -1).join('/')
  return folder ? `${transfer.bucketName}/${folder}/` : `${transfer.bucketName}/`
}

/** Seconds from start to end; null where either is not known. */
export function tookSeconds(transfer: Pick<TransferView, 'startedAt' | 'finishedAt'>): number | null {
  if (!transfer.startedAt || !transfer.finishedAt) return null
  return Math.max(0, (transfer.finishedAt.getTime() - transfer.startedAt.getTime()) / 1000)
}
