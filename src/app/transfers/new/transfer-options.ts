import { parseBytes } from '../../../server/domain/bytes.ts'
import { normalizeChecksum } from '../../../server/domain/checksum.ts'
import type { ChecksumAlgorithm } from '../../../server/domain/transfer.ts'
import { MAX_PART_BYTES, MIN_PART_BYTES, type TransferInput } from '../../../server/domain/transfer-input.ts'

/** What stands under Options, as typed. */
export interface TransferOptions {
  headers: { id: number; name: string; value: string }[]
  sizing: 'auto' | 'table' | 'own'
  partSize: string
  lanes: string
  bandwidthLimit: string
  priority: number
  checksumAlgorithm: ChecksumAlgorithm
  checksumValue: string
  startAt: string
  trustLengthAndDate: boolean
  oneTimeLink: boolean
}

export const NO_OPTIONS: TransferOptions = {
  headers: [],
  sizing: 'auto',
  partSize: '',
  lanes: '',
  bandwidthLimit: '',
  priority: 0,
  checksumAlgorithm: 'sha256',
  checksumValue: '',
  startAt: '',
  trustLengthAndDate: false,
  oneTimeLink: false,
}

/** The fields of `transfers.create` that come from Options. */
export type OptionsInput = Omit<TransferInput, 'sourceUrl' | 'bucketId' | 'key' | 'ifExists'>
export type OptionsProblems = Partial<
  Record<'headers' | 'partSize' | 'lanes' | 'bandwidthLimit' | 'checksum' | 'startAt', string>
>

/** Reads what was typed. What cannot be read has a sentence beside its field; the API checks all of it again. */
export function readOptions(
  options: TransferOptions,
  { single, nowMs }: { single: boolean; nowMs: number },
): { input: OptionsInput; problems: OptionsProblems } {
  const input: OptionsInput = {}
  const problems: OptionsProblems = {}

  const headers = options.headers.filter(({ name, value }) => name.trim() !== '' || value !== '')
  if (headers.some(({ name }) => !/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name.trim())))
    problems.headers = 'A header name has letters, digits and dashes, such as Authorization.'
  else if (headers.length > 0)
    input.sourceHeaders = Object.fromEntries(headers.map(({ name, value }) => [name.trim(), value]))

  if (options.sizing === 'table') input.partSizing = 'table'
  if (options.sizing === 'own') {
    const bytes = parseBytes(options.partSize)
    if (bytes === null) problems.partSize = 'Write a size, such as 64 MiB.'
    else if (bytes < MIN_PART_BYTES || bytes > MAX_PART_BYTES)
      problems.partSize = 'A part has 5 MiB to 5 GiB, the limits of S3.'
    else input.partSizeBytes = bytes
  }

  if (options.lanes.trim() !== '') {
    const lanes = Number(options.lanes)
    if (!Number.isInteger(lanes) || lanes < 1 || lanes > 20) problems.lanes = 'A whole number from 1 to 20.'
    else input.lanes = lanes
  }

  if (options.bandwidthLimit.trim() !== '') {
    const bytes = parseBytes(options.bandwidthLimit.replace(/\/s\s*$/, ''))
    if (bytes === null || bytes < 1024) problems.bandwidthLimit = 'Write a rate of at least 1 KiB, such as 50 MiB.'
    else input.bandwidthLimitBytesPerSecond = bytes
  }

  if (options.priority !== 0) input.priority = options.priority

  // One value can only be right for one file.
  const value = options.checksumValue.trim()
  if (single && value !== '') {
    if (normalizeChecksum(options.checksumAlgorithm, value) === null)
      problems.checksum = 'This is no value of that algorithm, neither hexadecimal nor base64.'
    else input.expectedChecksum = { algorithm: options.checksumAlgorithm, value }
  }

  if (options.startAt !== '') {
    const at = new Date(options.startAt)
    if (Number.isNaN(at.getTime())) problems.startAt = 'This is no date and time.'
    else if (at.getTime() < nowMs) problems.startAt = 'This is in the past. Choose a later time, or leave it empty.'
    else input.startAt = at
  }
  if (options.trustLengthAndDate) input.trustLengthAndDate = true
  if (options.oneTimeLink) input.oneTimeLink = true
  return { input, problems }
}

/** The options that differ from their defaults, for the folded line. */
export function optionsSummary(options: TransferOptions, single: boolean): string {
  const pieces: string[] = []
  const headers = options.headers.filter(({ name }) => name.trim() !== '').length
  if (headers > 0) pieces.push(headers === 1 ? '1 header' : `${headers} headers`)
  if (options.sizing === 'table') pieces.push('parts by table')
  if (options.sizing === 'own' && options.partSize) pieces.push(`parts of ${options.partSize}`)
  if (options.lanes) pieces.push(`${options.lanes} upload lanes`)
  if (options.bandwidthLimit) pieces.push(`at most ${options.bandwidthLimit.replace(/\/s\s*$/, '')} a second`)
  if (options.priority !== 0) pieces.push(options.priority > 0 ? 'before others' : 'after others')
  if (single && options.checksumValue) pieces.push('expected checksum')
  if (options.startAt) pieces.push(`starts ${options.startAt.replace('T', ' ')}`)
  if (options.trustLengthAndDate) pieces.push('trusts length and date')
  if (options.oneTimeLink) pieces.push('link works once')
  return pieces.join(' · ')
}
